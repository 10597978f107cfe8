"""Speed limits as clients set and read them: as qBittorrent 4.5.2 does, but to the byte."""

import json

import pytest

from engine.jobs.speed import SpeedLimits

API = "/api/v2/"
A, B, UNKNOWN = "a" * 40, "b" * 40, "c" * 40

NUMBERS = [
    ("5", 5),
    ("1500", 1500),
    (" 700", 700),
    ("+9", 9),
    ("2147483647", 2**31 - 1),
    ("0", 0),
    ("", 0),
    ("abc", 0),
    ("-5", 0),
    ("1.5", 0),
    ("1e3", 0),
    ("5K", 0),
    ("0x10", 0),
    ("9" * 400, 0),
    ("2147483648", 0),
]
"""What is sent, and what it means: a number that makes no sense lifts the limit."""


@pytest.fixture(autouse=True)
def two(sonarr):
    sonarr.post(API + "torrents/add", urls=f"{A}\n{B}")


def shown(sonarr, infohash=A):
    (listed,) = sonarr.get(API + "torrents/info", hashes=infohash).json
    properties = sonarr.get(API + "torrents/properties", hash=infohash).json
    return tuple(one[name] for one in (listed, properties) for name in ("dl_limit", "up_limit"))


def everywhere(sonarr):
    """The global limits, as each route shows them."""
    preferences = sonarr.get(API + "app/preferences").json
    state = sonarr.get(API + "sync/maindata").json["server_state"]
    transfer = sonarr.get(API + "transfer/info").json
    now = {(one["dl_rate_limit"], one["up_rate_limit"]) for one in (transfer, state)} | {
        tuple(int(sonarr.get(f"{API}transfer/{one}Limit").text) for one in ("download", "upload"))
    }
    (in_force,) = now  # all say the same
    mode = sonarr.get(API + "transfer/speedLimitsMode").text
    assert state["use_alt_speed_limits"] is (mode == "1")
    names = ("dl_limit", "up_limit", "alt_dl_limit", "alt_up_limit")
    return (*in_force, mode, *(preferences[name] for name in names))


# Torrents


@pytest.mark.parametrize(("text", "limit"), NUMBERS)
def test_a_torrent_is_limited_and_says_so(sonarr, text, limit):
    sonarr.post(API + "torrents/setDownloadLimit", hashes=A, limit="1000")
    answer = sonarr.post(API + "torrents/setDownloadLimit", hashes=A, limit=text)

    assert (answer.status, answer.body) == (200, b"")
    assert sonarr.post(API + "torrents/downloadLimit", hashes=A).json == {A: limit}
    assert shown(sonarr) == (limit, 0, limit or -1, -1)


def test_a_torrent_without_limits_says_so_in_two_ways(sonarr):
    assert shown(sonarr) == (0, 0, -1, -1)


def test_an_upload_limit_is_kept_for_who_reads_it_back(sonarr):
    assert sonarr.post(API + "torrents/setUploadLimit", hashes=f"{A}|{B}", limit="7").body == b""
    assert sonarr.get(API + "torrents/uploadLimit", hashes=f"{A}|{B}").json == {A: 7, B: 7}
    assert shown(sonarr) == (0, 7, -1, 7)


def test_several_torrents_are_limited_at_once_and_unknown_ones_passed_over(sonarr):
    sonarr.post(API + "torrents/setDownloadLimit", hashes=f"{A}|{UNKNOWN}|{B}", limit="77")
    assert (shown(sonarr, A)[0], shown(sonarr, B)[0]) == (77, 77)
    sonarr.post(API + "torrents/setDownloadLimit", hashes="all", limit="88")
    assert (shown(sonarr, A)[0], shown(sonarr, B)[0]) == (88, 88)
    for nobody in ("", UNKNOWN, "nonsense"):
        answer = sonarr.post(API + "torrents/setDownloadLimit", hashes=nobody, limit="99")
        assert (answer.status, answer.body) == (200, b"")
    assert (shown(sonarr, A)[0], shown(sonarr, B)[0]) == (88, 88)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (f"{B}|{A}|{B}", {A: 5, B: 0}),
        (A.upper(), {A.upper(): 5}),
        (f"{A}|{UNKNOWN}", {A: 5, UNKNOWN: -1}),
        (f"{A}||{B}|", {"": -1, A: 5, B: 0}),
        ("", {"": -1}),
        ("all", {"all": -1}),
        ("xyz", {"xyz": -1}),
    ],
)
def test_limits_are_told_for_each_hash_that_was_asked_for(sonarr, asked, told):
    sonarr.post(API + "torrents/setDownloadLimit", hashes=A, limit="5")
    for answer in (
        sonarr.get(API + "torrents/downloadLimit", hashes=asked),
        sonarr.post(API + "torrents/downloadLimit", hashes=asked),
    ):
        assert answer.headers["content-type"] == "application/json"
        assert list(answer.json.items()) == list(told.items())


