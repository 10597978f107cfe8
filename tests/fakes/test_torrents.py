from pathlib import Path

import pytest
from msgspec.structs import replace

from engine.jobs.states import State
from engine.jobs.views import (
    AddRequest,
    BadCategory,
    BadPreference,
    BadTorrent,
    Conflict,
    Unavailable,
    UnknownCategory,
    UnknownTorrent,
)
from engine.store.records import CategoryRecord
from tests.fakes.torrents import InMemoryTorrents

A, B, C = "a" * 40, "b" * 40, "c" * 40


@pytest.fixture
async def torrents():
    torrents = InMemoryTorrents()
    for infohash in (A, B, C):
        await torrents.add(AddRequest(magnet=infohash))
    return torrents


@pytest.fixture
def torrent_file():
    data = Path(__file__).parents[1] / "data" / "qbittorrent" / "two_files.torrent"
    return data.read_bytes()


def order(torrents):
    views = sorted(torrents.views(), key=lambda view: view.record.position)
    return "".join(view.record.hash[0] for view in views)


async def test_a_torrent_is_listed_as_soon_as_it_is_added():
    torrents = InMemoryTorrents()
    request = AddRequest(magnet=f"magnet:?xt=urn:btih:{A}&dn=Show", category="tv", tags=("x",))
    assert await torrents.add(request) == A
    (view,) = torrents.views()
    assert view == torrents.view(A)
    assert (view.state, view.record.name, view.record.tags) == (State.ADDED, "Show", ("x",))
    assert view.record.save_path == "/downloads/complete/tv"
    assert [event.kind for event in await torrents.events(A)] == ["added"]


async def test_a_torrent_that_is_added_again_stays_as_it_is(torrents):
    before = torrents.views()
    assert await torrents.add(AddRequest(magnet=A, category="tv", paused=True)) == A
    assert torrents.views() == before


@pytest.mark.parametrize("request_", [AddRequest(magnet="x"), AddRequest(metainfo=b"x")])
async def test_what_is_no_torrent_is_refused(request_):
    with pytest.raises(BadTorrent):
        await InMemoryTorrents().add(request_)


async def test_a_torrent_can_be_added_paused():
    torrents = InMemoryTorrents()
    await torrents.add(AddRequest(magnet=A, paused=True))
    assert torrents.view(A).state is State.PAUSED


async def test_a_torrent_that_is_taken_makes_its_category(torrents):
    with pytest.raises(BadTorrent):
        await torrents.add(AddRequest(magnet="x", category="tv"))
    with pytest.raises(BadTorrent):
        await torrents.add(AddRequest(magnet="d" * 40, category="//"))
    assert torrents.categories() == []
    await torrents.add(AddRequest(magnet="d" * 40, category="tv"))
    assert [one.name for one in torrents.categories()] == ["tv"]


async def test_a_store_that_takes_no_changes_refuses_all_of_them(torrents):
    torrents.take_no_changes("no room")
    before = torrents.views()
    for change in (
        torrents.add(AddRequest(magnet="d" * 40)),
        torrents.pause([A]),
        torrents.delete(None, delete_files=True),
        torrents.create_category("tv", ""),
        torrents.remove_categories(["tv"]),
        torrents.create_tags(["x"]),
        torrents.delete_tags(["x"]),
        torrents.change_preferences(lambda old: old),
        torrents.rename(A, "x"),
    ):
        with pytest.raises(Unavailable, match="no room"):
            await change
    assert torrents.views() == before
    assert torrents.categories() == []


async def test_a_finished_torrent_has_its_files(torrents):
    torrents.finish(A, {"Show/1.mkv": 600, "Show/2.mkv": 400})
    view = torrents.view(A)
    assert (view.state, view.downloaded, view.record.size) == (State.COMPLETED, 1000, 1000)
    assert view.content_path == "/downloads/complete/Show"
    assert [file.flushed for file in torrents.files(A)] == [600, 400]
    assert torrents.totals().downloaded == 1000


async def test_pausing_leaves_completed_torrents_alone(torrents):
    torrents.finish(A, {"film.mkv": 1})
    torrents.fail(B, "no luck")
    await torrents.pause(None)
    assert [view.state for view in torrents.views()] == [
        State.COMPLETED,
        State.PAUSED,
        State.PAUSED,
    ]


