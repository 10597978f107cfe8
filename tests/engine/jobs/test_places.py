"""Names and folders of torrents, with everything they need, for real."""

import asyncio
import contextlib
import os
import random
import tempfile
import threading
from pathlib import Path

import pytest

from engine.jobs import relocate
from engine.jobs.drive import DISK_INTERVAL, STORE_INTERVAL
from engine.jobs.states import State
from engine.jobs.views import BadCategory, Conflict, Unavailable, UnknownCategory, UnknownTorrent
from engine.store.errors import StoreError
from tests.engine.jobs.world import Torrent
from tests.fakes.disk import Disk

BYTES = random.Random(17).randbytes

FILM = Torrent("Film.2024.mkv", BYTES(100_000))
LONG = 3_000_000
SHOW = Torrent("Show.S01", {"a.mkv": BYTES(LONG), "Subs/a.srt": BYTES(900), "nfo": b""})
OTHER = Torrent("Other.S01", {"b.mkv": BYTES(50_000)})
NOBODY = "0" * 40


@pytest.fixture
def elsewhere():
    """A folder on another file system than the other folders of tests."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


async def complete(world, torrent, **fields):
    world.hold(torrent)
    await world.start()
    await world.add(torrent, **fields)
    await world.completes(torrent)


def paths(world, torrent):
    return [file.path for file in world.jobs.files(torrent.infohash)]


def there(folder: Path) -> list[str]:
    """All files and empty folders below a folder."""
    return sorted(
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if not path.is_dir() or not any(path.iterdir())
    )


async def details(world, torrent, kind):
    events = await world.jobs.events(torrent.infohash)
    return [event.detail for event in events if event.kind == kind]


def is_shown_at(world, torrent, folder: Path) -> bool:
    view = world.view(torrent)
    return (view.record.save_path, view.content_path) == (
        str(folder),
        f"{folder}/{view.record.root}",
    )


# The name that is shown.


async def test_another_name_is_shown_and_the_files_keep_theirs(world):
    await complete(world, FILM)
    await world.jobs.rename(FILM.infohash, "  A better\nname ")
    assert world.view(FILM).record.name == "A better name"
    world.has_files(FILM)
    await world.restart()
    assert world.view(FILM).record.name == "A better name"


@pytest.mark.parametrize("name", ["", "  ", "\n", "a\0b"])
async def test_a_name_that_cannot_be_shown_is_refused(world, name):
    await complete(world, FILM)
    with pytest.raises(Conflict):
        await world.jobs.rename(FILM.infohash, name)


async def test_a_name_given_while_alldebrid_fetches_is_kept(world):
    world.hold(SHOW, ready=False)
    await world.start()
    await world.add(SHOW, magnet=True)
    await world.reaches(SHOW, State.PREPARING)
    await world.jobs.rename(SHOW.infohash, "Mine")
    world.fake.becomes_ready(SHOW.infohash)
    await world.completes(SHOW)
    assert world.view(SHOW).record.name == "Mine"


async def test_a_torrent_that_is_not_there_cannot_be_renamed(world):
    await world.start()
    for order in (
        world.jobs.rename(NOBODY, "name"),
        world.jobs.rename_file(NOBODY, "a", "b"),
        world.jobs.rename_folder(NOBODY, "a", "b"),
    ):
        with pytest.raises(UnknownTorrent):
            await order


# Files and folders.


async def test_a_finished_file_gets_another_name_on_disk(world):
    await complete(world, SHOW)
    await world.jobs.rename_file(SHOW.infohash, "Show.S01/Subs/a.srt", "Show.S01/b.srt")

    assert paths(world, SHOW) == ["Show.S01/a.mkv", "Show.S01/b.srt", "Show.S01/nfo"]
    assert there(world.complete) == ["Show.S01/a.mkv", "Show.S01/b.srt", "Show.S01/nfo"]
    assert world.state(SHOW) is State.COMPLETED
    assert "renamed" in await world.kinds(SHOW)


async def test_the_only_file_of_a_torrent_names_it(world):
    await complete(world, FILM)
    await world.jobs.rename_file(FILM.infohash, "Film.2024.mkv", "Film.mkv")

    assert world.view(FILM).content_path == str(world.complete / "Film.mkv")
    world.has_files(FILM)


async def test_the_top_folder_names_the_torrent(world):
    await complete(world, SHOW)
    await world.jobs.rename_folder(SHOW.infohash, "Show.S01", "Show")

    assert world.view(SHOW).content_path == str(world.complete / "Show")
    world.has_files(SHOW)
    await world.restart()
    world.has_files(SHOW)


async def test_a_renamed_torrent_is_checked_and_deleted_under_its_new_name(world):
    await complete(world, SHOW)
    await world.jobs.rename_folder(SHOW.infohash, "Show.S01", "Show")
    await world.jobs.recheck([SHOW.infohash])
    await world.completes(SHOW)

    await world.jobs.delete([SHOW.infohash], delete_files=True)
    assert there(world.complete) == []


async def test_a_download_goes_on_from_where_it_was_under_its_new_names(world):
    world.hold(SHOW)
    stalled = world.host.stalls_at(LONG - 1000, path=world.served(SHOW), times=None)
    await world.start()
    await world.add(SHOW)
    await world.until(lambda: world.view(SHOW).downloaded > 1_000_000)

    await world.jobs.rename_folder(SHOW.infohash, "Show.S01", "Show")
    await world.jobs.rename_file(SHOW.infohash, "Show/a.mkv", "Show/Video/b.mkv")
    assert paths(world, SHOW) == ["Show/Video/b.mkv", "Show/Subs/a.srt", "Show/nfo"]
    here = world.view(SHOW).downloaded
    stalled.lift()

    await world.reaches(SHOW, State.COMPLETED)
    assert there(world.complete) == ["Show/Subs/a.srt", "Show/Video/b.mkv", "Show/nfo"]
    assert (world.complete / "Show/Video/b.mkv").read_bytes() == SHOW.files["a.mkv"]
    assert here > 1_000_000
    assert world.host.served < LONG + 1_000_000
    assert there(world.folder / "downloads/incomplete") == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Show.S01/none", "Show.S01/x"),
        ("Show.S01/a.mkv", "Show.S01/nfo"),
        ("Show.S01/a.mkv", "../a.mkv"),
        ("Show.S01/a.mkv", "/tmp/a.mkv"),
        ("Show.S01/a.mkv", "Show.S01/somebody's"),
    ],
)
async def test_what_cannot_be_renamed_stays_as_it_is(world, old, new):
    await complete(world, SHOW)
    (world.complete / "Show.S01/somebody's").write_bytes(b"1")
    before = there(world.complete)

    with pytest.raises(Conflict):
        await world.jobs.rename_file(SHOW.infohash, old, new)

    assert there(world.complete) == before
    assert paths(world, SHOW) == ["Show.S01/a.mkv", "Show.S01/Subs/a.srt", "Show.S01/nfo"]
    assert world.state(SHOW) is State.COMPLETED


async def test_files_that_are_not_known_yet_cannot_be_renamed(world):
    await world.start()
    await world.add(SHOW, magnet=True, paused=True)
    with pytest.raises(Conflict, match="not known"):
        await world.jobs.rename_file(SHOW.infohash, "Show.S01/a.mkv", "Show.S01/b.mkv")


async def test_nothing_is_renamed_through_a_symbolic_link(world, elsewhere):
    await complete(world, SHOW)
    (world.complete / "Show.S01/Link").symlink_to(elsewhere)
    with pytest.raises(Conflict, match="link"):
        await world.jobs.rename_file(SHOW.infohash, "Show.S01/a.mkv", "Show.S01/Link/a.mkv")
    world.has_files(SHOW)


async def test_a_file_that_its_library_took_gets_its_new_name_in_our_books(world):
    await complete(world, SHOW)
    (world.complete / "Show.S01/a.mkv").unlink()
    await world.jobs.rename_file(SHOW.infohash, "Show.S01/a.mkv", "Show.S01/b.mkv")
    assert "Show.S01/b.mkv" in paths(world, SHOW)


async def test_a_disk_that_refuses_a_rename_changes_nothing(world):
    await complete(world, SHOW)
    with Disk(world.complete) as broken:
        broken.fails("rename", 30)  # read-only
        with pytest.raises(Conflict, match="Read-only"):
            await world.jobs.rename_file(SHOW.infohash, "Show.S01/a.mkv", "Show.S01/x/b.mkv")
    world.has_files(SHOW)
    assert there(world.complete) == ["Show.S01/Subs/a.srt", "Show.S01/a.mkv", "Show.S01/nfo"]
    assert world.state(SHOW) is State.COMPLETED
    assert "move_failed" in await world.kinds(SHOW)


async def test_a_bug_leaves_all_as_it_was(world, monkeypatch):
    await complete(world, SHOW)
    monkeypatch.setattr(relocate, "begin", lambda _: 1 // 0)
    with pytest.raises(Conflict, match="inside this program"):
        await world.jobs.rename_folder(SHOW.infohash, "Show.S01", "Show")
    world.has_files(SHOW)
    assert world.state(SHOW) is State.COMPLETED


async def test_a_store_that_takes_nothing_is_told_and_nothing_is_renamed(world):
    await complete(world, SHOW)
    world.store.full = True
    with pytest.raises(Unavailable):
        await world.jobs.rename_folder(SHOW.infohash, "Show.S01", "Show")
    world.store.full = False
    world.has_files(SHOW)
    await world.jobs.rename_folder(SHOW.infohash, "Show.S01", "Show")
    world.has_files(SHOW)


async def test_what_was_renamed_and_cannot_be_stored_is_stored_when_it_can(world, monkeypatch):
    await complete(world, SHOW)
    ledger, full = world.jobs._ledger, True
    moved = ledger.moved

    async def moved_later(*how, **why):
        if full:
            raise StoreError("there is no room left to write the database")
        await moved(*how, **why)

    monkeypatch.setattr(ledger, "moved", moved_later)
    with pytest.raises(Unavailable):
        await world.jobs.rename_folder(SHOW.infohash, "Show.S01", "Show")
    assert world.state(SHOW) is State.MOVING
    assert [view.state for view in world.jobs.views()] == [State.MOVING]

    full = False
    await world.goes_on(STORE_INTERVAL)
    await world.completes(SHOW)
    assert world.view(SHOW).record.root == "Show"


async def test_what_cannot_be_undone_at_once_is_undone_when_it_can(world):
    await complete(world, SHOW)
    with Disk(world.complete) as broken:
        broken.fails("rename", 5, nth=2, times=2)  # the second half, and taking back the first
        with pytest.raises(Conflict, match="cannot be moved"):
            await world.jobs.rename_folder(SHOW.infohash, "Show.S01", "Show.S01/Inner")
        assert world.state(SHOW) is State.MOVING
        await world.goes_on(DISK_INTERVAL)
        await world.completes(SHOW)
    assert there(world.complete) == ["Show.S01/Subs/a.srt", "Show.S01/a.mkv", "Show.S01/nfo"]


async def test_a_service_that_ends_before_a_rename_is_stored_stores_it_at_its_next_start(
    world, monkeypatch
):
    await complete(world, SHOW)

    async def never(*_, **__):
        raise StoreError("there is no room left to write the database")

    monkeypatch.setattr(world.jobs._ledger, "moved", never)
    with pytest.raises(Unavailable):
        await world.jobs.rename_folder(SHOW.infohash, "Show.S01", "Show")
    await world.restart()
    await world.completes(SHOW)
    assert world.view(SHOW).record.root == "Show"


async def test_a_renamed_download_that_is_fetched_anew_keeps_its_names_and_its_bytes(world):
    world.hold(SHOW)
    await world.start()
    await world.add(SHOW, magnet=True)
    await world.completes(SHOW)
    await world.jobs.rename_file(SHOW.infohash, "Show.S01/a.mkv", "Show.S01/z.mkv")
    (world.complete / "Show.S01/nfo").unlink()
    (world.complete / "Show.S01/Subs/a.srt").unlink()
    served = world.host.served

    await world.add(SHOW, magnet=True)  # Sonarr wants it again

    await world.until((world.complete / "Show.S01/Subs/a.srt").exists)
    await world.reaches(SHOW, State.COMPLETED)
    assert there(world.complete) == ["Show.S01/Subs/a.srt", "Show.S01/nfo", "Show.S01/z.mkv"]
    assert world.host.served - served < 10_000


# Folders.


async def test_finished_files_are_moved(world):
    await complete(world, SHOW, category="tv")
    place = world.folder / "library" / "new"

    await world.jobs.set_location([SHOW.infohash], f"{place}/")

    assert is_shown_at(world, SHOW, place)
    world.has_files(SHOW)
    assert there(world.complete) == ["tv"]  # the category keeps its folder
    assert not world.view(SHOW).record.auto_managed
    assert "moved" in await world.kinds(SHOW)
    await world.restart()
    world.has_files(SHOW)


async def test_of_an_unfinished_torrent_only_changes_where_it_will_go(world):
    world.hold(SHOW)
    stalled = world.host.stalls_at(1000, path=world.served(SHOW), times=None)
    await world.start()
    await world.add(SHOW)
    await world.reaches(SHOW, State.DOWNLOADING)
    place = world.folder / "library"

    await world.jobs.set_location(None, str(place))

    assert world.state(SHOW) is State.DOWNLOADING
    assert there(place) == []
    stalled.lift()
    await world.completes(SHOW)
    assert is_shown_at(world, SHOW, place)


async def test_the_folder_that_it_is_in_already_is_fine(world):
    await complete(world, SHOW)
    await world.jobs.set_location([SHOW.infohash], str(world.complete))
    world.has_files(SHOW)
    assert not world.view(SHOW).record.auto_managed


async def test_folders_that_will_not_do_are_refused_and_nothing_changes(world):
    await complete(world, SHOW)
    (world.folder / "file").write_bytes(b"1")
    downloads = world.folder / "downloads"
    (downloads / "link").symlink_to(downloads / "incomplete")
    for folder in (
        "",
        "relative",
        "/tmp/../etc",
        "/tmp/a\0b",
        str(downloads / "incomplete"),
        str(downloads / "incomplete" / SHOW.infohash / "x"),
        str(downloads / "link"),
        str(world.folder / "file"),
        str(world.folder / "file" / "folder"),
        str(world.complete / "Show.S01" / "Subs"),
        "/proc/none",
    ):
        with pytest.raises(Conflict):
            await world.jobs.set_location([SHOW.infohash], folder)
    world.has_files(SHOW)
    assert is_shown_at(world, SHOW, world.complete)


async def test_nothing_that_is_there_is_replaced_and_all_torrents_stay(world):
    world.hold(OTHER)
    await complete(world, SHOW)
    await world.add(OTHER)
    await world.completes(OTHER)
    place = world.folder / "library"
    (place / "Show.S01").mkdir(parents=True)

    with pytest.raises(Conflict, match="already"):
        await world.jobs.set_location([OTHER.infohash, SHOW.infohash], str(place))

    assert is_shown_at(world, SHOW, world.complete)
    assert is_shown_at(world, OTHER, world.complete)
    world.has_files(SHOW)
    world.has_files(OTHER)


async def test_files_that_are_gone_leave_only_the_folder_to_change(world):
    await complete(world, SHOW)
    for path in sorted((world.complete / "Show.S01").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (world.complete / "Show.S01").rmdir()
    place = world.folder / "library"

    await world.jobs.set_location([SHOW.infohash], str(place))

    assert is_shown_at(world, SHOW, place)
    assert world.state(SHOW) is State.COMPLETED


@contextlib.contextmanager
def held_copy(folder: Path):
    """Let copies to a folder wait; gives what lets them go on."""
    going = threading.Event()

    def wait(call):
        if call.kind == "write":
            assert going.wait(20)

    with Disk(folder, before=wait):
        try:
            yield going.set
        finally:
            going.set()


async def moved_to(world, torrent, place):
    await world.until(lambda: is_shown_at(world, torrent, place))
    await world.reaches(torrent, State.COMPLETED)
    world.has_files(torrent)


async def test_another_file_system_gets_a_copy_which_is_not_waited_for(world, elsewhere):
    await complete(world, SHOW)
    with held_copy(elsewhere):
        await world.jobs.set_location([SHOW.infohash], str(elsewhere))

        assert world.state(SHOW) is State.MOVING
        assert is_shown_at(world, SHOW, world.complete)
        assert not (elsewhere / "Show.S01").exists()
        for order in (
            world.jobs.set_location([SHOW.infohash], str(world.folder / "x")),
            world.jobs.rename_folder(SHOW.infohash, "Show.S01", "Show"),
        ):
            with pytest.raises(Conflict, match="being moved"):
                await order
    await moved_to(world, SHOW, elsewhere)
    assert there(world.complete) == []


async def test_what_is_asked_for_during_a_copy_happens_afterwards(world, elsewhere):
    await complete(world, SHOW)
    with held_copy(elsewhere):
        await world.jobs.set_location([SHOW.infohash], str(elsewhere))
        await world.jobs.recheck([SHOW.infohash])
        await world.jobs.pause([SHOW.infohash])
        await world.jobs.resume([SHOW.infohash])
        await world.add(SHOW)
        await world.jobs.recheck([SHOW.infohash])
        assert world.state(SHOW) is State.MOVING
    await moved_to(world, SHOW, elsewhere)
    assert "checking" in await world.kinds(SHOW)


async def test_a_torrent_is_deleted_in_the_middle_of_a_copy(world, elsewhere):
    await complete(world, SHOW)
    with held_copy(elsewhere) as release:
        await world.jobs.set_location([SHOW.infohash], str(elsewhere))
        deleting = asyncio.create_task(world.jobs.delete([SHOW.infohash], delete_files=True))
        await asyncio.sleep(0)
        release()
        await deleting
    assert world.jobs.view(SHOW.infohash) is None
    assert there(elsewhere) == []
    assert there(world.complete) == []


async def test_a_service_that_ends_in_the_middle_of_a_copy_goes_on_with_it(world, elsewhere):
    await complete(world, SHOW)
    with held_copy(elsewhere) as release:
        await world.jobs.set_location([SHOW.infohash], str(elsewhere))
        stopping = asyncio.create_task(world.stop())
        await asyncio.sleep(0)
        release()
        await stopping
    assert not (elsewhere / "Show.S01").exists()
    await world.start()
    await moved_to(world, SHOW, elsewhere)
    assert there(world.complete) == []


async def test_a_copy_that_fails_leaves_all_as_it_was_and_says_why(world, elsewhere):
    await complete(world, SHOW)
    with Disk(elsewhere) as broken:
        broken.fails("write", 28)
        await world.jobs.set_location([SHOW.infohash], str(elsewhere))
        await world.reaches(SHOW, State.COMPLETED)
    world.has_files(SHOW)
    assert is_shown_at(world, SHOW, world.complete)
    assert there(elsewhere) == []
    assert "No space left" in (await details(world, SHOW, "move_failed"))[0]


async def test_copies_are_made_one_after_the_other(world, elsewhere):
    world.hold(OTHER)
    await complete(world, SHOW)
    await world.add(OTHER)
    await world.completes(OTHER)
    with held_copy(elsewhere):
        await world.jobs.set_location(None, str(elsewhere))
        begun = [path for path in elsewhere.rglob("*") if path.is_file()]
        assert len(begun) <= 1
        assert {world.state(SHOW), world.state(OTHER)} == {State.MOVING}
    await moved_to(world, SHOW, elsewhere)
    await moved_to(world, OTHER, elsewhere)


async def test_a_copy_that_would_not_fit_is_refused(world, elsewhere):
    await complete(world, SHOW)
    world.free = 1000
    with pytest.raises(Conflict, match="room"):
        await world.jobs.set_location([SHOW.infohash], str(elsewhere))
    await world.jobs.set_location([SHOW.infohash], str(world.folder / "new"))
    world.has_files(SHOW)


# Categories.


async def test_a_finished_torrent_goes_with_its_category(world):
    await complete(world, SHOW, category="tv", auto_managed=True)
    await world.jobs.create_category("films", "")

    await world.jobs.set_category([SHOW.infohash], "films")

    assert is_shown_at(world, SHOW, world.complete / "films")
    world.has_files(SHOW)
    assert world.view(SHOW).record.auto_managed


async def test_a_finished_torrent_managed_by_hand_stays(world):
    await complete(world, SHOW, category="tv", auto_managed=False)
    await world.jobs.create_category("films", "")
    await world.jobs.set_category([SHOW.infohash], "films")
    assert is_shown_at(world, SHOW, world.complete / "tv")
    assert world.view(SHOW).record.category == "films"


@pytest.mark.parametrize("how", ["moved", "linked"])
async def test_a_torrent_that_was_imported_stays_where_it_is(world, how):
    await complete(world, SHOW, category="tv", auto_managed=True)
    await world.jobs.create_category("tv-imported", "")
    ours, library = world.complete / "tv/Show.S01/a.mkv", world.folder / "episode.mkv"
    ours.rename(library) if how == "moved" else os.link(ours, library)

    await world.jobs.set_category([SHOW.infohash], "tv-imported")

    view = world.view(SHOW)
    assert is_shown_at(world, SHOW, world.complete / "tv")
    assert (view.record.category, view.record.auto_managed) == ("tv-imported", False)
    assert (world.complete / "tv/Show.S01/nfo").exists()


async def test_a_category_whose_folder_has_that_name_already_is_given_without_moving(world):
    await complete(world, SHOW, category="tv", auto_managed=True)
    await world.jobs.create_category("films", "")
    (world.complete / "films/Show.S01").mkdir()
    await world.jobs.set_category([SHOW.infohash], "films")
    assert is_shown_at(world, SHOW, world.complete / "tv")
    assert world.view(SHOW).record.category == "films"
    assert "already" in (await details(world, SHOW, "move_failed"))[0]


async def test_an_unfinished_torrent_will_go_to_its_new_category(world):
    world.hold(SHOW)
    await world.start()
    await world.jobs.create_category("films", "")
    await world.add(SHOW, category="tv", paused=True)
    await world.jobs.set_category([SHOW.infohash], "films")
    assert world.view(SHOW).record.save_path == str(world.complete / "films")
    await world.jobs.resume([SHOW.infohash])
    await world.completes(SHOW)


@pytest.mark.parametrize("how", ["changed", "removed", "stays"])
async def test_a_torrent_that_gets_another_category_during_a_copy_is_where_it_says(
    world, elsewhere, how
):
    """It arrives where the copy goes, and no category moves it again from there."""
    await complete(world, SHOW, category="tv", auto_managed=True)
    await world.jobs.create_category("films", "")
    with held_copy(elsewhere):
        await world.jobs.edit_category("tv", str(elsewhere))
        assert world.state(SHOW) is State.MOVING
        if how == "changed":
            await world.jobs.set_category([SHOW.infohash], "films")
        elif how == "removed":
            await world.jobs.remove_categories(["tv"])
        else:
            await world.jobs.set_auto_managed([SHOW.infohash], auto=False)
        assert is_shown_at(world, SHOW, world.complete / "tv")
    await moved_to(world, SHOW, elsewhere)

    category = {"changed": "films", "removed": "", "stays": "tv"}[how]
    view = world.view(SHOW)
    assert (view.record.category, view.record.auto_managed) == (category, False)
    assert there(world.complete / "tv") == []
    await world.restart()
    world.has_files(SHOW)


async def test_a_copy_to_the_folder_of_the_new_category_leaves_it_managed(world, elsewhere):
    await complete(world, SHOW, category="tv", auto_managed=True)
    await world.jobs.create_category("films", str(elsewhere))
    with held_copy(elsewhere):
        await world.jobs.edit_category("tv", str(elsewhere))
        await world.jobs.set_category([SHOW.infohash], "films")
    await moved_to(world, SHOW, elsewhere)
    assert world.view(SHOW).record.auto_managed


async def test_a_copy_that_fails_leaves_the_files_of_the_new_category_where_they_were(
    world, elsewhere
):
    await complete(world, SHOW, category="tv", auto_managed=True)
    await world.jobs.create_category("films", "")
    with held_copy(elsewhere) as release:
        await world.jobs.edit_category("tv", str(elsewhere))
        await world.jobs.set_category([SHOW.infohash], "films")
        (world.complete / "tv/Show.S01").rename(world.folder / "taken")
        (elsewhere / "Show.S01").mkdir()
        release()
        await world.reaches(SHOW, State.COMPLETED)
    assert is_shown_at(world, SHOW, world.complete / "tv")
    assert not world.view(SHOW).record.auto_managed


async def test_a_category_that_is_removed_moves_nothing(world):
    await complete(world, SHOW, category="tv", auto_managed=True)
    await world.jobs.remove_categories(["tv"])
    assert is_shown_at(world, SHOW, world.complete / "tv")
    assert (world.view(SHOW).record.category, world.view(SHOW).record.auto_managed) == ("", False)


async def test_torrents_move_with_the_folder_of_their_category(world):
    world.hold(OTHER)
    world.hold(FILM)
    await complete(world, SHOW, category="tv", auto_managed=True)
    await world.add(OTHER, category="tv", auto_managed=False)
    await world.completes(OTHER)
    await world.add(FILM, category="tv", auto_managed=True, paused=True)
    place = world.folder / "series"

    await world.jobs.edit_category("tv", str(place))

    assert is_shown_at(world, SHOW, place)
    world.has_files(SHOW)
    assert is_shown_at(world, OTHER, world.complete / "tv")
    assert world.view(FILM).record.save_path == str(place)
    assert [(one.name, one.save_path) for one in world.jobs.categories()] == [("tv", str(place))]


async def test_a_torrent_that_cannot_move_with_its_category_stays_as_it_is(world):
    await complete(world, SHOW, category="tv", auto_managed=True)
    place = world.folder / "series"
    (place / "Show.S01").mkdir(parents=True)
    await world.jobs.edit_category("tv", str(place))
    assert is_shown_at(world, SHOW, world.complete / "tv")
    assert world.view(SHOW).record.auto_managed
    world.has_files(SHOW)
    assert "already" in (await details(world, SHOW, "move_failed"))[0]


async def test_only_a_category_that_is_there_and_a_folder_that_will_do_are_taken(world):
    await world.start()
    with pytest.raises(UnknownCategory):
        await world.jobs.edit_category("tv", "series")
    await world.jobs.create_category("tv", "")
    with pytest.raises(BadCategory):
        await world.jobs.edit_category("tv", "../series")
    (world.complete / "file").write_bytes(b"")
    with pytest.raises(BadCategory):
        await world.jobs.edit_category("tv", "file")
    assert [one.save_path for one in world.jobs.categories()] == [""]


async def test_automatic_management_brings_a_torrent_to_its_categorys_folder(world):
    place = world.folder / "own"
    await complete(world, SHOW, category="tv", save_path=str(place))
    assert not world.view(SHOW).record.auto_managed

    await world.jobs.set_auto_managed([SHOW.infohash], auto=True)

    assert is_shown_at(world, SHOW, world.complete / "tv")
    assert world.view(SHOW).record.auto_managed
    world.has_files(SHOW)
    await world.jobs.set_auto_managed([SHOW.infohash], auto=False)
    assert not world.view(SHOW).record.auto_managed
    world.has_files(SHOW)
