"""The simulated AllDebrid, for a service that was given no key, and a place of its own for it.

It runs in a process of its own so that the memory the service shows is the service's, and ends
with it: its standard input is a pipe that nobody writes to and that closes when the service ends,
however that happens.

What is simulated never mixes with what is real: it has its own database and its own downloads,
emptied at every start. Forgetting the key once must not touch a single real torrent.
"""

import asyncio
import contextlib
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from api.settings import Settings

RATE = 32 << 20
"""Bytes per second of its file host: slow enough to watch the sample download (about 6 seconds)."""

READY_AFTER = 3.0
"""Seconds a torrent takes to get ready there."""

START_TIMEOUT = 20.0
"""Seconds to come up; a slow NAS needs three."""


FOLDER = "simulated"
"""Below CONFIG_DIR and DOWNLOAD_DIR."""

MARK = ".simulated"
"""A file in a folder that says that we made it and may empty it."""


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


def apart(settings: Settings, url: str) -> Settings:
    """Return the settings for a simulated run: empty folders of its own. Blocks.

    Raises SimulatorFailed when a folder of that name is not ours.
    """
    folders = [settings.config_dir / FOLDER, settings.download_dir / FOLDER]
    for folder in folders:
        try:
            _empty(folder)
        except OSError as problem:
            raise SimulatorFailed(f"{folder} cannot be emptied: {problem.strerror}") from None
    return msgspec.structs.replace(
        settings, config_dir=folders[0], download_dir=folders[1], alldebrid_api_url=url
    )


def _empty(folder: Path) -> None:
    if folder.exists():
        if not (folder / MARK).exists():
            raise SimulatorFailed(
                f"{folder} is there already and was not made by a run without a key; move it away,"
                " or set ALLDEBRID_API_KEY"
            )
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / MARK).touch()
