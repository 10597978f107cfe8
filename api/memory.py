"""How much memory this process has, may have and had at most, in bytes, as Linux tells it."""

import os
import resource
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

_CGROUPS = (
    # Version 2, version 2 beside version 1, version 1.
    ("", "sys/fs/cgroup", "memory.max"),
    ("", "sys/fs/cgroup/unified", "memory.max"),
    ("memory", "sys/fs/cgroup/memory", "memory.limit_in_bytes"),
)


def resident(root: Path = Path("/")) -> int:
    """Return the resident memory of this process now; the peak where there is no /proc."""
    try:
        pages = (root / "proc/self/statm").read_text().split()[1]
    except (OSError, IndexError):
        return peak(root)
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def peak(root: Path = Path("/")) -> int:
    """Return the most resident memory this process ever had.

    The kernel's per-program mark is taken where there is one: ru_maxrss starts with what the
    parent had when it forked, so a small child of a large parent would look large.
    """
    marks = _numbers(root / "proc/self/status", "VmHWM:")
    kibibytes = next(marks, None) or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kibibytes * 1024


def limit(root: Path = Path("/")) -> int:
    """Return what this process may use: the machine's memory or a smaller cgroup limit.

    0 when nobody knows.
    """
    machine = next(_numbers(root / "proc/meminfo", "MemTotal:"), 0) * 1024
    known = [value for value in (machine, *_cgroup_limits(root)) if value > 0]
    return min(known, default=0)


def _numbers(path: Path, label: str) -> Iterator[int]:
    """Yield the number behind `label` in a file of `Label:   123 kB` lines."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        words = line.split()
        if len(words) > 1 and words[0] == label and words[1].isdigit():
            yield int(words[1])


def _cgroup_limits(root: Path) -> Iterator[int]:
    """Yield the limits of the groups this process is in, from its own up to the topmost."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _number, controllers, group = line.split(":", 2)
        for controller, mount, name in _CGROUPS:
            if controller in controllers.split(","):
                yield from _limits_above(root / mount, group, name)


def _limits_above(mount: Path, group: str, name: str) -> Iterator[int]:
    # In a container the group's path may be the host's and lead nowhere; the container's own
    # limit then stands at the top.
    path = PurePosixPath("/", group)
    for folder in (path, *path.parents):
        try:
            text = (mount / folder.relative_to("/") / name).read_text().strip()
        except OSError:
            continue
        if text.isdigit():
            yield int(text)
