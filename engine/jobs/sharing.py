"""One torrent in several categories: orders about who it belongs to.

Theory
    qBittorrent has one category for a torrent. Of two programs that ask for the same one, the
    second would take it away from the first, and either would delete it for both. Here the first
    one's category stays the torrent's own and the others are its shares, each with its own copy
    of the files (see `engine.jobs.share`) and shown as a torrent of its own to who asks for that
    category (`TorrentView.others`).

    A request names a torrent by its hash alone. Who is meant is told, in this order,
        by the category that the API says the asker looks at,
        by the files: an import takes them away, and the one who imported asks to delete,
        else, while others wait for their copy still, the torrent's own category,
        else it is all of them.

    When the torrent's own category goes and others stay, the first of those takes its place, with
    the copy that it has. Where it has none, what the other left in the final folder becomes its
    own if that is whole; else the torrent is fetched anew.

    An import may be under way when another category comes: of the files some are gone, and the
    rest must stay where the importer looks for them. So nothing is taken back of them. Where no
    copy is whole any more, the two change places: the newcomer's becomes the torrent's own
    category, for which all is fetched anew into its own folder, and what is left of the files of
    the one before is that one's copy, finished and as it is.

Whoever gives an order holds the torrent's `Crew.control`; all raise Forgotten when there is no such
torrent.
"""

import logging
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from engine.jobs.carry import Carrier
from engine.jobs.categories import Categories
from engine.jobs.crew import Crew
from engine.jobs.errors import Hopeless
from engine.jobs.fetch import in_thread
from engine.jobs.job import Tools
from engine.jobs.ledger import Entry
from engine.jobs.ondisk import erase, erase_files, is_complete
from engine.jobs.orders import Orders
from engine.jobs.places import Places
from engine.jobs.publish import in_final_place, in_ours
from engine.jobs.renames import moved, root_of
from engine.jobs.share import changed, files_of, has_files, lacks_copies, own_name, source_of
from engine.jobs.states import MOVES, State
from engine.jobs.wanted import rests
from engine.store.records import FileRecord, ShareRecord
from engine.transfer.errors import DiskTrouble

logger = logging.getLogger("engine.jobs.sharing")


