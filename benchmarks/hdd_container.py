"""A container's limits, by the kernel's own means: memory, and what may be written to a device.

Theory
    Memory is limited for a process and its children, page cache included, by a control group made
    for one run. Its peak tells what a container of the same kind would have seen.

    Writes to a device are limited where the page cache's writes meet the limit, too. In version 1
    that is the root group alone: the cache is written out by kernel threads, which belong to no
    other. In version 2 the cache's writes are charged to the group that made the pages dirty, if
    the group has the memory and the io controller; so there the limit is the run's own.

    A version's mount may be there without the controller being in it: what counts is the file.
"""

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

CGROUPS = Path("/sys/fs/cgroup")

ENTER = 'echo $$ > "$0" && exec "$@"'
"""A shell that joins the group and then becomes the command."""


class Limits(msgspec.Struct, frozen=True):
    """What a container may do."""

    memory: int
    """Bytes, page cache included."""
    device: str = ""
    """"major:minor" of what is written to; empty for no limit of writes."""
    rate: int = 0
    """Bytes per second that may be written to it."""


class Container:
    """A control group for one run. Any thread."""

    def __init__(self, folder: Path, *, unified: bool) -> None:
        self._folder = folder
        self._unified = unified

    def __repr__(self) -> str:
        return f"<Container {self._folder.name}>"

    def command(self, command: Sequence[str]) -> list[str]:
        """Return what runs `command` in here."""
        return ["sh", "-c", ENTER, str(self._folder / "cgroup.procs"), *command]

    def peak(self) -> int | None:
        """Return the most bytes held at once, page cache included; None where nobody counts."""
        name = "memory.peak" if self._unified else "memory.max_usage_in_bytes"
        with contextlib.suppress(OSError, ValueError):
            return int((self._folder / name).read_text())
        return None


def missing(root: Path = CGROUPS) -> str:
    """Return what is missing for limits of memory and writes, empty when nothing is."""
    if os.geteuid() != 0:
        return "root"
    if _unified(root):
        return ""
    if not (root / "memory/memory.limit_in_bytes").exists():
        return "a memory control group"
    if not (root / "blkio/blkio.throttle.write_bps_device").exists():
        return "a control group that limits writes (CONFIG_BLK_DEV_THROTTLING)"
    return ""


@contextlib.contextmanager
def container(limits: Limits, root: Path = CGROUPS) -> Iterator[Container]:
    """Make a group with `limits`, remove it afterwards. Raises OSError.

    In version 1 the limit of writes holds for the whole machine (see the theory): `limit_writes`
    sets it, not this.
    """
    unified = _unified(root)
    parent = root if unified else root / "memory"
    folder = parent / f"alldebrid-client-{os.getpid()}-{time.monotonic_ns()}"
    folder.mkdir()
    try:
        if unified:
            (folder / "memory.max").write_text(str(limits.memory))
            if limits.device:
                (folder / "io.max").write_text(f"{limits.device} wbps={limits.rate}")
        else:
            (folder / "memory.limit_in_bytes").write_text(str(limits.memory))
        yield Container(folder, unified=unified)
    finally:
        _remove(folder)


@contextlib.contextmanager
def limit_writes(device: str, rate: int, root: Path = CGROUPS) -> Iterator[None]:
    """Limit writes to "major:minor", whoever makes them, in bytes per second. Raises OSError.

    Does nothing in version 2, where each container has the limit.
    """
    if _unified(root):
        yield
        return
    rule = root / "blkio/blkio.throttle.write_bps_device"
    rule.write_text(f"{device} {rate}")
    try:
        yield
    finally:
        rule.write_text(f"{device} 0")


def _unified(root: Path) -> bool:
    """Tell whether version 2 has both controllers, for groups below its root."""
    try:
        there = (root / "cgroup.subtree_control").read_text().split()
    except OSError:
        return False
    return {"memory", "io"} <= set(there)


def _remove(folder: Path) -> None:
    """Remove a group; the kernel may need a moment after its last process has gone."""
    for _ in range(50):
        try:
            folder.rmdir()
        except OSError:
            time.sleep(0.1)
        else:
            return