@pytest.mark.parametrize(
    ("route", "form"),
    [
        ("torrents/downloadLimit", {}),
        ("torrents/uploadLimit", {}),
        ("torrents/setDownloadLimit", {"limit": "5"}),
        ("torrents/setDownloadLimit", {"hashes": A}),
        ("torrents/setUploadLimit", {"hashes": "all"}),
        ("transfer/setDownloadLimit", {}),
        ("transfer/setUploadLimit", {}),
        ("transfer/setSpeedLimitsMode", {}),
        ("transfer/setSpeedLimitsMode", {"mode": ""}),
        ("transfer/setSpeedLimitsMode", {"mode": "abc"}),
        ("app/setPreferences", {}),
    ],
)
def test_what_is_missing_is_asked_for_and_nothing_changes(sonarr, torrents, route, form):
    before = (torrents.views(), torrents.speed_limits())
    answer = sonarr.post(API + route, **form)

    assert answer.status == 400
    assert answer.headers["content-type"] == "text/plain; charset=UTF-8"
    assert (torrents.views(), torrents.speed_limits()) == before


@pytest.mark.parametrize(
    "route",
    [
        "torrents/setDownloadLimit",
        "torrents/setUploadLimit",
        "transfer/setDownloadLimit",
        "transfer/setUploadLimit",
        "transfer/toggleSpeedLimitsMode",
        "transfer/setSpeedLimitsMode",
        "app/setPreferences",
    ],
)
def test_nothing_is_set_by_get(sonarr, route):
    answer = sonarr.get(API + route, hashes="all", limit="5", mode="1", json="{}")
    assert (answer.status, answer.text) == (405, "Method Not Allowed")


def test_a_torrent_is_added_with_its_limits(sonarr):
    other = "d" * 40
    sonarr.post(API + "torrents/add", urls=other, dlLimit="1000", upLimit="2000")
    assert shown(sonarr, other) == (1000, 2000, 1000, 2000)
    sonarr.post(API + "torrents/add", urls="e" * 40, dlLimit="-7", upLimit="nonsense")
    assert shown(sonarr, "e" * 40) == (0, 0, -1, -1)


def test_torrents_can_be_sorted_by_their_limit(sonarr):
    sonarr.post(API + "torrents/setDownloadLimit", hashes=A, limit="5")
    listed = sonarr.get(API + "torrents/info", sort="dl_limit").json
    assert [one["hash"] for one in listed] == [B, A]


# All torrents together


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_without_limits_all_say_nought(sonarr, method):
    for route in ("downloadLimit", "uploadLimit", "speedLimitsMode"):
        answer = sonarr.send(method, f"{API}transfer/{route}")
        assert (answer.status, answer.body) == (200, b"0")
        assert answer.headers["content-type"] == "text/plain; charset=UTF-8"


@pytest.mark.parametrize(("text", "limit"), NUMBERS)
def test_the_global_limit_is_set_and_shown_everywhere(sonarr, text, limit):
    sonarr.post(API + "transfer/setDownloadLimit", limit="20000")
    answer = sonarr.post(API + "transfer/setDownloadLimit", limit=text)

    assert (answer.status, answer.body) == (200, b"")
    limit = max(1024, limit) if limit else 0  # less than a KiB is a KiB
    assert everywhere(sonarr) == (limit, 0, "0", limit, 0, 0, 0)


