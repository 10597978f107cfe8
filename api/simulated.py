"""The simulated AllDebrid as a child process, for a service that was given no key.

It runs in a process of its own so that the memory the service shows is the service's, and ends
with it: its standard input is a pipe that nobody writes to and that closes when the service ends,
however that happens.
"""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator

RATE = 32 << 20
"""Bytes per second of its file host: slow enough to watch the sample download (about 6 seconds)."""

READY_AFTER = 3.0
"""Seconds a torrent takes to get ready there."""

START_TIMEOUT = 20.0
"""Seconds to come up; a slow NAS needs three."""


class SimulatorFailed(Exception):
    """The simulated AllDebrid did not start; the message says why."""


@contextlib.asynccontextmanager
async def simulated_alldebrid() -> AsyncIterator[str]:
    """Run a simulated AllDebrid and yield its base URL. Raises SimulatorFailed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "engine.alldebrid.simulator",
        f"--rate={RATE}",
        f"--seconds={READY_AFTER}",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield await _address(process)
    finally:
        if process.stdin is not None:
            process.stdin.close()
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def _address(process: asyncio.subprocess.Process) -> str:
    if process.stdout is None:
        raise SimulatorFailed("the simulated AllDebrid has no output")
    try:
        line = await asyncio.wait_for(process.stdout.readline(), START_TIMEOUT)
    except TimeoutError:
        raise SimulatorFailed("the simulated AllDebrid did not start in time") from None
    if not line:
        raise SimulatorFailed("the simulated AllDebrid ended at once; its output above says why")
    return line.decode().strip()