async def test_resuming_wakes_paused_and_failed_torrents(torrents):
    torrents.finish(A, {"film.mkv": 1})
    torrents.fail(B, "no luck")
    assert torrents.view(B).record.reason == "no luck"
    await torrents.resume([A, B])
    assert torrents.view(A).state is State.COMPLETED
    assert torrents.view(B).state is State.ADDED
    assert torrents.view(B).record.reason == ""


async def test_deleting_passes_over_what_is_not_there(torrents):
    await torrents.delete([A, "0" * 40], delete_files=True)
    await torrents.delete([B], delete_files=False)
    assert order(torrents) == "c"
    assert torrents.files_deleted == [A]
    assert torrents.view(A) is None
    assert torrents.files(A) == []
    assert await torrents.events(A) == []


async def test_torrents_keep_their_order_when_they_move(torrents):
    await torrents.to_top([C, B])
    assert order(torrents) == "bca"
    await torrents.to_bottom([B])
    assert order(torrents) == "cab"


async def test_torrents_move_by_one_place(torrents):
    await torrents.to_higher([C, B])
    assert order(torrents) == "bca"
    await torrents.to_lower([B])
    assert order(torrents) == "cba"
    await torrents.to_lower(None)
    assert order(torrents) == "cba"


async def test_categories_keep_their_path_and_leave_their_torrents(torrents):
    await torrents.create_category("tv", "/tv")
    await torrents.create_category("tv", "/other")
    assert torrents.categories() == [CategoryRecord(name="tv", save_path="/tv")]
    await torrents.set_category([A], "tv")
    assert torrents.view(A).record.category == "tv"
    await torrents.remove_categories(["tv", "unknown"])
    assert torrents.categories() == []
    assert torrents.view(A).record.category == ""


async def test_categories_that_cannot_be_are_refused(torrents):
    with pytest.raises(BadCategory):
        await torrents.create_category("a//b", "")
    with pytest.raises(UnknownCategory):
        await torrents.set_category([A], "unknown")
    await torrents.set_category([A], "")


async def test_a_category_that_moves_takes_those_along_that_it_manages(torrents):
    await torrents.create_category("tv", "")
    await torrents.set_category([A, B], "tv")
    await torrents.set_auto_managed([B], auto=False)
    await torrents.edit_category("tv", "/tv")
    assert folders(torrents) == ["/tv", "/downloads/complete/tv", "/downloads/complete"]
    await torrents.set_auto_managed([B], auto=True)
    await torrents.set_location([A], "/own")
    assert folders(torrents) == ["/own", "/tv", "/downloads/complete"]
    assert not torrents.view(A).record.auto_managed
    with pytest.raises(UnknownCategory):
        await torrents.edit_category("unknown", "")
    with pytest.raises(Conflict):
        await torrents.set_location([A], "relative")


def folders(torrents):
    return [view.record.save_path for view in torrents.views()]


async def test_a_folder_is_the_categorys_unless_another_one_is_asked_for():
    torrents = InMemoryTorrents()
    for infohash, path, auto in ((A, "/x", True), (B, "x", None), (C, "", False)):
        await torrents.add(
            AddRequest(magnet=infohash, category="tv", save_path=path, auto_managed=auto)
        )
    assert folders(torrents) == [
        "/downloads/complete/tv",
        "/downloads/complete/x",
        "/downloads/complete/tv",
    ]
    assert [view.record.auto_managed for view in torrents.views()] == [True, False, False]


async def test_names_and_paths_can_be_changed(torrents):
    torrents.finish(A, {"Show/1.mkv": 600, "Show/sub/2.mkv": 400})
    await torrents.rename(A, "Other")
    await torrents.rename_file(A, "Show/1.mkv", "Show/one.mkv")
    await torrents.rename_folder(A, "Show", "New")
    assert torrents.view(A).record.name == "Other"
    assert [file.path for file in torrents.files(A)] == ["New/one.mkv", "New/sub/2.mkv"]
    assert torrents.view(A).content_path == "/downloads/complete/New"
    for change in (
        torrents.rename(A, ""),
        torrents.rename_file(A, "nope", "x"),
        torrents.rename_file(A, "New/one.mkv", "New/sub/2.mkv"),
        torrents.rename_file(A, "New/one.mkv", "../x"),
        torrents.rename_folder(A, "nope", "x"),
    ):
        with pytest.raises(Conflict):
            await change
    with pytest.raises(UnknownTorrent):
        await torrents.rename("0" * 40, "x")


