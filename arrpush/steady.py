"""Work that goes on for ever: over a store that fails, and over bugs of ours."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from arrpush.line import Timing
from engine.store.errors import StoreError

STORE_DELAY = 30.0
"""Seconds before going on when the store failed: its disk may be full."""

BUG_DELAY = 300.0
"""Seconds before going on after an error of ours."""


async def steadily(
    step: Callable[[], Awaitable[None]], timing: Timing, logger: logging.Logger, who: str
) -> None:
    """Take one step after the other, for ever; `who` begins the log's lines, as in `target=x`."""
    while True:
        try:
            await step()
        except StoreError as problem:
            logger.error("%s store=failed reason=%r", who, str(problem))  # noqa: TRY400 - one line is enough, it repeats
            await timing.sleep(STORE_DELAY)
        except Exception:
            # The last net: a bug must not end the work, nor make it spin.
            logger.exception("%s step=failed", who)
            await timing.sleep(BUG_DELAY)


async def pause(woken: asyncio.Event, seconds: float | None, timing: Timing) -> None:
    """Wait until `woken`, or so long; None is for ever."""
    waits: list[asyncio.Future[object]] = [asyncio.ensure_future(woken.wait())]
    if seconds is not None:
        waits.append(asyncio.ensure_future(timing.sleep(seconds)))
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
