"""What clients may set: that it holds at once, is kept, and is refused where it makes no sense."""

import os
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.jobs.config import JobsConfig
from engine.jobs.preferences import Preferences
from engine.jobs.preferred import Configured, Kept, checked, in_force, limits_of
from engine.jobs.states import State
from engine.jobs.views import BadPreference
from tests.engine.jobs.world import Torrent

BYTES = random.Random(8).randbytes

FILMS = [Torrent(f"Film.{number}.mkv", BYTES(20_000 + number)) for number in range(3)]

numbers = st.integers(-1, 3)
paths = st.sampled_from(["/a", "/b", "/c"])
configured = st.builds(Configured, max_active_downloads=numbers, save_path=paths)
preferences = st.builds(
    Preferences, max_active_downloads=numbers, save_path=paths, start_paused=st.booleans()
)


async def change(world, **changes) -> None:
    await world.jobs.change_preferences(lambda old: replace(old, **changes))


@given(configured)
def test_at_first_the_settings_hold(settings):
    found = in_force(settings, None)
    assert found.max_active_downloads == settings.max_active_downloads
    assert found.save_path == settings.save_path


@given(preferences, configured)
def test_what_clients_set_holds_as_long_as_the_settings_stay(said, settings):
    assert in_force(settings, Kept(preferences=said, configured=settings)) == said


@given(preferences, configured, configured)
def test_a_setting_that_was_changed_holds_and_the_others_stay(said, before, now):
    found = in_force(now, Kept(preferences=said, configured=before))

    changed = now.save_path != before.save_path
    assert found.save_path == (now.save_path if changed else said.save_path)
    changed = now.max_active_downloads != before.max_active_downloads
    expected = now.max_active_downloads if changed else said.max_active_downloads
    assert found.max_active_downloads == expected
    assert found.start_paused == said.start_paused


GOOD = Preferences(max_active_downloads=2, save_path="/downloads/complete")


