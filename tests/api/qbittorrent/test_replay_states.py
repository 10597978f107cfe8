"""What Sonarr and Radarr conclude from every state a torrent of ours can be in."""

import pytest

from engine.jobs.states import State
from engine.jobs.views import AddRequest
from tests.fakes.sonarr_program import Settings, Sonarr
from tests.fakes.sonarr_reading import Status

NOW = 1_700_000_000
HASH = "ab" * 20
SIZE = 1000
CATEGORY = "radarr"

CONCLUSIONS = {
    State.ADDED: Status.QUEUED,
    State.WAITING_SLOT: Status.QUEUED,
    State.PREPARING: Status.QUEUED,
    State.QUEUED: Status.QUEUED,
    State.DOWNLOADING: Status.DOWNLOADING,
    State.WAITING_NETWORK: Status.WARNING,
    State.WAITING_DISK: Status.PAUSED,
    State.CHECKING: Status.QUEUED,
    State.MOVING: Status.DOWNLOADING,
    State.COMPLETED: Status.COMPLETED,
    State.PAUSED: Status.PAUSED,
    State.ERROR: Status.WARNING,
}


@pytest.fixture(params=["2.8.19", "2.6.0", "2.11.4"])
def radarr(request, sonarr):
    settings = Settings(category=CATEGORY)
    return Sonarr(sonarr, settings, believes=request.param, now=lambda: NOW)


async def add(torrents, **options):
    magnet = f"magnet:?xt=urn:btih:{HASH}&dn=Film.2024"
    await torrents.add(AddRequest(magnet=magnet, category=CATEGORY, **options))


def only(program):
    (item,) = program.poll()
    return item


@pytest.mark.parametrize("state", State)
async def test_every_state_is_known_to_the_program(radarr, torrents, state):
    await add(torrents)
    torrents.finish(HASH, {"Film.mkv": SIZE})
    torrents._change(HASH, completed_at=0)
    done = state is State.COMPLETED
    torrents.become(HASH, state, downloaded=SIZE if done else 250)

    item = only(radarr)

    assert item.status is CONCLUSIONS[state]
    assert not item.message.startswith("Unknown")
    assert item.download_id == HASH.upper()
    assert item.remaining == (0 if done else 750)
    assert item.can_be_removed is done
    assert item.seconds_left == (0 if done else None)


@pytest.mark.parametrize("state", set(State) - {State.COMPLETED})
async def test_nothing_is_imported_before_the_files_are_in_their_place(radarr, torrents, state):
    """All bytes are there, but not verified, or not under their final name."""
    await add(torrents)
    torrents.finish(HASH, {"Film.mkv": SIZE})
    torrents._change(HASH, completed_at=0)
    torrents.become(HASH, state, downloaded=SIZE)

    item = only(radarr)

    assert item.status is not Status.COMPLETED
    assert item.remaining > 0


async def test_what_is_checked_again_after_it_was_complete_is_not_imported(radarr, torrents):
    await add(torrents)
    torrents.finish(HASH, {"Film.mkv": SIZE})
    torrents.become(HASH, State.CHECKING)
    assert only(radarr).status is Status.QUEUED


@pytest.mark.parametrize(
    ("files", "content"),
    [
        ({"Film.2024.mkv": SIZE}, "Film.2024.mkv"),
        ({"Show.S01/E01.mkv": SIZE, "Show.S01/Subs/E01.srt": 10}, "Show.S01"),
        ({"Show.S01/E01.mkv": SIZE}, "Show.S01"),
        ({"Les Misérables 悲惨世界/①.mkv": SIZE}, "Les Misérables 悲惨世界"),
    ],
)
async def test_it_finds_the_file_or_the_folder_and_never_the_common_folder(
    radarr, torrents, files, content
):
    await add(torrents)
    torrents.finish(HASH, files)

    item = only(radarr)

    assert item.status is Status.COMPLETED
    assert radarr.import_path(item) == f"/downloads/complete/{CATEGORY}/{content}"


@pytest.mark.parametrize("folder", ["/downloads/complete/radarr/", "/elsewhere"])
async def test_a_folder_with_a_slash_at_its_end_is_no_trap(radarr, torrents, folder):
    """`/dl` and `/dl/` are different to the program: it would import everything in there."""
    await add(torrents, save_path=folder.rstrip("/"))
    torrents.finish(HASH, {"Film.mkv": SIZE})
    torrents._change(HASH, save_path=folder)
    item = only(radarr)
    assert radarr.import_path(item) == f"{folder.rstrip('/')}/Film.mkv"


@pytest.mark.parametrize(
    ("options", "removable"),
    [
        ({}, True),
        ({"ratio_limit": 1.5}, True),
        ({"ratio_limit": 0}, True),
        ({"seeding_time_limit": 1440}, True),
        ({"ratio_limit": 2, "seeding_time_limit": 600}, True),
        ({"ratio_limit": -1}, False),
        ({"ratio_limit": -1, "seeding_time_limit": -1}, False),
        ({"ratio_limit": -1, "seeding_time_limit": 600}, True),
        ({"ratio_limit": -1, "inactive_seeding_time_limit": 60}, True),
    ],
)
async def test_what_is_finished_may_be_moved_away_unless_that_is_unwanted(
    radarr, torrents, options, removable
):
    """There is nothing to seed, so limits are reached; only "no limit" keeps a torrent."""
    await add(torrents, **options)
    torrents.finish(HASH, {"Film.mkv": SIZE})
    assert only(radarr).can_be_removed is removable


async def test_the_program_need_not_ask_for_the_seeding_time(radarr, torrents):
    await add(torrents, ratio_limit=-1, seeding_time_limit=600)
    torrents.finish(HASH, {"Film.mkv": SIZE})
    radarr.poll()
    assert not any("properties" in sent.target for sent in radarr.http.sent)


async def test_the_time_left_is_shown_while_it_downloads(radarr, torrents):
    await add(torrents)
    torrents.finish(HASH, {"Film.mkv": SIZE})
    torrents._change(HASH, completed_at=0)
    torrents.become(HASH, State.DOWNLOADING, downloaded=250, eta=90, speed=10.7)
    item = only(radarr)
    assert (item.seconds_left, item.size, item.remaining) == (90, SIZE, 750)


async def test_a_size_that_is_not_known_yet_does_no_harm(radarr, torrents):
    await add(torrents)
    item = only(radarr)
    assert (item.title, item.size, item.remaining) == ("Film.2024", 0, 0)
    assert item.status is Status.QUEUED


async def test_each_program_sees_the_torrents_of_its_category_only(sonarr, torrents):
    await add(torrents)
    for category, seen in [(CATEGORY, 1), ("Radarr", 0), ("radar", 0), ("radarr/4k", 0), ("", 1)]:
        assert len(Sonarr(sonarr, Settings(category=category)).poll()) == seen


async def test_one_torrent_that_cannot_be_shown_does_not_hide_the_others(radarr, torrents):
    await add(torrents)
    other = "cd" * 20
    await torrents.add(AddRequest(magnet=f"magnet:?xt=urn:btih:{other}", category=CATEGORY))
    torrents._change(other, name="\ud800", save_path="/x\ud800", category=CATEGORY)
    assert {item.download_id for item in radarr.poll()} == {HASH.upper(), other.upper()}
