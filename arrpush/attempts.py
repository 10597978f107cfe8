"""The log of attempts: one line for each time a release was pushed, or could not be.

    2026-01-31T12:00:00Z target=sonarr code=200 duration=0.213 payload=412 id=… outcome=approved …

`code` is the HTTP status, 0 for no answer; `duration` is seconds, `payload` bytes of JSON. Neither
URLs nor keys are among the fields, and what is in the sentence is masked on its way to the file.
"""

import datetime as dt
import logging

import msgspec

from arrpush.payload import utc

logger = logging.getLogger("arrpush.attempts")
"""Has a file of its own; its records go to no other log."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try."""

    at: float
    """Unix seconds at which it began."""
    target: str
    id: str
    """Of the push; "" for what was not accepted."""
    title: str
    code: int = 0
    duration: float = 0.0
    """Seconds."""
    payload: int
    """Bytes."""
    outcome: str
    said: str
    """One sentence."""


def line(attempt: Attempt) -> str:
    """Return an attempt as a line without its end."""
    moment = utc(dt.datetime.fromtimestamp(attempt.at, dt.UTC))
    outcome = attempt.outcome.replace(" ", "_")
    return (
        f"{moment} target={attempt.target} code={attempt.code} duration={attempt.duration:.3f}"
        f" payload={attempt.payload} id={attempt.id or '-'} outcome={outcome}"
        f" title={attempt.title!r} said={attempt.said!r}"
    )


def log(attempt: Attempt) -> None:
    """Write a line about an attempt; any thread."""
    logger.info("%s", line(attempt))