@pytest.mark.parametrize(
    "changes",
    [
        {"max_active_downloads": -2},
        {"max_ratio": -0.5},
        {"max_ratio": float("nan")},
        {"max_ratio": float("inf")},
        {"max_seeding_time": -2},
        {"max_inactive_seeding_time": -3},
        {"max_ratio_act": 1},
        {"save_path": "downloads"},
        {"save_path": ""},
        {"save_path": "/downloads/../etc"},
        {"save_path": "/down\0loads"},
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused_by_name(changes):
    with pytest.raises(BadPreference, match=next(iter(changes))):
        checked(replace(GOOD, **changes))


def test_a_folder_is_kept_in_its_plain_form():
    assert checked(replace(GOOD, save_path=" /downloads//films/ ")).save_path == "/downloads/films"
    assert checked(GOOD) == GOOD


@pytest.mark.parametrize(
    ("most", "queueing", "counted"),
    [(3, True, 3), (0, True, 0), (-1, True, None), (3, False, None)],
)
def test_without_queueing_only_the_hard_disk_sets_a_limit(tmp_path, most, queueing, counted):
    said = replace(GOOD, max_active_downloads=most, queueing=queueing)
    for storage in ("hdd", "ssd"):
        limits = limits_of(said, JobsConfig(download_dir=tmp_path, storage=storage))
        assert limits.max_concurrent == counted
        assert limits.large_ones_alone == (storage == "hdd")


async def test_preferences_hold_at_once_and_after_a_restart(world):
    await world.start(max_concurrent=1)
    assert world.jobs.preferences().max_active_downloads == 1
    await change(world, max_active_downloads=7, start_paused=True, max_ratio=2.5)

    await world.restart()

    found = world.jobs.preferences()
    assert (found.max_active_downloads, found.start_paused, found.max_ratio) == (7, True, 2.5)
    await world.restart(max_concurrent=3)
    assert world.jobs.preferences().max_active_downloads == 3
    assert world.jobs.preferences().start_paused
    await world.restart()
    assert world.jobs.preferences().max_active_downloads == 3


async def test_what_is_refused_changes_nothing(world):
    await world.start()
    before = world.jobs.preferences()
    with pytest.raises(BadPreference):
        await change(world, max_active_downloads=9, max_ratio_act=3)
    blocked = world.folder / "blocked"
    blocked.write_bytes(b"")
    with pytest.raises(BadPreference, match="blocked"):
        await change(world, save_path=str(blocked))
    with pytest.raises(BadPreference, match="unfinished"):
        await change(world, save_path=str(world.folder / "downloads" / "incomplete" / "x"))
    assert world.jobs.preferences() == before


async def test_more_torrents_start_as_soon_as_they_may_and_wait_when_they_may_no_longer(world):
    for film in FILMS:
        world.hold(film)
    stalls = [world.host.stalls_after(0, path=world.served(film), times=None) for film in FILMS]
    await world.start(max_concurrent=1, storage="ssd")
    await change(world, max_active_downloads=0)
    for film in FILMS:
        await world.add(film)
    for film in FILMS:
        await world.reaches(film, State.QUEUED)

    await change(world, queueing=False)
    for film in FILMS:
        await world.reaches(film, State.DOWNLOADING)
    await change(world, queueing=True, max_active_downloads=1)
    await world.reaches(FILMS[1], State.QUEUED)
    await world.reaches(FILMS[2], State.QUEUED)
    assert world.state(FILMS[0]) is State.DOWNLOADING
    for stall in stalls:
        stall.lift()
    for film in FILMS:
        await world.completes(film)


async def test_torrents_are_added_paused_if_nobody_says_otherwise(world):
    world.hold(FILMS[1])
    await world.start()
    await change(world, start_paused=True)

    await world.add(FILMS[0])
    await world.add(FILMS[1], paused=False)

    await world.completes(FILMS[1])
    assert world.state(FILMS[0]) is State.PAUSED


async def test_new_torrents_go_to_the_new_folder_and_the_old_stay_where_they_are(world):
    world.hold(FILMS[0])
    world.hold(FILMS[2])
    await world.start()
    await world.jobs.create_category("tv", "")
    await world.add(FILMS[0], category="tv")
    await world.completes(FILMS[0])
    await world.add(FILMS[1], category="tv", paused=True)
    target = world.folder / "library"

    await change(world, save_path=f"{target}/")
    assert world.jobs.save_path == str(target)
    assert (target / "tv").is_dir()
    await world.restart()
    await world.add(FILMS[2], category="tv")

    await world.completes(FILMS[2])
    assert world.view(FILMS[2]).record.save_path == str(target / "tv")
    for film in FILMS[:2]:
        record = world.view(film).record
        assert (record.save_path, record.auto_managed) == (str(world.complete / "tv"), False)
    assert world.view(FILMS[2]).record.auto_managed


@pytest.mark.parametrize("by_default", [False, True])
async def test_who_adds_a_torrent_says_whether_its_folder_follows_its_category(world, by_default):
    await world.start()
    await change(world, auto_managed=by_default)
    own = str(world.folder / "own")
    await world.add(FILMS[0], category="tv", paused=True)
    await world.add(FILMS[1], category="tv", paused=True, save_path=own)
    await world.add(FILMS[2], category="tv", paused=True, save_path=own, auto_managed=True)

    found = [
        (world.view(film).record.auto_managed, world.view(film).record.save_path) for film in FILMS
    ]

    home = str(world.complete / "tv")
    assert found == [(by_default, home), (False, own), (True, home)]


async def test_a_folder_that_cannot_be_reached_any_more_keeps_nobody_from_starting(world):
    await world.start()
    target = world.folder / "library"
    await change(world, save_path=str(target))
    await world.stop()
    target.rmdir()
    target.write_bytes(b"")

    await world.start()

    assert os.path.isfile(world.jobs.save_path)  # noqa: ASYNC240, PTH113 - a test
