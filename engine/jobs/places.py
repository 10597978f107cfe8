"""Where a torrent's files are and what they are called: orders that change it.

Rules
    * A finished torrent's files are moved; of an unfinished one only changes where they will go.
    * All of a torrent is moved or nothing, and nothing is ever replaced. What cannot be done is
      refused with a Conflict before anything is touched.
    * A torrent that is on its way to its final folder, or being moved already, is refused too:
      that takes a moment, or as long as a copy does, and its paths are about to change.
    * A torrent managed by its category follows it, finished or not, with one exception: when its
      category changes after a library has taken its files (see `Places.categorise`).

As with the orders of `engine.jobs.orders`, whoever gives one holds the torrent's `Crew.control`;
all raise Forgotten when there is no such torrent.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec.structs import replace

from engine.jobs import relocate
from engine.jobs.carry import FAILED, Carrier
from engine.jobs.categories import Categories
from engine.jobs.crew import Crew
from engine.jobs.fetch import in_thread
from engine.jobs.job import Tools
from engine.jobs.ledger import Entry
from engine.jobs.publish import in_final_place, in_ours
from engine.jobs.renames import file_renamed, folder_renamed, is_within, root_of
from engine.jobs.states import State
from engine.jobs.views import Conflict
from engine.jobs.wanted import rests
from engine.store.records import FileRecord, MoveRecord, TorrentRecord
from engine.transfer.disk import make_folder
from engine.transfer.errors import DiskFull, DiskTrouble

AT_ONCE = 8
"""Torrents that are moved at once: a category may have thousands, and each takes a thread."""

logger = logging.getLogger("engine.jobs.places")

_Rule = Callable[[Sequence[FileRecord], str, str], list[FileRecord]]


class Places:
    """Carries out orders about names and folders. The event loop's thread only."""

    def __init__(self, tools: Tools, crew: Crew, categories: Categories, carrier: Carrier) -> None:
        self._tools = tools
        self._crew = crew
        self._categories = categories
        self._carrier = carrier
        self._few = asyncio.Semaphore(AT_ONCE)

    def __repr__(self) -> str:
        return f"<Places {self._carrier!r}>"

    async def rename(self, infohash: str, name: str) -> None:
        """Change the name that is shown. Raises Conflict."""
        name = " ".join(name.split())
        if not name or not name.isprintable():
            raise Conflict("A torrent needs a name that can be shown.")
        note = ("named", f"{name} is its name now")
        await self._tools.ledger.update(infohash, lambda old: replace(old, name=name), note=note)

    async def rename_file(self, infohash: str, old: str, new: str) -> None:
        """Give a file another path. Raises Conflict."""
        await self._rename(infohash, old, new, file_renamed)

    async def rename_folder(self, infohash: str, old: str, new: str) -> None:
        """Give a folder another path. Raises Conflict."""
        await self._rename(infohash, old.rstrip("/"), new.rstrip("/"), folder_renamed)

    async def check(self, infohash: str, folder: Path) -> None:
        """Raise Conflict if the torrent cannot be moved to a folder as things are."""
        entry = self._still(infohash)
        if _is_in_place(entry) and entry.record.save_path != str(folder):
            await in_thread(self._planned, entry, folder, False)

    async def relocate(self, infohash: str, folder: Path, *, auto: bool) -> None:
        """Move the torrent to a folder; `auto` is its `auto_managed` then. Raises Conflict."""
        entry = self._still(infohash)
        if not _is_in_place(entry) or entry.record.save_path == str(folder):
            await self._tools.ledger.update(infohash, _going_to(folder, auto=auto))
            return
        async with self._few, self._at_rest(infohash):
            entry = self._still(infohash)
            move = await in_thread(self._planned, entry, folder, auto)
            if move is None:
                await self._tools.ledger.change(infohash, save_path=str(folder), auto_managed=auto)
            else:
                await self._carrier.carry(move)

    async def follow(self, infohash: str) -> None:
        """Move the torrent to its category's folder, and have it follow that from now on.

        If that is not possible all stays as it is, and the history says why.
        """
        record = self._tools.ledger.record(infohash)
        try:
            await self.relocate(infohash, self._home(record.category), auto=True)
        except Conflict as problem:
            await self._stays(infohash, str(problem))

    async def stay(self, infohash: str) -> None:
        """Have the torrent follow its category no longer."""
        await self._carrier.by_hand(infohash)
        await self._tools.ledger.change(infohash, auto_managed=False)

    async def categorise(self, infohash: str, category: str) -> None:
        """Give the torrent a category; one that is managed by it goes to its folder.

        Sonarr gives a finished torrent another category when it has imported it. By then the
        files are gone, or a library holds them by hard links, which a copy to another file system
        would break. So a finished torrent of which a file is gone or has another link stays where
        Sonarr was told it is, as one that cannot be moved, and is managed by hand from then on.

        One that is being moved just now arrives where it was to go, and is managed by hand there
        unless its new category has the same folder.
        """
        before = self._tools.ledger.entry(infohash)
        if before.moving is not None and before.moving.target != str(self._home(category)):
            await self._carrier.by_hand(infohash)
        if before.moving is not None or before.state is State.MOVING or not _is_in_place(before):
            await self._tools.ledger.update(infohash, self._recategorised(category))
            return
        await self._tools.ledger.change(infohash, category=category)
        if not before.record.auto_managed:
            return
        if not await in_thread(_is_untouched, before):
            await self._stays(infohash, "a library has taken its files")
            await self.stay(infohash)
            return
        try:
            await self.relocate(infohash, self._home(category), auto=True)
        except Conflict as problem:
            await self._stays(infohash, str(problem))
            await self.stay(infohash)

    async def uncategorise(self, infohash: str) -> None:
        """Take the torrent's category away, which is about to be no more.

        Who clears up his categories does not ask for files to be moved: those that are finished
        stay, managed by hand from then on.
        """
        entry = self._tools.ledger.entry(infohash)
        if _is_in_place(entry) or entry.state is State.MOVING:
            await self._carrier.by_hand(infohash)
            await self._tools.ledger.change(infohash, category="", auto_managed=False)
        else:
            await self._tools.ledger.update(infohash, self._recategorised(""))

    def _recategorised(self, category: str) -> Callable[[TorrentRecord], TorrentRecord]:
        """Return the change of category of a torrent whose files are not to be moved now.

        It is asked for the change when that is made: a move may have ended meanwhile.
        """

        def update(record: TorrentRecord) -> TorrentRecord:
            entry = self._tools.ledger.entry(record.hash)
            going = record.state == State.MOVING or entry.moving is not None
            fixed = going or _is_in_place(entry) or not record.auto_managed
            home = record.save_path if fixed else str(self._home(category))
            auto = record.auto_managed and home == str(self._home(category))
            return replace(record, category=category, save_path=home, auto_managed=auto)

        return update

    async def _rename(self, infohash: str, old: str, new: str, rule: _Rule) -> None:
        entry = self._still(infohash)
        rule(entry.files, old, new)  # before the work is stopped for nothing
        if old == new:
            return
        async with self._at_rest(infohash):
            entry = self._still(infohash)
            there = rule(entry.files, old, new)
            _check_shares(entry, there)
            base = await in_thread(self._base, entry, old, new)
            if base is None:
                note = ("renamed", f"{old} is {new} now")
                await self._tools.ledger.change(
                    infohash, records=there, root=root_of(there), note=note
                )
            else:
                auto = entry.record.auto_managed
                await self._carrier.carry(_move(entry, base, base, old, new, auto=auto))

    @asynccontextmanager
    async def _at_rest(self, infohash: str) -> AsyncIterator[None]:
        """Stop the work on a torrent, and start it again afterwards where a move does not."""
        await self._crew.stop(infohash)
        try:
            yield
        finally:
            entry = self._tools.ledger.find(infohash)
            idle = self._crew.live(infohash) is None
            if entry is not None and idle and not rests(entry.state, entry.files):
                self._crew.start(infohash)

    def _still(self, infohash: str) -> Entry:
        """Return the torrent if nobody is moving it. Raises Conflict."""
        entry = self._tools.ledger.entry(infohash)
        if entry.state is State.MOVING or entry.moving is not None:
            raise Conflict(f"{entry.record.name!r} is being moved just now.")
        return entry

    def _ours(self, entry: Entry) -> Path:
        """Return our folder of its unfinished files."""
        return self._tools.config.incomplete / entry.record.hash

    def _home(self, category: str) -> Path:
        return self._categories.folder(category)

    async def _stays(self, infohash: str, why: str) -> None:
        logger.warning("torrent=%s files=stay reason=%r", infohash, why)
        await self._tools.ledger.note(infohash, FAILED, why)

    def _base(self, entry: Entry, old: str, new: str) -> Path | None:
        """Return the folder that a path to be renamed is in; None when it is not on disk. Blocks.

        Raises Conflict, DiskTrouble.
        """
        ours, final = self._ours(entry), Path(entry.record.save_path)
        inner = [file for file in entry.files if is_within(file.path, old)]
        placed = {file.index for file in in_final_place(ours, entry.record, inner)}
        begun = in_ours(ours, inner)
        if placed and begun:
            raise Conflict(f"Some files of {old!r} are still to come; the others are in place.")
        base = final if placed else ours
        if not relocate.is_plain(base, old) or not relocate.is_plain(base, new):
            raise Conflict(f"There is a symbolic link on the way to {old!r} or {new!r}.")
        if os.path.lexists(base / new) and not is_within(old, new):
            raise Conflict(f"There is already {new!r} in {base}.")
        return base if os.path.lexists(base / old) else None

    def _planned(self, entry: Entry, folder: Path, auto: bool) -> MoveRecord | None:
        """Return the move of finished files to a folder; None when none are there. Blocks.

        Raises Conflict, DiskTrouble.
        """
        record = entry.record
        if not in_final_place(self._ours(entry), record, entry.files):
            return None  # a check took them back
        source, target = Path(record.save_path, record.root), folder / record.root
        if os.path.lexists(target):
            raise Conflict(f"There is already {record.root!r} in {folder}.")
        if not os.path.lexists(source):
            return None
        if Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(source)):
            raise Conflict(f"The folder {folder} is a part of the torrent itself.")
        self._check_room(source, folder)
        root, base = record.root, Path(record.save_path)
        return _move(entry, base, folder, root, root, auto=auto)

    def _check_room(self, source: Path, folder: Path) -> None:
        try:
            make_folder(folder)
            if relocate.same_disk(source, folder):
                return
            needed, free = relocate.bytes_of(source), self._tools.free_space(folder)
        except (DiskFull, DiskTrouble) as problem:
            raise Conflict(f"The files cannot be moved: {problem}.") from problem
        if free < needed:
            raise Conflict(f"There is no room for {needed} bytes in {folder}: {free} are free.")


