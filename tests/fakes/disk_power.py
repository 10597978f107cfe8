"""What a power cut leaves of a folder: a model of which bytes and names are on the device.

Theory
    Between a system call and the device stands the kernel's memory, and a power cut takes it. The
    only promises are those of fsync(2): the bytes of a file that was synced, the names in a folder
    that was synced; and that a rename happens as a whole or not at all. `Device` keeps, beside the
    folder, a copy of what is promised: of each file as it was when its last sync began, of each
    folder's names likewise. `cut` puts the folder back into a state that a power cut may leave:

        strict    nothing is there that was not promised
        mixed     of everything else, some: blocks of new bytes between old ones and zeros, as the
                  seed draws them; names all as promised or all as they were

    What is on disk when a `Device` begins is promised, all of it.

    Files are known by their inodes. The device holds each one it knows open, so that no number is
    given to another file as long as the process lives.
"""

import contextlib
import json
import os
import random
import shutil
import stat
import threading
from pathlib import Path

from tests.fakes.disk import Call

BLOCK = 4096
"""Bytes that reach the device as a whole or not at all."""

_open, _rename = os.open, os.rename  # the real ones, whatever stands in their place later


class Device:
    """The promised state of `folder`, kept in `shadow`. Give its `after` to a `Disk`.

    `shadow` lies on the same machine and is not below `folder`; it survives the death of the
    process, as `folder` does.
    """

    def __init__(self, folder: Path, shadow: Path) -> None:
        self.folder = folder.resolve()
        self.shadow = shadow
        self._lock = threading.Lock()
        self._held: dict[int, int] = {}
        self._moved: list[set[Path]] = []
        """Pairs of folders that a rename joined and that are not synced since."""
        self._begun: dict[tuple[int, int], bytes] = {}
        shutil.rmtree(shadow, ignore_errors=True)
        for name in ("files", "folders"):
            (shadow / name).mkdir(parents=True)
        for place, _, files in os.walk(self.folder):
            self._promise_names(Path(place))
            for name in files:
                self._promise_bytes(Path(place) / name)
        self._keep(self.shadow / "root", str(self._inode(self.folder)).encode())

    def __repr__(self) -> str:
        return f"<Device {self.folder} {len(self._held)} inodes>"

    def close(self) -> None:
        """Let go of the files that are held."""
        for fd in self._held.values():
            os.close(fd)
        self._held.clear()

    def before(self, call: Call) -> None:
        """A call begins: what is written while a sync runs is not promised by it."""
        if call.kind in {"fdatasync", "fsync"} and call.path.is_file():
            with self._lock:
                self._begun[call.fd, threading.get_ident()] = call.path.read_bytes()

    def after(self, call: Call) -> None:
        """A call went well."""
        with self._lock:
            if call.kind == "rename" and call.target is not None:
                self._moved.append({call.path.parent, call.target.parent})
            elif call.kind in {"fdatasync", "fsync"}:
                begun = self._begun.pop((call.fd, threading.get_ident()), None)
                if begun is not None:
                    inode = os.fstat(call.fd).st_ino
                    self._hold(call.path, inode)
                    self._keep(self.shadow / "files" / str(inode), begun)
                elif call.path.is_dir():
                    self._promise_folder(call.path)

    def synced(self, path: Path) -> None:
        """The whole file is promised as it is: for those who sync it by other calls."""
        with self._lock:
            self._promise_bytes(path)
            self._promise_names(path.parent)

    def _promise_folder(self, folder: Path) -> None:
        """Its names are on the device, and so are both ends of every rename it had a part in."""
        together = {folder}
        while joined := [pair for pair in self._moved if pair & together]:
            together.update(*joined)
            self._moved = [pair for pair in self._moved if pair not in joined]
        for each in together:
            if each.is_dir():
                self._promise_names(each)

    def _promise_names(self, folder: Path) -> None:
        names = {}
        for path in sorted(folder.iterdir()):
            with contextlib.suppress(FileNotFoundError):  # gone while we looked
                status = path.lstat()
                self._hold(path, status.st_ino)
                names[path.name] = (status.st_ino, stat.S_ISDIR(status.st_mode))
        self._keep(self.shadow / "folders" / str(self._inode(folder)), json.dumps(names).encode())

    def _promise_bytes(self, path: Path) -> None:
        self._keep(self.shadow / "files" / str(self._inode(path)), path.read_bytes())

    def _inode(self, path: Path) -> int:
        inode = path.stat().st_ino
        self._hold(path, inode)
        return inode

    def _hold(self, path: Path, inode: int) -> None:
        if inode not in self._held:
            with contextlib.suppress(FileNotFoundError):
                self._held[inode] = _open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)

    def _keep(self, place: Path, data: bytes) -> None:
        """Replace a file of the shadow's as a whole: the process may die at any moment."""
        beside = place.with_name(f"{place.name}.{threading.get_ident()}")
        fd = _open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(data)
        _rename(beside, place)


def cut(folder: Path, shadow: Path, chance: random.Random | None = None) -> None:
    """Put `folder` into a state that a power cut may leave; strict without `chance`."""
    folder = folder.resolve()
    present = {path.lstat().st_ino: path.read_bytes() for path in _files(folder)}
    as_promised = chance is None or chance.random() < 0.5
    root = int((shadow / "root").read_bytes())
    tree = _promised_tree(shadow, root) if as_promised else _present_tree(folder)
    contents = {
        path: _content(shadow, inode, present, chance)
        for path, inode in tree.items()
        if inode is not None
    }
    for entry in folder.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    for path in sorted(tree):
        if tree[path] is None:
            (folder / path).mkdir()
        else:
            (folder / path).write_bytes(contents[path])


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _promised_tree(shadow: Path, inode: int, base: Path = Path()) -> dict[Path, int | None]:
    """Return the promised names with their inodes, None for folders."""
    tree: dict[Path, int | None] = {}
    names = shadow / "folders" / str(inode)
    for name, (child, is_folder) in json.loads(names.read_text()).items() if names.exists() else ():
        tree[base / name] = None if is_folder else child
        if is_folder:
            tree |= _promised_tree(shadow, child, base / name)
    return tree


def _present_tree(folder: Path) -> dict[Path, int | None]:
    return {
        path.relative_to(folder): None if path.is_dir() else path.lstat().st_ino
        for path in folder.rglob("*")
    }


def _content(
    shadow: Path, inode: int, present: dict[int, bytes], chance: random.Random | None
) -> bytes:
    kept = shadow / "files" / str(inode)
    old = kept.read_bytes() if kept.exists() else b""
    new = present.get(inode, old)
    if chance is None or new == old:
        return old
    size = chance.choice([len(old), len(new), chance.randint(*sorted((len(old), len(new))))])
    return b"".join(
        _block(old, new, at, min(at + BLOCK, size), chance) for at in range(0, size, BLOCK)
    )


def _block(old: bytes, new: bytes, start: int, end: int, chance: random.Random) -> bytes:
    """Return the bytes of a block: as promised where that is so, else old, new or zeros."""
    was, now = old[start:end], new[start:end]
    if was == now:
        return now.ljust(end - start, b"\0")
    drawn = chance.choice([was, now, b"" if start >= len(old) else was])
    return drawn.ljust(end - start, b"\0")
