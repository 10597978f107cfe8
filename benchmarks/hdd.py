"""A hard disk of our own making: a loop device with ext4 on it, and a limit on what it takes.

Theory
    The bytes lie in a file in memory, so that nothing but the limit decides how fast the device is.
    All of it is allocated beforehand: a loop device charges new pages of its file to the control
    group of whoever writes, and a container of 2 GB would fill up with them.

    The limit is the block layer's own (`hdd_container`): requests wait before they reach the
    device. It lets through what a tenth of a second allows and then waits for the next, so short
    looks see bursts of 15 MB; a drive's own cache does the same. After a pause one such burst is
    free, and no more than one.

    The device says that it turns (`queue/rotational`), as a hard disk does. It knows no seeks:
    what they would have cost is said by `hdd_model`, from a trace.

    Its rate is measured, not believed: with `dd`, past the cache and through it.
"""

import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from benchmarks import hdd_container
from benchmarks.hdd_container import Limits, limit_writes

RATE = 150_000_000
"""Bytes per second: what the outer tracks of a common disk take."""

MEMORY = 2 << 30
"""Bytes of memory, page cache included, that a downloader's container has."""

OVERHEAD = 256 << 20
"""Bytes of the device that are not for the file: journal, tables, and room to spare."""

TOLERANCE = 0.02
"""By how much the measured rate may differ from the limit."""

TOOLS = ("losetup", "mkfs.ext4", "mount", "umount", "dd")


class Disk(msgspec.Struct, frozen=True):
    """The disk, mounted."""

    folder: Path
    """Where it is mounted; empty but for what the file system puts there."""
    device: str
    """"/dev/loop0"."""
    number: str
    """"major:minor"."""
    size: int
    """Bytes of the device."""
    limits: Limits


def device_size(size: int) -> int:
    """Return the bytes of a device for files of `size` bytes in all."""
    return size + size // 50 + OVERHEAD


def missing() -> str:
    """Return what is missing for such a disk, empty when nothing is."""
    absent = [tool for tool in TOOLS if shutil.which(tool) is None]
    if absent:
        return ", ".join(absent)
    if not Path("/dev/loop-control").exists():
        return "loop devices (/dev/loop-control)"
    return hdd_container.missing()


@contextlib.contextmanager
def virtual_disk(
    memory: Path, work: Path, size: int, rate: int = RATE, limit: int = MEMORY
) -> Iterator[Disk]:
    """Make a disk for files of `size` bytes in all, its bytes in `memory`, mounted below `work`.

    Whatever happens, it is unmounted and removed afterwards. Raises OSError, CalledProcessError.
    """
    image, folder = memory / "disk.img", work / "disk"
    total = device_size(size)
    with contextlib.ExitStack() as stack:
        stack.callback(image.unlink, missing_ok=True)
        _call("fallocate", "-l", str(total), image)
        device = _call("losetup", "--find", "--show", "--sector-size", "4096", image).strip()
        stack.callback(_call, "losetup", "--detach", device)
        block = Path("/sys/block") / Path(device).name
        number = (block / "dev").read_text().strip()
        (block / "queue/rotational").write_text("1")
        _make_file_system(device)
        folder.mkdir()
        stack.callback(folder.rmdir)
        _call("mount", "-o", "noatime", device, folder)
        stack.callback(_unmount, folder)
        (folder / "lost+found").rmdir()
        stack.enter_context(limit_writes(number, rate))
        yield Disk(folder, device, number, total, Limits(limit, number, rate))


def dd(disk: Disk, size: int, *, direct: bool) -> tuple[list[str], Path]:
    """Return the command that writes zeros past the cache, or through it and synced; and where."""
    target = disk.folder / "dd.bin"
    step = (4 if direct else 1) << 20
    how = "oflag=direct" if direct else "conv=fsync"
    command = ["dd", "if=/dev/zero", f"of={target}", f"bs={step}", f"count={size // step}", how]
    return [*command, "status=none"], target


def _make_file_system(device: str) -> None:
    """Make ext4 with all tables written now: later nothing is to write them on the side."""
    now = "nodiscard,lazy_itable_init=0,lazy_journal_init=0"
    _call("mkfs.ext4", "-q", "-m", "0", "-E", now, device)


def _unmount(folder: Path) -> None:
    """Unmount; whoever was killed a moment ago may hold a file for a moment more."""
    for _ in range(50):
        if subprocess.run(["umount", folder], check=False, capture_output=True).returncode == 0:
            return
        time.sleep(0.1)
    _call("umount", "--lazy", folder)


def _call(*command: str | Path) -> str:
    parts: Sequence[str | Path] = command
    return subprocess.run(parts, check=True, capture_output=True, text=True).stdout
