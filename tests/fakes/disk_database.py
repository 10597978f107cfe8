"""SQLite's part of the disk: every write and sync of a database is a step, and can be lost.

SQLite makes its system calls itself, so they are watched where it lets us: in a file system of its
own kind (VFS) that passes all on to the usual one. It keeps a copy of each file as it was at its
last sync, which is all that a power cut leaves for certain.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

import apsw

SUFFIXES = ("", "-wal")
"""Of the files that make a database; what is in -shm is made anew from them."""


class SteppedDatabases(apsw.VFS):
    """The file system of all databases opened from now on in this process.

    `step` is called before every write, cut and sync of a file, in the thread that does it.
    """

    def __init__(self, shadow: Path, step: Callable[[], None]) -> None:
        super().__init__("stepped", "unix", makedefault=True)
        shutil.rmtree(shadow, ignore_errors=True)
        shadow.mkdir()
        self._shadow = shadow
        self._step = step

    def __repr__(self) -> str:
        return f"<SteppedDatabases {self._shadow}>"

    def promise(self, path: Path) -> None:
        """Keep a file as it is now; it survives a power cut."""
        beside = self._shadow / "next"
        shutil.copyfile(path, beside)
        beside.rename(self._shadow / path.name)

    def xOpen(self, name, flags):  # noqa: N802 - SQLite's name
        return _File(self, self._step, name, flags)


class _File(apsw.VFSFile):
    def __init__(self, owner, step, name, flags) -> None:
        super().__init__("unix", name, flags)
        self._owner = owner
        self._step = step
        known = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._path = Path(known) if known else None

    def xWrite(self, data, offset):  # noqa: N802
        self._step()
        super().xWrite(data, offset)

    def xTruncate(self, size):  # noqa: N802
        self._step()
        super().xTruncate(size)

    def xSync(self, flags):  # noqa: N802
        self._step()
        super().xSync(flags)
        if self._path is not None:
            self._owner.promise(self._path)


def cut_database(path: Path, shadow: Path) -> None:
    """Put the database at `path` into the state that a power cut leaves at the worst."""
    path.with_name(f"{path.name}-shm").unlink(missing_ok=True)
    for suffix in SUFFIXES:
        file = path.with_name(path.name + suffix)
        kept = shadow / file.name
        file.unlink(missing_ok=True)
        if kept.exists():
            shutil.copyfile(kept, file)
