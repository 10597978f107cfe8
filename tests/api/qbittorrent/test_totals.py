import pytest

A, B = "a" * 40, "b" * 40


@pytest.fixture(autouse=True)
def two(sonarr, torrents):
    sonarr.post(
        "/api/v2/torrents/add",
        urls="\n".join(f"magnet:?xt=urn:btih:{one}&tr=http://t.example/x" for one in (A, B)),
        category="tv",
        tags="x",
    )
    torrents.finish(A, {"film.mkv": 1000})


def test_transfer_info_shows_speeds_as_whole_numbers(sonarr):
    shown = sonarr.get("/api/v2/transfer/info").json
    assert shown == {
        "connection_status": "connected",
        "dht_nodes": 0,
        "dl_info_data": 1000,
        "dl_info_speed": 0,
        "dl_rate_limit": 0,
        "up_info_data": 0,
        "up_info_speed": 0,
        "up_rate_limit": 0,
    }
    assert all(type(value) is not float for value in shown.values())


def test_maindata_is_always_the_whole_picture_under_the_next_number(sonarr):
    for asked, given in [("0", 1), ("1", 2), ("", 1), ("-5", 1), ("1000000", 1)]:
        shown = sonarr.get("/api/v2/sync/maindata", rid=asked).json
        assert (shown["rid"], shown["full_update"]) == (given, True)
        assert list(shown["torrents"]) == [A, B]


def test_maindata_holds_what_the_other_routes_hold(sonarr):
    shown = sonarr.get("/api/v2/sync/maindata").json
    assert list(shown["torrents"].values()) == sonarr.get("/api/v2/torrents/info").json
    assert shown["categories"] == sonarr.get("/api/v2/torrents/categories").json
    assert shown["tags"] == ["x"]
    assert shown["trackers"] == {"http://t.example": [A, B]}
    info = sonarr.get("/api/v2/transfer/info").json
    assert info.items() <= shown["server_state"].items()
    assert shown["server_state"]["free_space_on_disk"] == 10**12