async def test_files_have_priorities(torrents):
    torrents.know(A, {"Show/1.mkv": 600, "Show/2.mkv": 400})
    await torrents.set_file_priorities(A, [1], 0)
    assert [file.priority for file in torrents.files(A)] == [1, 0]
    assert (torrents.view(A).wanted, torrents.view(A).done) == (600, 0)
    for indexes, priority in (([2], 1), ([0], 5)):
        with pytest.raises(Conflict):
            await torrents.set_file_priorities(A, indexes, priority)
    with pytest.raises(Conflict):
        await torrents.set_file_priorities(B, [0], 1)
    with pytest.raises(UnknownTorrent):
        await torrents.set_file_priorities("0" * 40, [0], 1)


async def test_flags_are_turned_over(torrents):
    await torrents.toggle_sequential([A])
    await torrents.toggle_first_last(None)
    await torrents.toggle_first_last([A])
    record = torrents.view(A).record
    assert (record.sequential, record.first_last) == (True, False)
    assert torrents.view(B).record.first_last


async def test_a_torrent_has_pieces_when_it_came_as_a_file(torrents, torrent_file):
    infohash = await torrents.add(AddRequest(metainfo=torrent_file))
    assert await torrents.metainfo(infohash) == torrent_file
    pieces = await torrents.piece_hashes(infohash)
    assert torrents.piece_states(infohash) == [0] * len(pieces)
    torrents.finish(infohash, {"x": 1})
    assert set(torrents.piece_states(infohash)) == {2}
    assert await torrents.metainfo(A) is None
    assert await torrents.piece_hashes(A) == torrents.piece_states(A) == []


async def test_preferences_hold_for_new_torrents(torrents):
    await torrents.change_preferences(
        lambda old: replace(old, start_paused=True, save_path="/x", auto_managed=False)
    )
    await torrents.add(AddRequest(magnet="d" * 40, paused=None))
    await torrents.add(AddRequest(magnet="e" * 40, paused=False))
    paused, running = torrents.views()[-2:]
    assert (paused.state, running.state) == (State.PAUSED, State.ADDED)
    assert (paused.record.save_path, paused.record.auto_managed) == ("/x", False)
    assert torrents.save_path == "/x"
    before = torrents.preferences()
    with pytest.raises(BadPreference):
        await torrents.change_preferences(lambda old: replace(old, max_ratio_act=1))
    assert torrents.preferences() == before


async def test_tags_are_there_whether_a_torrent_has_them_or_not(torrents):
    await torrents.create_tags(["b", "", "a,c"])
    await torrents.add_tags([A], ["x", "y"])
    await torrents.add(AddRequest(magnet="d" * 40, tags=("z",)))
    assert torrents.tags() == ["b", "x", "y", "z"]
    await torrents.delete_tags(["x", "b"])
    await torrents.delete_tags([])
    assert torrents.tags() == ["y", "z"]
    assert torrents.view(A).record.tags == ("y",)


async def test_tags_limits_and_force_are_stored(torrents):
    await torrents.add_tags([A], ["x", "y", "x"])
    await torrents.remove_tags(None, ["x"])
    await torrents.set_forced([A], forced=True)
    await torrents.set_share_limits(
        [A], ratio_limit=1.5, seeding_time_limit=60, inactive_seeding_time_limit=-1
    )
    record = torrents.view(A).record
    assert (record.tags, record.forced) == (("y",), True)
    assert (record.ratio_limit, record.seeding_time_limit) == (1.5, 60)
    assert record.inactive_seeding_time_limit == -1
    await torrents.remove_tags([A], [])
    assert torrents.view(A).record.tags == ()


async def test_speed_limits_are_stored(torrents):
    await torrents.set_download_limit([A, "0" * 40], 5)
    await torrents.set_upload_limit(None, 6)
    await torrents.change_speed_limits(lambda old: replace(old, download=old.download + 7))
    assert (torrents.view(A).record.download_limit, torrents.view(B).record.download_limit) == (
        5,
        0,
    )
    assert torrents.view(B).record.upload_limit == 6
    assert torrents.speed_limits().download == 7


async def test_a_recheck_is_noted(torrents):
    await torrents.recheck([A])
    assert torrents.rechecked == [A]
    assert torrents.view(A).state is State.CHECKING


async def test_the_list_breaks_down_once(torrents):
    torrents.break_down(RuntimeError("broken"))
    with pytest.raises(RuntimeError, match="broken"):
        torrents.views()
    assert len(torrents.views()) == 3
    assert repr(torrents) == "<InMemoryTorrents 3 torrents>"
