"""What Sonarr and Radarr conclude after a user changed our settings through a client."""

import json

import pytest

from engine.jobs.states import State
from engine.jobs.views import AddRequest
from tests.fakes.sonarr_program import Failure, Grab, Settings, Sonarr
from tests.fakes.sonarr_reading import Status

NOW = 1_700_000_000
HASH = "ab" * 20
MAGNET = f"magnet:?xt=urn:btih:{HASH}&dn=Film.2024"


def change(sonarr, **preferences):
    answer = sonarr.post("/api/v2/app/setPreferences", json=json.dumps(preferences))
    return answer.status


@pytest.fixture
def radarr(sonarr):
    return Sonarr(sonarr, Settings(category="radarr"), now=lambda: NOW)


async def finished(torrents, **options):
    await torrents.add(AddRequest(magnet=MAGNET, category="radarr", **options))
    torrents.finish(HASH, {"Film.mkv": 1000})


@pytest.mark.parametrize(
    ("preferences", "removable"),
    [
        ({"max_ratio_enabled": False}, False),
        ({"max_ratio_enabled": True, "max_ratio": 3}, True),
        ({"max_ratio_enabled": True, "max_ratio": 0}, True),
        ({"max_ratio_enabled": False, "max_seeding_time_enabled": True, "max_seeding_time": 60}, 1),
    ],
)
async def test_limits_for_all_decide_where_a_torrent_has_none(
    sonarr, radarr, torrents, preferences, removable
):
    await finished(torrents)
    assert change(sonarr, **preferences) == 200
    assert radarr.poll()[0].can_be_removed is bool(removable)


async def test_limits_of_a_torrent_hold_whatever_those_for_all_are(sonarr, radarr, torrents):
    await finished(torrents, ratio_limit=2)
    assert change(sonarr, max_ratio_enabled=False) == 200
    assert radarr.poll()[0].can_be_removed


@pytest.mark.parametrize("action", [1, 3])
def test_no_client_can_make_us_remove_torrents_by_ourselves(sonarr, radarr, action):
    """Sonarr would refuse us: with the limit reached at once nothing would ever be imported."""
    change(sonarr, max_ratio_enabled=True, max_ratio=0, max_ratio_act=action)
    assert radarr.test() == []
    assert "removes completed downloads" not in radarr.health()


def test_without_a_queue_first_is_no_priority_and_a_grab_still_works(sonarr):
    assert change(sonarr, queueing_enabled=False) == 200
    radarr = Sonarr(sonarr, Settings(category="radarr", first=True))
    assert radarr.test() == [Failure("RecentTvPriority", "Queueing Not Enabled")]
    assert radarr.grab_magnet(MAGNET) is Grab.GRABBED
    assert radarr.warnings == []
    assert Sonarr(sonarr, Settings(category="radarr")).test() == []


def test_torrents_that_are_added_paused_by_default_start_where_the_program_says_so(sonarr):
    assert change(sonarr, start_paused_enabled=True) == 200
    started = Sonarr(sonarr, Settings(category="tv"))
    assert started.grab_magnet(MAGNET) is Grab.GRABBED
    assert started.poll()[0].status is Status.QUEUED


def test_a_folder_that_a_client_sets_is_the_one_that_health_checks_look_at(sonarr, radarr):
    assert radarr.test() == []
    assert change(sonarr, save_path="/elsewhere") == 200
    assert radarr.root() in {"/elsewhere/radarr", "/elsewhere"}
    assert Sonarr(sonarr, Settings(category="")).root() == "/elsewhere"


async def test_a_finished_torrent_that_a_client_pauses_is_imported_all_the_same(
    sonarr, radarr, torrents
):
    await finished(torrents)
    for path in ("pause", "stop", "resume", "start"):
        assert sonarr.post(f"/api/v2/torrents/{path}", hashes=HASH).status == 200
        (item,) = radarr.poll()
        assert (item.status, item.can_be_removed) == (Status.COMPLETED, True)
    assert torrents.view(HASH).state is State.COMPLETED
