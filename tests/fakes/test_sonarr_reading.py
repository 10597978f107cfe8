"""The model of Sonarr's reading, against what is known of the program."""

import pytest

from tests.fakes.sonarr_reading import (
    Misread,
    Preferences,
    Status,
    Torrent,
    item,
    reached_limit,
    removes_completed,
    version,
)

NOW = 1_700_000_000
NEW, OLD = (2, 8, 19), (2, 6, 0)
DONE = Torrent(
    hash="ab" * 20, state="pausedUP", save_path="/dl", content_path="/dl/a", ratio=1, ratio_limit=1
)


def read(api=NEW, preferences=None, *, removes=True, **fields):
    torrent = Torrent(**{name: getattr(DONE, name) for name in DONE.__struct_fields__} | fields)
    return item(
        torrent,
        preferences or Preferences(dht=True),
        api,
        NOW,
        seeding_time=lambda: 0,
        removes=removes,
    )


@pytest.mark.parametrize("state", ["completed", "Downloading", "allocating", "unknown", ""])
def test_a_state_that_is_not_known_counts_as_downloading(state):
    one = read(state=state)
    assert (one.status, one.message) == (Status.DOWNLOADING, f"Unknown download state: {state}")


def test_metadata_is_waited_for_only_with_dht():
    assert read(state="metaDL").status is Status.QUEUED
    assert read(state="metaDL", preferences=Preferences()).status is Status.WARNING


@pytest.mark.parametrize(
    ("fields", "status", "path"),
    [
        ({}, Status.COMPLETED, "/dl/a"),
        ({"content_path": "/dl"}, Status.WARNING, ""),
        ({"save_path": "/dl/", "content_path": "/dl"}, Status.COMPLETED, "/dl"),
        ({"content_path": ""}, Status.COMPLETED, ""),
        ({"content_path": "C:\\dl"}, Status.WARNING, "C:\\dl"),
        ({"api": OLD, "content_path": "/dl"}, Status.COMPLETED, ""),
    ],
)
def test_the_path_is_taken_as_it_is_said(fields, status, path):
    one = read(**fields)
    assert (one.status, one.output_path) == (status, path)


@pytest.mark.parametrize(
    ("fields", "preferences", "reached"),
    [
        ({"ratio_limit": 1, "ratio": 0.9995}, {}, True),
        ({"ratio_limit": 1, "ratio": 0.99}, {}, False),
        ({"ratio_limit": -1, "ratio": 9}, {"max_ratio_enabled": True}, False),
        ({"ratio_limit": -2}, {"max_ratio_enabled": True, "max_ratio": 1.0}, True),
        ({"ratio_limit": -2}, {"max_ratio_enabled": False, "max_ratio": 1.0}, False),
        ({"ratio_limit": -1, "seeding_time_limit": 2, "seeding_time": 120}, {}, True),
        ({"ratio_limit": -1, "seeding_time_limit": 2, "seeding_time": 119}, {}, False),
        ({"ratio_limit": -1, "seeding_time_limit": 2}, {}, False),
        (
            {"ratio_limit": -1, "seeding_time": 60},
            {"max_seeding_time_enabled": True, "max_seeding_time": 1},
            True,
        ),
        (
            {"ratio_limit": -1, "inactive_seeding_time_limit": 1, "last_activity": NOW - 61},
            {},
            True,
        ),
        ({"ratio_limit": -1, "inactive_seeding_time_limit": 1, "last_activity": NOW}, {}, False),
    ],
)
def test_one_limit_is_enough(fields, preferences, reached):
    one = Torrent(hash="", ratio=fields.pop("ratio", 1), **fields)
    assert reached_limit(one, Preferences(**preferences), NOW, seeding_time=lambda: 0) is reached


def test_only_what_rests_may_be_removed():
    assert read().can_be_removed
    assert read(state="stoppedUP").can_be_removed
    assert not read(state="uploading").can_be_removed
    assert not read(removes=False).can_be_removed


@pytest.mark.parametrize(("eta", "left"), [(5, 5), (-1, None), (8_640_000, None), (10**9, None)])
def test_times_that_say_nothing_are_none(eta, left):
    assert read(state="downloading", eta=eta).seconds_left == left
    assert read(eta=eta).seconds_left == 0


@pytest.mark.parametrize("text", ["v2.8.3", '"2.8.3"', "2", "", "2.8.3.4.5", "2.8beta"])
def test_a_version_is_numbers_between_dots(text):
    with pytest.raises(Misread):
        version(text)
    assert version("2.8.19") == (2, 8, 19)


def test_a_client_that_removes_by_itself_is_refused():
    assert not removes_completed(Preferences(max_ratio_enabled=True))
    assert removes_completed(Preferences(max_ratio_enabled=True, max_ratio_act=1))
    seeds = Preferences(max_seeding_time_enabled=True, max_seeding_time=60, max_ratio_act=3)
    assert removes_completed(seeds)