def test_a_limit_is_kept_to_the_byte(sonarr):
    sonarr.post(API + "transfer/setDownloadLimit", limit="123456789")
    sonarr.post(API + "transfer/setUploadLimit", limit="4097")
    assert everywhere(sonarr) == (123456789, 4097, "0", 123456789, 4097, 0, 0)


def test_the_alternative_limits_are_those_that_are_set_while_they_hold(sonarr):
    sonarr.post(API + "transfer/setDownloadLimit", limit="9000")
    assert sonarr.post(API + "transfer/toggleSpeedLimitsMode").body == b""
    assert everywhere(sonarr) == (0, 0, "1", 9000, 0, 0, 0)
    sonarr.post(API + "transfer/setDownloadLimit", limit="2000")
    sonarr.post(API + "transfer/setUploadLimit", limit="3000")
    assert everywhere(sonarr) == (2000, 3000, "1", 9000, 0, 2000, 3000)
    sonarr.post(API + "transfer/toggleSpeedLimitsMode", anything="1")
    assert everywhere(sonarr) == (9000, 0, "0", 9000, 0, 2000, 3000)


def test_the_mode_is_set_by_number(sonarr):
    for mode, holds in [("1", "1"), ("1", "1"), ("0", "0"), ("7", "1"), ("-1", "1")]:
        assert sonarr.post(API + "transfer/setSpeedLimitsMode", mode=mode).body == b""
        assert sonarr.get(API + "transfer/speedLimitsMode").text == holds


@pytest.mark.parametrize(
    ("value", "limit"),
    [
        (1234567, 1234567),
        ("5000", 5000),
        (2000000.7, 2000000),
        (10, 1024),
        (True, 1024),
        (-1, 0),
        (None, 0),
        ("nonsense", 0),
        ([], 0),
        pytest.param(10**400, 0, id="huge"),
        (1e300, 0),
        (10**12, 0),
    ],
)
def test_limits_are_preferences_too(sonarr, value, limit):
    sonarr.post(API + "app/setPreferences", json=json.dumps({"alt_dl_limit": 4000}))
    answer = sonarr.post(API + "app/setPreferences", json=json.dumps({"dl_limit": value}))
    assert (answer.status, answer.body) == (200, b"")
    assert everywhere(sonarr) == (limit, 0, "0", limit, 0, 4000, 0)


@pytest.mark.parametrize("sent", ["", "nonsense", "[]", "1", "[" * 100_000, '{"dht": false}', "{}"])
def test_other_preferences_and_what_is_no_object_change_nothing(sonarr, torrents, sent):
    before = torrents.speed_limits()
    assert sonarr.post(API + "app/setPreferences", json=sent).status == 200
    assert torrents.speed_limits() == before
    assert sonarr.get(API + "app/preferences").json["dht"] is True


def test_all_four_limits_are_set_at_once(sonarr, torrents):
    limits = {"dl_limit": 4096, "up_limit": 2048, "alt_dl_limit": 8192, "alt_up_limit": 1024}
    sonarr.post(API + "app/setPreferences", json=json.dumps(limits))
    assert torrents.speed_limits() == SpeedLimits(
        download=4096, upload=2048, alternative_download=8192, alternative_upload=1024
    )


@pytest.mark.parametrize(
    ("route", "form"),
    [
        ("transfer/setDownloadLimit", {"limit": "5000"}),
        ("transfer/toggleSpeedLimitsMode", {}),
        ("torrents/setDownloadLimit", {"hashes": "all", "limit": "5"}),
        ("app/setPreferences", {"json": '{"dl_limit": 5000}'}),
    ],
)
def test_a_limit_that_cannot_be_stored_is_refused(sonarr, torrents, route, form):
    torrents.take_no_changes("there is no room in /config")
    assert sonarr.post(API + route, **form).status == 500
    assert torrents.speed_limits() == SpeedLimits()


def test_types_are_those_of_clients_that_take_no_others(sonarr):
    sonarr.post(API + "transfer/setDownloadLimit", limit="5000")
    state = sonarr.get(API + "sync/maindata").json["server_state"]
    assert type(state["dl_rate_limit"]) is int
    assert type(state["use_alt_speed_limits"]) is bool