def checked_folder(folder: str, incomplete: Path) -> Path:
    """Return a folder that finished files may be moved to, made where it is missing. Blocks.

    Raises Conflict.
    """
    path = Path(os.path.normpath(folder.strip() or "."))
    if not path.is_absolute() or "\0" in folder or ".." in Path(folder).parts:
        raise Conflict(f"The folder {folder!r} must be an absolute path without '..'.")
    if Path(os.path.realpath(path)).is_relative_to(os.path.realpath(incomplete)):
        raise Conflict(f"The folder {folder!r} is for unfinished files.")
    try:
        make_folder(path)
    except (DiskFull, DiskTrouble) as problem:
        raise Conflict(f"{str(problem).capitalize()}.") from problem
    if not path.is_dir() or not os.access(path, os.W_OK | os.X_OK):
        raise Conflict(f"The folder {folder!r} cannot be written.")
    return path


def _check_shares(entry: Entry, files: Sequence[FileRecord]) -> None:
    """Raise Conflict if a file would be called otherwise than in another category's copy."""
    before, after = ([one.path.partition("/")[2] for one in each] for each in (entry.files, files))
    if before != after and any(one.done or one.root for one in entry.shares):
        raise Conflict(f"{entry.record.name!r} belongs to several categories with a copy each.")


def _move(
    entry: Entry, source: Path, target: Path, old: str, new: str, *, auto: bool
) -> MoveRecord:
    return MoveRecord(
        torrent=entry.record.hash,
        source=str(source),
        target=str(target),
        old=old,
        new=new,
        auto_managed=auto,
    )


def _going_to(folder: Path, *, auto: bool) -> Callable[[TorrentRecord], TorrentRecord]:
    """Return the change of where an unfinished torrent will go."""

    def update(record: TorrentRecord) -> TorrentRecord:
        if record.state == State.MOVING:
            raise Conflict(f"{record.name!r} is being moved just now.")
        return replace(record, save_path=str(folder), auto_managed=auto)

    return update


def _is_in_place(entry: Entry) -> bool:
    """Tell whether files of the torrent are in its final folder, as far as we know."""
    return any(file.published for file in entry.files)


def _is_untouched(entry: Entry) -> bool:
    """Tell whether all finished files are there and nobody else has a link to them. Blocks."""
    paths = [Path(entry.record.save_path, file.path) for file in entry.files if file.published]
    return all(map(relocate.is_only_link, paths))
