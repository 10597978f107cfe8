"""Two programs that ask for one torrent, each in a category of its own."""

import asyncio
import os
import random
import tempfile
from pathlib import Path

import pytest

from engine.jobs.states import State
from engine.jobs.views import BadTorrent, Conflict
from tests.engine.jobs.test_places import held_copy
from tests.engine.jobs.world import Torrent
from tests.fakes.disk import Disk

BYTES = random.Random(23).randbytes

SHOW = Torrent("Show.S01", {"a.mkv": BYTES(3_000_000), "Subs/a.srt": BYTES(900), "nfo": b""})
FILM = Torrent("Film.2024.mkv", BYTES(100_000))
HD, UHD = "sonarr", "sonarr-4k"


@pytest.fixture
def elsewhere():
    """A folder on another file system than the other folders of tests."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


def seen(world, torrent, category):
    """The torrent as the list of a category shows it, or None."""
    views = [
        each
        for view in world.jobs.views()
        for each in (view, *view.others)
        if each.record.category == category and each.record.hash == torrent.infohash
    ]
    assert len(views) <= 1
    return views[0] if views else None


def folder(world, category) -> Path:
    return world.complete / category


def has_files(world, torrent, category) -> bool:
    """Tell whether a category has all files where it is told they are."""
    view = seen(world, torrent, category)
    top = Path(view.content_path)
    assert view.state is State.COMPLETED
    assert top.parent == folder(world, category)
    if torrent.single:
        return top.read_bytes() == torrent.files[torrent.name]
    return {
        str(path.relative_to(top)): path.read_bytes() for path in top.rglob("*") if path.is_file()
    } == torrent.files


def names(top: Path) -> list[str]:
    """Return what is in a folder."""
    return sorted(path.name for path in top.iterdir())


def imports(world, torrent, category) -> None:
    """Do what Sonarr does when it moves the files to its library."""
    top = Path(seen(world, torrent, category).content_path)
    video = top / "a.mkv" if top.is_dir() else top
    library = world.folder / f"library-{category}"
    library.mkdir(exist_ok=True)
    video.rename(library / video.name)


async def both(world, torrent, **fields):
    """Have a torrent complete for both."""
    world.hold(torrent)
    await world.start()
    await world.add(torrent, category=HD, **fields)
    await world.add(torrent, category=UHD)
    await complete(world, torrent)


async def copying_for_second(world, elsewhere):
    """Have a torrent complete for the first, and be copied for the second; call with `held_copy`.

    The order is given in the middle of the copy; what it waits for goes on afterwards.
    """
    world.hold(SHOW)
    await world.start()
    await world.jobs.create_category(UHD, str(elsewhere))
    await world.add(SHOW, category=HD)
    await world.completes(SHOW)
    own = elsewhere / f".{SHOW.infohash}.sharing"
    await world.add(SHOW, category=UHD)
    await world.turns(lambda: own.exists() and any(own.iterdir()))


async def settles(world, *categories):
    """Wait until categories have all that they wait for."""

    def is_so():
        views = [seen(world, SHOW, one) for one in categories]
        return all(view and view.state in {State.COMPLETED, State.ERROR} for view in views)

    await world.until(is_so)
    await world.reaches(SHOW, State.COMPLETED)


def whole(world, torrent, category) -> bool:
    """Tell whether all files are where a category is told they are."""
    view = seen(world, torrent, category)
    top = Path(view.content_path)
    there = {str(one.relative_to(top)): one.read_bytes() for one in top.rglob("*") if one.is_file()}
    return view.state is State.COMPLETED and there == torrent.files


async def complete(world, torrent):
    """Wait until all have it."""
    await world.until(lambda: seen(world, torrent, UHD).state is State.COMPLETED)
    await world.reaches(torrent, State.COMPLETED)


@pytest.mark.parametrize("torrent", [SHOW, FILM], ids=["folder", "file"])
async def test_each_category_has_the_torrent_with_files_of_its_own(world, torrent):
    await both(world, torrent)

    assert has_files(world, torrent, HD)
    assert has_files(world, torrent, UHD)
    assert len(world.jobs.views()) == 1
    ours, theirs = (Path(seen(world, torrent, one).content_path) for one in (HD, UHD))
    if torrent.single:
        assert ours.samefile(theirs)  # a second name, no second copy
    assert "shared" in await world.kinds(torrent)


async def test_until_all_have_their_files_nobody_is_told_that_they_are_there(world):
    world.hold(SHOW)
    stalled = world.host.stalls_at(1000, path=world.served(SHOW), times=None)
    await world.start()
    await world.add(SHOW, category=HD)
    await world.reaches(SHOW, State.DOWNLOADING)
    await world.add(SHOW, category=UHD)

    for category in (HD, UHD):
        view = seen(world, SHOW, category)
        assert view.state is State.DOWNLOADING
        assert view.content_path == str(folder(world, category) / "Show.S01")

    stalled.lift()
    await world.reaches(SHOW, State.COMPLETED)
    assert has_files(world, SHOW, UHD)


async def test_one_that_comes_when_all_is_there_gets_its_files_at_once(world):
    world.hold(SHOW)
    await world.start()
    await world.add(SHOW, category=HD)
    await world.completes(SHOW)
    served = world.host.served

    await world.add(SHOW, category=UHD, magnet=True)

    await complete(world, SHOW)
    assert has_files(world, SHOW, UHD)
    assert has_files(world, SHOW, HD)
    assert world.host.served == served


async def test_shares_survive_a_restart(world):
    await both(world, SHOW)
    await world.restart()
    assert has_files(world, SHOW, HD)
    assert has_files(world, SHOW, UHD)


async def test_adding_it_again_in_a_category_that_has_it_changes_nothing(world):
    await both(world, SHOW)
    for category in (HD, UHD, ""):
        await world.add(SHOW, category=category)
    assert seen(world, SHOW, "") is None
    assert [view.record.category for view in world.view(SHOW).others] == [UHD]
    assert has_files(world, SHOW, HD)
    assert has_files(world, SHOW, UHD)


async def test_a_name_that_is_taken_in_the_other_folder_is_left_alone(world):
    (folder(world, UHD) / "Show.S01").mkdir(parents=True)
    await both(world, SHOW)
    assert has_files(world, SHOW, UHD)
    assert seen(world, SHOW, UHD).content_path == str(folder(world, UHD) / "Show (2).S01")
    assert list((folder(world, UHD) / "Show.S01").iterdir()) == []


async def test_a_category_on_another_file_system_gets_a_copy(world):
    world.hold(SHOW)
    await world.start()
    with tempfile.TemporaryDirectory(dir="/dev/shm") as elsewhere:
        await world.jobs.create_category(UHD, elsewhere)
        await world.add(SHOW, category=HD)
        await world.add(SHOW, category=UHD)
        await world.reaches(SHOW, State.COMPLETED)
        top = Path(seen(world, SHOW, UHD).content_path)
        assert top == Path(elsewhere) / "Show.S01"
        assert (top / "a.mkv").read_bytes() == SHOW.files["a.mkv"]
        assert os.listdir(elsewhere) == ["Show.S01"]  # noqa: PTH208 - one name is all there is


async def test_trouble_with_one_category_is_not_the_others(world):
    world.hold(SHOW)
    await world.start()
    await world.add(SHOW, category=HD)
    await world.add(SHOW, category=UHD)
    folder(world, UHD).rmdir()
    folder(world, UHD).write_bytes(b"a file where the folder should be")
    await world.reaches(SHOW, State.COMPLETED)

    assert has_files(world, SHOW, HD)
    view = seen(world, SHOW, UHD)
    assert view.state is State.ERROR
    assert UHD in view.record.reason
    folder(world, UHD).unlink()
    await world.add(SHOW, category=UHD)  # tried again
    await complete(world, SHOW)
    assert has_files(world, SHOW, UHD)


async def test_a_category_that_cannot_be_is_refused(world):
    await both(world, SHOW)
    with pytest.raises(BadTorrent):
        await world.add(SHOW, category="../x")


# Who imports takes the files, and only its own.


@pytest.mark.parametrize("first", [HD, UHD])
async def test_an_import_by_move_and_its_deletion_leave_the_other_alone(world, first):
    second = UHD if first == HD else HD
    await both(world, SHOW)

    imports(world, SHOW, first)
    assert has_files(world, SHOW, second)
    await world.jobs.delete([SHOW.infohash], delete_files=True)

    assert seen(world, SHOW, first) is None
    assert has_files(world, SHOW, second)
    assert list(folder(world, first).iterdir()) == []
    imports(world, SHOW, second)
    await world.jobs.delete([SHOW.infohash], delete_files=True)
    assert world.jobs.views() == []
    assert list(folder(world, second).iterdir()) == []
    assert (world.folder / f"library-{first}" / "a.mkv").exists()


@pytest.mark.parametrize("asking", [HD, UHD])
async def test_who_says_for_whom_it_asks_deletes_that_one(world, asking):
    other = UHD if asking == HD else HD
    await both(world, FILM)
    await world.jobs.delete([FILM.infohash], delete_files=True, category=asking)
    assert seen(world, FILM, asking) is None
    assert has_files(world, FILM, other)
    assert list(folder(world, asking).iterdir()) == []
    await world.restart()
    assert has_files(world, FILM, other)


async def test_where_nothing_tells_who_asks_all_is_deleted(world):
    await both(world, SHOW)
    await world.jobs.delete([SHOW.infohash], delete_files=True)
    assert world.jobs.views() == []
    assert list(folder(world, HD).iterdir()) == []
    assert list(folder(world, UHD).iterdir()) == []


async def test_a_category_that_the_torrent_has_not_tells_nothing(world):
    await both(world, SHOW)
    imports(world, SHOW, HD)
    await world.jobs.delete([SHOW.infohash], delete_files=True, category="radarr")
    assert has_files(world, SHOW, UHD)


async def test_files_are_kept_where_that_is_asked_for(world):
    await both(world, FILM)
    await world.jobs.delete([FILM.infohash], delete_files=False, category=UHD)
    await world.jobs.delete([FILM.infohash], delete_files=False, category=HD)
    assert world.jobs.views() == []
    assert (folder(world, HD) / FILM.name).exists()
    assert (folder(world, UHD) / FILM.name).exists()


async def test_the_first_one_gives_up_while_it_downloads(world):
    world.hold(SHOW)
    stalled = world.host.stalls_at(1000, path=world.served(SHOW), times=None)
    await world.start()
    await world.add(SHOW, category=HD)
    await world.reaches(SHOW, State.DOWNLOADING)
    await world.add(SHOW, category=UHD)

    await world.jobs.delete([SHOW.infohash], delete_files=True, category=HD)

    assert seen(world, SHOW, HD) is None
    stalled.lift()
    await world.reaches(SHOW, State.COMPLETED)
    assert has_files(world, SHOW, UHD)
    assert list(folder(world, HD).iterdir()) == []


async def test_the_second_one_gives_up_while_it_downloads(world):
    world.hold(SHOW)
    stalled = world.host.stalls_at(1000, path=world.served(SHOW), times=None)
    await world.start()
    await world.add(SHOW, category=HD)
    await world.add(SHOW, category=UHD)
    await world.reaches(SHOW, State.DOWNLOADING)
    await world.jobs.delete([SHOW.infohash], delete_files=True, category=UHD)
    stalled.lift()
    await world.completes(SHOW)
    assert seen(world, SHOW, UHD) is None
    assert has_files(world, SHOW, HD)


async def test_one_that_imported_may_have_it_again(world):
    await both(world, SHOW)
    imports(world, SHOW, UHD)
    await world.add(SHOW, category=UHD)
    await complete(world, SHOW)
    assert has_files(world, SHOW, UHD)
    assert has_files(world, SHOW, HD)


async def test_when_all_files_are_gone_they_are_fetched_again(world):
    await both(world, SHOW)
    imports(world, SHOW, HD)
    imports(world, SHOW, UHD)
    await world.add(SHOW, category=UHD)
    await world.until(lambda: seen(world, SHOW, UHD).state is not State.COMPLETED)
    await complete(world, SHOW)
    assert has_files(world, SHOW, UHD)


async def test_who_imported_and_adds_it_again_gets_it_again(world):
    await both(world, SHOW)
    imports(world, SHOW, HD)
    imports(world, SHOW, UHD)
    await world.add(SHOW, category=HD)
    await world.until(lambda: seen(world, SHOW, HD).state is not State.COMPLETED)
    await world.reaches(SHOW, State.COMPLETED)
    assert has_files(world, SHOW, HD)


async def test_one_that_comes_in_the_middle_of_anothers_import_leaves_its_files_alone(world):
    """It has the torrent fetched anew; what the first one still has to import stays."""
    world.hold(SHOW)
    await world.start()
    await world.add(SHOW, category=HD)
    await world.completes(SHOW)
    imports(world, SHOW, HD)
    stalled = world.host.stalls_at(1000, path=world.served(SHOW), times=None)

    await world.add(SHOW, category=UHD)
    await world.reaches(SHOW, State.DOWNLOADING)

    view = seen(world, SHOW, HD)
    assert view.state is State.COMPLETED
    assert view.content_path == str(folder(world, HD) / "Show.S01")
    assert names(folder(world, HD) / "Show.S01") == ["Subs", "nfo"]
    assert seen(world, SHOW, UHD).state is State.DOWNLOADING

    await world.restart()
    await world.reaches(SHOW, State.DOWNLOADING)
    await world.jobs.delete([SHOW.infohash], delete_files=True)  # the import has ended
    assert seen(world, SHOW, HD) is None
    assert list(folder(world, HD).iterdir()) == []
    stalled.lift()
    await world.reaches(SHOW, State.COMPLETED)
    assert has_files(world, SHOW, UHD)
    assert world.view(SHOW).others == ()


@pytest.mark.parametrize("when", ["added", "checked"])
async def test_what_was_imported_is_not_put_back_when_the_other_has_its_files(world, when):
    if when == "added":
        world.hold(SHOW)
        await world.start()
        await world.add(SHOW, category=HD)
        await world.completes(SHOW)
        imports(world, SHOW, HD)
        await world.add(SHOW, category=UHD)
    else:
        await both(world, SHOW)
        imports(world, SHOW, UHD)
        (folder(world, HD) / "Show.S01/a.mkv").unlink()
        await world.jobs.recheck([SHOW.infohash])
        await world.until(lambda: world.state(SHOW) is not State.CHECKING)
    imported, other = (HD, UHD) if when == "added" else (UHD, HD)
    await world.reaches(SHOW, State.COMPLETED)
    assert names(folder(world, imported) / "Show.S01") == ["Subs", "nfo"]
    assert has_files(world, SHOW, other)

    await world.jobs.delete([SHOW.infohash], delete_files=True)
    assert seen(world, SHOW, imported) is None
    assert has_files(world, SHOW, other)


async def test_one_that_has_its_files_and_asks_again_does_not_fetch_them_for_the_importer(world):
    await both(world, SHOW)
    imports(world, SHOW, HD)
    served = world.host.served
    await world.add(SHOW, category=UHD)
    assert world.state(SHOW) is State.COMPLETED
    assert has_files(world, SHOW, UHD)
    assert names(folder(world, HD) / "Show.S01") == ["Subs", "nfo"]
    assert world.host.served == served


async def test_a_third_gets_its_files_from_who_still_has_them(world):
    await both(world, SHOW)
    imports(world, SHOW, HD)
    served = world.host.served
    await world.add(SHOW, category="third")
    await world.until(lambda: seen(world, SHOW, "third").state is State.COMPLETED)
    assert has_files(world, SHOW, "third")
    assert (folder(world, HD) / "Show.S01/nfo").exists()
    assert world.host.served == served


async def test_a_torrent_of_which_nothing_is_wanted_has_nothing_for_anybody(world):
    world.hold(SHOW)
    await world.start()
    await world.add(SHOW, category=HD, paused=True)
    await world.jobs.set_file_priorities(SHOW.infohash, [0, 1, 2], 0)
    await world.jobs.resume([SHOW.infohash])
    await world.reaches(SHOW, State.COMPLETED)
    await world.add(SHOW, category=UHD)
    await world.reaches(SHOW, State.COMPLETED)
    assert {view.record.category for view in world.view(SHOW).others} == {UHD}


# One imports while the other's copy is being made.


async def deletes_in_the_middle(world, release) -> None:
    """Delete the torrent for nobody in particular; the copy is let go on to be stopped."""
    deleting = asyncio.create_task(world.jobs.delete([SHOW.infohash], delete_files=True))
    await asyncio.sleep(0)
    release()
    await deleting


async def test_who_imported_while_the_other_is_copied_deletes_its_own_only(world, elsewhere):
    with held_copy(elsewhere) as release:
        await copying_for_second(world, elsewhere)
        imports(world, SHOW, HD)
        await deletes_in_the_middle(world, release)
    await settles(world, UHD)
    assert seen(world, SHOW, HD) is None
    assert whole(world, SHOW, UHD)
    assert list(folder(world, HD).iterdir()) == []


async def test_where_nothing_tells_who_asks_the_one_that_waits_keeps_the_torrent(world, elsewhere):
    with held_copy(elsewhere) as release:
        await copying_for_second(world, elsewhere)
        await deletes_in_the_middle(world, release)
    await settles(world, UHD)
    assert seen(world, SHOW, HD) is None
    assert whole(world, SHOW, UHD)


async def test_one_that_comes_while_another_ones_copy_is_made_gets_its_own(world, elsewhere):
    with held_copy(elsewhere):
        await copying_for_second(world, elsewhere)
        await world.add(SHOW, category="third")
    await settles(world, UHD, "third")
    assert whole(world, SHOW, UHD)
    assert has_files(world, SHOW, "third")
    assert has_files(world, SHOW, HD)


async def test_one_that_comes_at_the_moment_of_completion_gets_its_copy(world, monkeypatch):
    """It is stored after publishing had its last look, and before the torrent is complete."""
    world.hold(SHOW)
    await world.start()
    ledger = world.jobs._tools.ledger
    move, adding = ledger.move, []

    async def complete_slowly(infohash, target, **changes):
        if target is State.COMPLETED and not adding:
            async with ledger._changing:
                adding.append(asyncio.create_task(world.add(SHOW, category=UHD)))
                await world.turns(lambda: bool(ledger._changes))
                moving = asyncio.create_task(move(infohash, target, **changes))
                await world.turns(lambda: len(ledger._changes) > 1)
            await moving
        else:
            await move(infohash, target, **changes)

    monkeypatch.setattr(ledger, "move", complete_slowly)
    await world.add(SHOW, category=HD)
    await world.reaches(SHOW, State.COMPLETED)
    await adding[0]
    await complete(world, SHOW)
    assert has_files(world, SHOW, UHD)


@pytest.mark.parametrize("how", ["changed", "removed"])
async def test_a_category_that_changes_during_its_copy_leaves_no_half_copy(world, elsewhere, how):
    await copying(world, elsewhere, how)
    await world.reaches(SHOW, State.COMPLETED)
    assert seen(world, SHOW, UHD) is None
    assert names(elsewhere) == []
    assert has_files(world, SHOW, HD)
    if how == "changed":
        await settles(world, "new")
        assert has_files(world, SHOW, "new")
    else:
        assert world.view(SHOW).others == ()


async def copying(world, elsewhere, how):
    with held_copy(elsewhere) as release:
        await copying_for_second(world, elsewhere)
        await world.jobs.create_category("new", "")
        if how == "changed":
            order = world.jobs.set_category([SHOW.infohash], "new", asking=UHD)
        else:
            order = world.jobs.remove_categories([UHD])
        changing = asyncio.create_task(order)
        await asyncio.sleep(0)
        release()
        await changing


# Other orders.


async def test_who_imported_gets_its_post_import_category(world):
    await both(world, SHOW)
    await world.jobs.create_category("imported", "")
    imports(world, SHOW, UHD)
    await world.jobs.set_category([SHOW.infohash], "imported")
    assert {view.record.category for view in world.view(SHOW).others} == {"imported"}
    assert has_files(world, SHOW, HD)


async def test_who_says_for_whom_it_asks_changes_that_category(world):
    await both(world, SHOW)
    await world.jobs.create_category("imported", "")
    await world.jobs.set_category([SHOW.infohash], "imported", asking=UHD)
    assert world.view(SHOW).record.category == HD
    assert seen(world, SHOW, "imported") is not None
    await world.jobs.set_category([SHOW.infohash], "imported", asking=HD)  # is one already
    assert world.view(SHOW).record.category == HD
    await world.jobs.create_category("more", "")
    await world.jobs.set_category([SHOW.infohash], "more")
    assert world.view(SHOW).record.category == "more"
    assert has_files_at(world, SHOW, HD)


def has_files_at(world, torrent, name) -> bool:
    return (folder(world, name) / torrent.name / "a.mkv").exists()


async def test_a_category_that_is_removed_keeps_its_files_and_the_other_its_torrent(world):
    await both(world, SHOW)
    await world.jobs.remove_categories([UHD])
    assert world.view(SHOW).others == ()
    assert has_files_at(world, SHOW, UHD)
    assert has_files(world, SHOW, HD)


async def test_a_copy_to_come_goes_to_the_new_folder_of_its_category(world):
    world.hold(SHOW)
    stalled = world.host.stalls_at(1000, path=world.served(SHOW), times=None)
    await world.start()
    await world.add(SHOW, category=HD)
    await world.add(SHOW, category=UHD)
    await world.jobs.edit_category(UHD, "four-k")
    stalled.lift()
    await world.reaches(SHOW, State.COMPLETED)
    assert has_files_at(world, SHOW, "four-k")
    assert seen(world, SHOW, UHD).record.save_path == str(world.complete / "four-k")


async def test_the_first_ones_files_are_moved_and_the_others_stay(world):
    await both(world, SHOW)
    place = world.folder / "elsewhere"
    await world.jobs.set_location([SHOW.infohash], str(place))
    assert world.view(SHOW).content_path == str(place / "Show.S01")
    assert has_files(world, SHOW, UHD)
    with pytest.raises(Conflict, match="several"):
        await world.jobs.rename_file(SHOW.infohash, "Show.S01/a.mkv", "Show.S01/b.mkv")
    await world.jobs.rename_folder(SHOW.infohash, "Show.S01", "Show")
    assert has_files(world, SHOW, UHD)


async def test_a_file_that_is_wanted_later_comes_to_both(world):
    world.hold(SHOW)
    stalled = world.host.stalls_at(1000, path=world.served(SHOW), times=None)
    await world.start()
    await world.add(SHOW, category=HD)
    await world.reaches(SHOW, State.DOWNLOADING)
    await world.jobs.set_file_priorities(SHOW.infohash, [1], 0)
    await world.add(SHOW, category=UHD)
    stalled.lift()
    await world.reaches(SHOW, State.COMPLETED)
    assert not (folder(world, UHD) / "Show.S01/Subs/a.srt").exists()

    await world.jobs.set_file_priorities(SHOW.infohash, [1], 1)

    await world.until((folder(world, UHD) / "Show.S01/Subs/a.srt").exists)
    await world.reaches(SHOW, State.COMPLETED)
    assert has_files(world, SHOW, HD)
    assert has_files(world, SHOW, UHD)


async def test_a_check_of_one_does_not_touch_the_others_copy(world):
    await both(world, SHOW)
    (folder(world, HD) / "Show.S01/a.mkv").unlink()
    await world.jobs.recheck([SHOW.infohash])
    await world.until(lambda: world.state(SHOW) is not State.CHECKING)
    assert has_files(world, SHOW, UHD)
    await world.reaches(SHOW, State.COMPLETED)
    assert has_files(world, SHOW, HD)


async def test_a_copy_that_was_cut_off_is_made_anew(world):
    world.hold(SHOW)
    await world.start()
    await world.add(SHOW, category=HD)
    await world.add(SHOW, category=UHD, paused=True)
    with Disk(folder(world, UHD)) as broken:
        broken.fails("rename", 30)
        await world.reaches(SHOW, State.COMPLETED)
    assert seen(world, SHOW, UHD).state is State.ERROR
    await world.add(SHOW, category=UHD)
    await complete(world, SHOW)
    assert has_files(world, SHOW, UHD)
    assert [path.name for path in folder(world, UHD).iterdir()] == ["Show.S01"]
