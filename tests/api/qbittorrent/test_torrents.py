import pytest

API = "/api/v2/torrents/"
A, B = "a" * 40, "b" * 40


@pytest.fixture(autouse=True)
def two(sonarr, torrents):
    torrents.now -= 100
    sonarr.post(API + "add", urls=f"magnet:?xt=urn:btih:{A}&dn=Show&tr=http://t.example/x\n{B}")
    torrents.finish(A, {"Show/1.mkv": 600, "Show/2.mkv": 400})


def test_a_finished_torrent_is_shown_with_every_field_sonarr_reads(sonarr):
    shown, _ = sonarr.get(API + "info").json
    wanted = {
        "hash": A,
        "name": "Show",
        "size": 1000,
        "progress": 1.0,
        "eta": 8640000,
        "state": "pausedUP",
        "category": "",
        "save_path": "/downloads/complete",
        "content_path": "/downloads/complete/Show",
        "ratio": 1.0,
        "ratio_limit": -2.0,
        "seeding_time_limit": -2,
        "inactive_seeding_time_limit": -2,
        "last_activity": 0,
    }
    assert wanted.items() <= shown.items()


@pytest.mark.parametrize(
    "query",
    [
        {"hashes": A},
        {"hashes": A.upper()},
        {"filter": "completed"},
        {"limit": "1"},
        {"sort": "size", "limit": "1", "reverse": "true"},
        {"offset": "-2", "limit": "1"},
    ],
)
def test_the_list_can_be_narrowed(sonarr, query):
    assert [one["hash"] for one in sonarr.get(API + "info", **query).json] == [A]


def test_reads_are_answered_to_post_too(sonarr):
    assert [one["hash"] for one in sonarr.post(API + "info", hashes=B).json] == [B]
    assert sonarr.post(API + "files", hash=A).status == 200


def test_files_can_be_asked_for_by_number(sonarr):
    names = [one["name"] for one in sonarr.get(API + "files", hash=A).json]
    assert names == ["Show/1.mkv", "Show/2.mkv"]
    (second,) = sonarr.get(API + "files", hash=A.upper(), indexes="1").json
    assert (second["index"], second["name"]) == (1, "Show/2.mkv")
    assert sonarr.get(API + "files", hash=B).json == []


@pytest.mark.parametrize(
    ("indexes", "why"),
    [
        ("1|7", "Index 7 is out of bounds."),
        ("-1", "Index -1 is out of bounds."),
        ("x", '"x" is not a valid file index.'),
        ("", '"" is not a valid file index.'),
    ],
)
def test_a_file_that_is_not_there_is_409(sonarr, indexes, why):
    answer = sonarr.get(API + "files", hash=A, indexes=indexes)
    assert (answer.status, answer.text) == (409, why)


def test_properties_are_shown(sonarr):
    shown = sonarr.get(API + "properties", hash=A).json
    assert (shown["save_path"], shown["seeding_time"]) == ("/downloads/complete", 100)


@pytest.mark.parametrize(
    "route",
    [
        "properties", "trackers", "webseeds", "files", "pieceHashes", "pieceStates", "export",
    ],
)  # fmt: skip
def test_a_torrent_that_is_not_there_is_404_and_none_named_is_400(sonarr, route):
    answer = sonarr.get(API + route, hash="0" * 40)
    assert (answer.status, answer.text) == (404, "Not Found")
    answer = sonarr.get(API + route)
    assert (answer.status, answer.text) == (400, "Bad Request")


def test_the_reason_of_a_failure_is_shown(sonarr, torrents):
    torrents.fail(B, "AllDebrid refused it: file not found.")
    assert sonarr.get(API + "properties", hash=B).json["comment"] == (
        "AllDebrid refused it: file not found."
    )
    assert sonarr.get(API + "trackers", hash=B).json[0]["msg"] == (
        "AllDebrid refused it: file missing."
    )
    assert sonarr.get(API + "info", hashes=B).json[0]["state"] == "error"
