"""Memory and processor time of processes, in bytes and seconds, as Linux tells them.

Which process answers on a connection of ours is found by the connection itself: its other end is
in the kernel's table of sockets when it is on this machine, and one process has it open. That holds
whatever addresses the service listens on. Where it runs in a container the other end may belong to
a program that only passes connections on; its memory is not the service's.
"""

import contextlib
import os
import statistics
from array import array
from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/")

ESTABLISHED = "01"
"""State of a connection in /proc/net/tcp."""

FORWARDERS = frozenset({"docker-proxy", "rootlesskit", "rootlessport", "slirp4netns", "pasta"})
"""Programs that only pass connections on to a container."""


class Process:
    """A process of this machine. What it does not tell, or no longer, is None."""

    def __init__(self, pid: int, root: Path = ROOT) -> None:
        self.pid = pid
        self._folder = root / "proc" / str(pid)

    def __repr__(self) -> str:
        return f"<Process {self.pid} {self.name}>"

    @property
    def name(self) -> str:
        """The program's name, at most 15 characters."""
        return self._read("comm").strip()

    def resident(self) -> int | None:
        """Return its resident memory now."""
        return self._status("VmRSS:")

    def peak(self) -> int | None:
        """Return the most resident memory it had since it began, or since that was reset."""
        return self._status("VmHWM:")

    def cpu_seconds(self) -> float | None:
        """Return the processor time it has taken, its own and the system's for it."""
        # The name stands in parentheses and may hold blanks and parentheses itself.
        words = self._read("stat").rpartition(")")[2].split()
        if len(words) < 13:
            return None
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def _status(self, label: str) -> int | None:
        for line in self._read("status").splitlines():
            words = line.split()
            if len(words) > 1 and words[0] == label:
                return int(words[1]) * 1024
        return None

    def _read(self, name: str) -> str:
        try:
            return (self._folder / name).read_text(errors="replace")
        except OSError:
            return ""


class Meter:
    """Memory and processor time of a process that somebody else runs; of None it knows nothing."""

    def __init__(self, process: Process | None) -> None:
        self.last: int | None = None
        """Resident memory at the last reading."""
        self._process = process
        self._peak_before = process.peak() if process else None
        self._cpu_before = process.cpu_seconds() if process else None
        self._seen = array("d")

    def __repr__(self) -> str:
        return f"<Meter {self._process!r}>"

    def read(self) -> None:
        """Look at it once more."""
        self.last = self._process.resident() if self._process else None
        if self.last is not None:
            self._seen.append(self.last)

    @property
    def name(self) -> str | None:
        """Which process that is."""
        return f"{self._process.pid} {self._process.name}" if self._process else None

    def peak(self) -> int | None:
        """Return the most memory since this was made.

        The kernel's mark goes back to the process's beginning: when that was higher, what was
        read is all there is.
        """
        mark = self._process.peak() if self._process else None
        if mark is not None and self._peak_before is not None and mark > self._peak_before:
            return mark
        return round(max(self._seen)) if self._seen else None

    def mean(self) -> int | None:
        """Return the mean of what was read."""
        return round(statistics.fmean(self._seen)) if self._seen else None

    def cpu_seconds(self) -> float | None:
        """Return the processor time since this was made."""
        now = self._process.cpu_seconds() if self._process else None
        return None if now is None or self._cpu_before is None else now - self._cpu_before


def reset_peak(root: Path = ROOT) -> bool:
    """Let the peak of this process's memory start from what it has now; False if it cannot."""
    try:
        (root / "proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def answering(port: int, client_port: int, root: Path = ROOT) -> Process | None:
    """Return the process at the other end of a connection from `client_port` to `port`.

    None when that is not on this machine, only forwards connections, or is another user's.
    """
    for inode in _sockets(port, client_port, root):
        pid = _owner(inode, root)
        if pid is not None:
            process = Process(pid, root)
            return None if process.name in FORWARDERS else process
    return None


def _sockets(port: int, client_port: int, root: Path) -> Iterator[str]:
    """Yield the inodes of established connections whose own end is `port`."""
    for table in ("tcp", "tcp6"):
        try:
            lines = (root / "proc/net" / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            words = line.split()
            ends = [int(end.rpartition(":")[2], 16) for end in words[1:3]]
            if ends == [port, client_port] and words[3] == ESTABLISHED and words[9] != "0":
                yield words[9]


def _owner(inode: str, root: Path) -> int | None:
    """Return the process that has a socket open, if it is one we may look at."""
    for folder in (root / "proc").iterdir():
        if folder.name.isdigit():
            # A process may end while we look, and others' are not for us.
            with contextlib.suppress(OSError):
                for link in (folder / "fd").iterdir():
                    if str(link.readlink()) == f"socket:[{inode}]":
                        return int(folder.name)
    return None