class Sharing:
    """Carries out orders that concern one category of a torrent. The event loop's thread only."""

    def __init__(
        self,
        tools: Tools,
        crew: Crew,
        carrier: Carrier,
        categories: Categories,
        orders: Orders,
        places: Places,
    ) -> None:
        self._tools = tools
        self._crew = crew
        self._carrier = carrier
        self._categories = categories
        self._orders = orders
        self._places = places

    def __repr__(self) -> str:
        return f"<Sharing {self._crew!r}>"

    async def add_again(self, infohash: str, category: str, *, paused: bool) -> None:
        """Let the torrent belong to a category too, and go on with it unless it is to be paused.

        The category must exist; with "" it belongs to nobody else than before.
        """
        entry = self._tools.ledger.entry(infohash)
        if category and category not in categories_of(entry):
            await self._share(entry, category)
        elif category in _shared(entry):
            await self._renew(entry, category)
        if paused:
            return
        if entry.state is not State.COMPLETED or category not in _shared(entry):
            await self._orders.add_again(infohash)
        elif await self._is_hopeless(entry, category):
            await self._change_places(entry, category)
        await self.go_on(infohash)

    async def delete(self, infohash: str, category: str | None, *, delete_files: bool) -> None:
        """Delete the torrent for those who are meant; see the module's theory."""
        entry = self._tools.ledger.entry(infohash)
        meant = await self._meant(entry, category)
        left = [one for one in entry.shares if one.category not in meant]
        if not left and entry.record.category in meant:
            if entry.shares:
                await self._crew.stop(infohash)  # it may be making one of the copies
            await self._drop(entry, list(entry.shares), delete_files=delete_files)
            await self._orders.delete(infohash, delete_files=delete_files)
            return
        await self._tools.ledger.note(infohash, "deleting", ", ".join(sorted(meant)))
        await self._crew.stop(infohash)
        await self._carrier.stop(infohash)
        gone = [one for one in entry.shares if one.category in meant]
        await self._drop(entry, gone, delete_files=delete_files)
        if entry.record.category in meant:
            await self._succeed(entry, left, delete_files=delete_files)
        else:
            await self._tools.ledger.share(infohash, _without(meant))
        self._work_on(entry)

    async def categorise(self, infohash: str, category: str, asking: str | None) -> None:
        """Change the category of the one who is meant: who asks, or who has imported the files.

        Where that cannot be told it is the torrent's own. What is a category of it already stays.
        """
        entry = self._tools.ledger.entry(infohash)
        meant = await self._meant(entry, asking)
        before = entry.record.category if len(meant) != 1 else min(meant)
        if entry.shares and category in categories_of(entry):
            return
        if before == entry.record.category:
            await self._places.categorise(infohash, category)
            return
        folder = str(self._categories.folder(category))

        def change(one: ShareRecord) -> ShareRecord:
            path = one.save_path if one.done or one.root else folder
            return replace(one, category=category, save_path=path, reason="")

        await self._cut_off(entry, before)
        await self._tools.ledger.share(infohash, changed(before, change))
        await self.go_on(infohash)
        self._work_on(entry)

    async def uncategorise(self, infohash: str, category: str) -> None:
        """Take a category away that is about to be no more; its files stay where they are."""
        entry = self._tools.ledger.entry(infohash)
        if category == entry.record.category:
            await self._places.uncategorise(infohash)
        else:
            await self._cut_off(entry, category)
            await self._tools.ledger.share(infohash, _without({category}))
            self._work_on(entry)

    async def follow(self, infohash: str, category: str) -> None:
        """Have a category's copy that is still to come go to its folder, which has changed."""
        folder = str(self._categories.folder(category))

        def change(one: ShareRecord) -> ShareRecord:
            return one if one.done or one.root else replace(one, save_path=folder)

        await self._tools.ledger.share(infohash, changed(category, change))

    async def go_on(self, infohash: str) -> None:
        """Have the copies made that a complete torrent lacks."""
        # It may be about to be complete, without the copy that has just been asked for.
        await self._tools.ledger.settled()
        entry = self._tools.ledger.entry(infohash)
        if entry.state is State.COMPLETED and entry.moving is None and lacks_copies(entry):
            await self._crew.stop(infohash)
            await self._tools.ledger.move(infohash, State.MOVING)
            self._crew.start(infohash)

    async def _cut_off(self, entry: Entry, category: str) -> None:
        """Stop the making of a category's copy, so that the category may be changed.

        What was begun goes; the torrent's work is to be started again.
        """
        if _shared(entry)[category].done:
            return
        await self._crew.stop(entry.record.hash)
        one = _shared(entry)[category]  # it may have been finished meanwhile
        if not one.root:
            await self._drop(entry, [one], delete_files=False)

    async def _share(self, entry: Entry, category: str) -> None:
        one = ShareRecord(
            torrent=entry.record.hash,
            category=category,
            save_path=str(self._categories.folder(category)),
        )
        note = ("joined", f"the category {category} has it too")
        await self._tools.ledger.share(entry.record.hash, lambda old: [*old, one], note=note)

    async def _renew(self, entry: Entry, category: str) -> None:
        """Have a category's copy made again if it failed, or if its files are gone."""
        one = next(each for each in entry.shares if each.category == category)
        if one.done and await self._is_there(entry, category):
            return
        folder = str(self._categories.folder(category))
        again = replace(one, save_path=folder, root="", done=False, reason="")
        await self._tools.ledger.share(entry.record.hash, changed(category, lambda _: again))

    async def _is_hopeless(self, entry: Entry, category: str) -> bool:
        """Tell whether a category lacks a copy, and nobody has the files that it is made of."""
        if entry.moving is not None or _shared(entry)[category].done:
            return False
        published = [file for file in entry.files if file.published]
        if not published:
            return False  # nothing is wanted
        try:
            await in_thread(source_of, entry, published)
        except Hopeless:
            return True
        except DiskTrouble as problem:
            logger.warning("torrent=%s files=unknown reason=%r", entry.record.hash, str(problem))
        return False

    async def _change_places(self, entry: Entry, category: str) -> None:
        """Fetch the torrent for a further category, and leave what is there to its own one."""
        await self._crew.stop(entry.record.hash)
        if entry.state is not State.COMPLETED:  # more of its files were wanted: it fetches them
            self._work_on(entry)
            return
        record, heir = entry.record, _shared(entry)[category]
        await self._drop(entry, [heir], delete_files=False)
        before = ShareRecord(
            torrent=record.hash,
            category=record.category,
            save_path=record.save_path,
            root=record.root,
            done=True,
        )
        # In this order nobody is ever shown as complete who is not; after a crash in between,
        # the newcomer's copy fails, and is tried again when it is asked for again.
        await self._tools.ledger.move(
            record.hash,
            State.ADDED,
            detail="its files are not all there any more",
            position=record.position or self._tools.ledger.next_position(),
            owned=record.owned and bool(record.magnet_id),
        )
        await self._tools.ledger.share(
            record.hash,
            lambda shares: [before, *_without({category})(shares)],
            note=("added_again", f"for {category}; {record.category} keeps what it has"),
            records=_anew(entry.files),
            completed_at=0,
            **self._fields_of(heir),
        )
        self._work_on(entry)

    def _fields_of(self, heir: ShareRecord) -> dict[str, Any]:
        """Return the fields of a torrent's record once a share has become its own category."""
        home = str(self._categories.folder(heir.category))
        return {
            "category": heir.category,
            "save_path": heir.save_path,
            "auto_managed": heir.save_path == home,
        }

    def _ours(self, entry: Entry) -> Path:
        """Return our folder of its unfinished files."""
        return self._tools.config.incomplete / entry.record.hash

    async def _meant(self, entry: Entry, category: str | None) -> set[str]:
        """Return the categories that a request is about."""
        everybody = categories_of(entry)
        if not entry.shares:
            return everybody
        if category is not None and category in everybody:
            return {category}
        done = {one.category for one in entry.shares if one.done}
        if any(file.published for file in entry.files):
            done.add(entry.record.category)
        gone = {one for one in done if not await self._is_there(entry, one)}
        waiting = any(not one.done for one in entry.shares)
        return gone or ({entry.record.category} if waiting else everybody)

    async def _is_there(self, entry: Entry, category: str) -> bool:
        """Tell whether a category has all its files, or is still to get them."""
        try:
            if category != entry.record.category:
                one = next(each for each in entry.shares if each.category == category)
                return await in_thread(has_files, one, list(entry.files))
            if entry.moving is not None:
                return True
            published = [file for file in entry.files if file.published]
            # What a check has just taken back is not gone.
            ours = await in_thread(in_ours, self._ours(entry), published)
            placed = [file for file in published if file.index not in ours]
            return await in_thread(is_complete, Path(entry.record.save_path), placed)
        except DiskTrouble as problem:
            logger.warning("torrent=%s files=unknown reason=%r", entry.record.hash, str(problem))
            return True

    async def _drop(self, entry: Entry, shares: list[ShareRecord], *, delete_files: bool) -> None:
        """Remove what is on disk of copies that nobody wants any more."""
        for one in shares:
            try:
                await in_thread(erase, own_name(one))
                if one.root and delete_files:
                    files = files_of(one, entry.files)
                    await in_thread(erase_files, Path(one.save_path), files)
            except DiskTrouble as problem:
                reason = str(problem)
                logger.warning("torrent=%s files=kept reason=%r", entry.record.hash, reason)

    async def _succeed(self, entry: Entry, left: list[ShareRecord], *, delete_files: bool) -> None:
        """Let another category have the torrent whose own one goes. Its work is stopped."""
        heir = next((one for one in left if one.done), left[0])
        note = ("succeeded", f"{heir.category} instead of {entry.record.category}")
        home = str(self._categories.folder(heir.category))
        if heir.done:
            await self._inherit(entry, heir, note, delete_files=delete_files)
            return
        await self._drop(entry, [heir], delete_files=False)
        if not await self._is_there(entry, entry.record.category):
            await self._fetch_anew(entry, heir, note, delete_files=delete_files)
            return
        placed = await in_thread(in_final_place, self._ours(entry), entry.record, list(entry.files))
        # Files in the final folder stay there: they are what the heir is waiting for.
        folder = entry.record.save_path if placed else home
        await self._tools.ledger.share(
            entry.record.hash,
            _without({heir.category}),
            note=note,
            category=heir.category,
            save_path=folder,
            auto_managed=folder == home,
        )
        await self._orders.add_again(entry.record.hash)

    async def _fetch_anew(
        self,
        entry: Entry,
        heir: ShareRecord,
        note: tuple[str, str],
        *,
        delete_files: bool,
    ) -> None:
        """Have an heir wait for files of its own where those that are there are not whole."""
        record = entry.record
        await self._erase_own(entry, delete_files=delete_files)
        await self._tools.ledger.share(
            record.hash,
            _without({heir.category}),
            note=note,
            records=_anew(entry.files),
            completed_at=0,
            position=record.position or self._tools.ledger.next_position(),
            owned=record.owned and bool(record.magnet_id),
            **self._fields_of(heir),
        )
        if entry.state is State.MOVING:
            await self._rest_complete(entry)  # the check finds what is missing: all
        else:
            await self._orders.add_again(record.hash)

    async def _erase_own(self, entry: Entry, *, delete_files: bool) -> None:
        """Remove the files of the torrent's own category; with `delete_files` finished ones too."""
        record, ours = entry.record, self._ours(entry)
        try:
            placed = await in_thread(in_final_place, ours, record, list(entry.files))
            await in_thread(erase, ours)
            if delete_files:
                await in_thread(erase_files, Path(record.save_path), placed)
        except DiskTrouble as problem:
            logger.warning("torrent=%s files=kept reason=%r", record.hash, str(problem))

    async def _inherit(
        self,
        entry: Entry,
        heir: ShareRecord,
        note: tuple[str, str],
        *,
        delete_files: bool,
    ) -> None:
        """Put a finished copy in the place of the torrent's own files."""
        record = entry.record
        await self._erase_own(entry, delete_files=delete_files)
        await self._tools.ledger.share(
            record.hash,
            _without({heir.category}),
            note=note,
            records=_handed_over(entry.files, heir),
            root=heir.root,
            **self._fields_of(heir),
            completed_at=record.completed_at or int(self._tools.timing.now()),
        )
        await self._rest_complete(entry)

    async def _rest_complete(self, entry: Entry) -> None:
        """Lead a torrent whose files are all in place to where it is complete."""
        infohash = entry.record.hash
        if entry.state in {State.COMPLETED, State.CHECKING}:
            return
        if State.CHECKING not in MOVES[entry.state]:
            between = State.ERROR if State.PAUSED not in MOVES[entry.state] else State.PAUSED
            await self._tools.ledger.move(infohash, between)
        await self._tools.ledger.move(infohash, State.CHECKING)

    def _work_on(self, entry: Entry) -> None:
        idle = self._crew.live(entry.record.hash) is None
        if idle and not rests(entry.state, entry.files):
            self._crew.start(entry.record.hash)


def _without(categories: Collection[str]) -> Callable[[Sequence[ShareRecord]], list[ShareRecord]]:
    """Return what takes categories away, for `Ledger.share`."""
    return lambda shares: [one for one in shares if one.category not in categories]


def categories_of(entry: Entry) -> set[str]:
    """Return all categories that a torrent belongs to."""
    return {entry.record.category, *(one.category for one in entry.shares)}


def _shared(entry: Entry) -> dict[str, ShareRecord]:
    """Return a torrent's shares by their categories."""
    return {one.category: one for one in entry.shares}


def _anew(files: Sequence[FileRecord]) -> list[FileRecord]:
    """Return a torrent's files when all that is wanted of them is to be fetched once more."""
    return [
        replace(file, published=False, flushed=0, link="", etag="", last_modified="")
        for file in files
    ]


def _handed_over(files: list[FileRecord], heir: ShareRecord) -> list[FileRecord]:
    """Return a torrent's files as a category has them that has its copy."""
    copied = {file.index for file in files_of(heir, files)}
    return [
        replace(file, published=True, flushed=file.size) if file.index in copied else file
        for file in moved(files, root_of(files), heir.root)
    ]
