"""Real file systems of a few hundred megabytes that cost a fraction of a second.

An image is a file with holes, formatted and mounted through a loop device, which the kernel frees
with the mount. It lies in memory where there is room for it, so that syncs cost nothing.

Mounting takes root; what else is missing is told in words. However a test ends, what it mounted is
unmounted; a mount that is still in use is taken out of the tree and ends with its last user.
"""

import contextlib
import errno
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

MIB = 1 << 20

ON_LOOP = {
    "ext4": (64 * MIB, ["mkfs.ext4", "-q", "-F", "-m", "0"]),
    "xfs": (300 * MIB, ["mkfs.xfs", "-q", "-f"]),
    "btrfs": (256 * MIB, ["mkfs.btrfs", "-q", "-f"]),
}
"""Sizes of images, close to the least that each takes, and what formats them."""

ON_FUSE = ("bindfs", "fuse-overlayfs")

KINDS = (*ON_LOOP, "tmpfs", *ON_FUSE)

SMALL = 64 * MIB
"""Bytes of a tmpfs, also of the one below a FUSE mount."""


def missing(kind: str) -> str:
    """Say what is missing to mount a file system of that kind here; empty if nothing is."""
    if os.geteuid() != 0:
        return "mounting takes root"
    if kind in ON_LOOP:
        if shutil.which(ON_LOOP[kind][1][0]) is None:
            return f"{ON_LOOP[kind][1][0]} is not installed"
        if not Path("/dev/loop-control").exists():
            return "there are no loop devices"
    if kind in ON_FUSE:
        if shutil.which(kind) is None:
            return f"{kind} is not installed"
        if not Path("/dev/fuse").exists():
            return "there is no /dev/fuse"
    return ""


class Mount:
    """A mounted file system. `folder` is its root."""

    def __init__(self, kind: str, folder: Path, image: Path | None = None) -> None:
        self.kind = kind
        self.folder = folder
        self._image = image

    def __repr__(self) -> str:
        return f"<Mount {self.kind} {self.folder}>"

    def leave(self, room: int) -> Path:
        """Leave only about `room` bytes free; return the file that has the rest."""
        ballast = self.folder / "ballast"
        step = 0
        with ballast.open("wb") as file:
            while (excess := _free(self.folder) - room) > 0:
                step = min(excess, step or excess)
                try:
                    os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, step)
                except OSError as problem:
                    if problem.errno != errno.ENOSPC:
                        raise
                    step //= 2  # what is free need not be in one piece
                    assert step
        return ballast

    def gives_back(self, ballast: Path) -> None:
        """Have the room again at once; btrfs would take its time."""
        ballast.unlink()
        _free(self.folder)

    def becomes(self, option: str) -> None:
        """Mount it anew with an option, where it is: `ro`, `rw`, or ext4's `abort`."""
        _call("mount", "-o", f"remount,{option}", str(self.folder))

    def is_mounted_afresh(self) -> None:
        """Unmount it and mount it again, as a reboot does."""
        assert self._image is not None
        _call("umount", str(self.folder))
        _call("mount", "-o", "loop", str(self._image), str(self.folder))


@contextlib.contextmanager
def mounted(kind: str) -> Iterator[Mount]:
    """Have a new file system of that kind. Raises CalledProcessError with what was said."""
    memory = Path("/dev/shm")
    place = tempfile.mkdtemp(dir=memory if memory.is_dir() else None, prefix=f"mount-{kind}-")
    with contextlib.ExitStack() as undo:
        undo.callback(shutil.rmtree, place)
        folder = Path(place) / "root"
        folder.mkdir()
        yield _mount(kind, Path(place), folder, undo)


def _mount(kind: str, place: Path, folder: Path, undo: contextlib.ExitStack) -> Mount:
    if kind in ON_LOOP:
        size, command = ON_LOOP[kind]
        image = place / "image"
        image.touch()
        os.truncate(image, size)
        _call(*command, str(image))
        _call("mount", "-o", "loop", str(image), str(folder))
        undo.callback(_unmount, folder)
        return Mount(kind, folder, image)
    below = folder
    if kind != "tmpfs":
        below = place / "below"
        below.mkdir()
    _call("mount", "-t", "tmpfs", "-o", f"size={SMALL}", "tmpfs", str(below))
    undo.callback(_unmount, below)
    if kind == "bindfs":
        _call("bindfs", str(below), str(folder))
        undo.callback(_unmount, folder)
    elif kind == "fuse-overlayfs":
        layers = [f"{name}dir={below / name}" for name in ("lower", "upper", "work")]
        for layer in layers:
            Path(layer.partition("=")[2]).mkdir()
        _call("fuse-overlayfs", "-o", ",".join(layers), str(folder))
        undo.callback(_unmount, folder)
    return Mount(kind, folder)


def _free(folder: Path) -> int:
    os.sync()  # btrfs counts what was taken and given back only then
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize


def _unmount(folder: Path) -> None:
    if subprocess.run(["umount", str(folder)], capture_output=True, check=False).returncode:
        _call("umount", "--lazy", str(folder))


def _call(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(command)}: {done.stderr or done.stdout}")
