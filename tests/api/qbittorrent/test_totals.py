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


def test_no_peer_is_there_to_be_banned(sonarr):
    answer = sonarr.post("/api/v2/transfer/banPeers", peers="192.0.2.1:80|nonsense")
    assert (answer.status, answer.text) == (200, "")
    assert sonarr.post("/api/v2/transfer/banPeers").status == 400
    assert sonarr.get("/api/v2/transfer/banPeers", peers="192.0.2.1:80").status == 405
