import pytest

API = "/api/v2/torrents/"
A, B, C = "a" * 40, "b" * 40, "c" * 40
UNKNOWN = "0" * 40


@pytest.fixture(autouse=True)
def three(sonarr):
    sonarr.post(API + "add", urls=f"{A}\n{B}\n{C}")


def order(torrents):
    views = sorted(torrents.views(), key=lambda view: view.record.position)
    return "".join(view.record.hash[0] for view in views)


def test_torrents_move_in_the_queue_and_keep_their_order(sonarr, torrents):
    for route, hashes, then in [
        ("topPrio", f"{C}|{B}", "bca"),
        ("bottomPrio", B, "cab"),
        ("increasePrio", B, "cba"),
        ("decreasePrio", C, "bca"),
        ("increasePrio", f"{C}|{B}", "bca"),
        ("decreasePrio", "all", "bca"),
        ("topPrio", f"{UNKNOWN}|nonsense|", "bca"),
    ]:
        answer = sonarr.post(API + route, hashes=hashes)
        assert (answer.status, answer.body, order(torrents)) == (200, b"", then)


@pytest.mark.parametrize("route", ["topPrio", "bottomPrio", "increasePrio", "decreasePrio"])
def test_without_a_queue_nothing_moves_in_it(sonarr, torrents, route):
    sonarr.post("/api/v2/app/setPreferences", json='{"queueing_enabled": false}')
    for hashes in (B, UNKNOWN, "all"):
        answer = sonarr.post(API + route, hashes=hashes)
        assert (answer.status, answer.text) == (409, "Torrent queueing must be enabled")
    assert sonarr.post(API + route).status == 400
    assert order(torrents) == "abc"


def test_a_torrent_is_forced_and_no_longer(sonarr, torrents):
    sonarr.post(API + "setForceStart", hashes=A, value="true")
    assert torrents.view(A).record.forced
    sonarr.post(API + "setForceStart", hashes=A, value="False")
    assert not torrents.view(A).record.forced
    assert sonarr.post(API + "setForceStart", hashes=A).status == 400


class TestAFile:
    @pytest.fixture(autouse=True)
    def known(self, torrents):
        torrents.know(A, {"Show/1.mkv": 600, "Show/2.mkv": 400, "Show/3.nfo": 10})

    @staticmethod
    def priorities(torrents):
        return [file.priority for file in torrents.files(A)]

    def test_gets_a_priority(self, sonarr, torrents):
        for ids, priority, then in [
            ("1", "0", [1, 0, 1]),
            ("0|2", "7", [7, 0, 7]),
            ("2|2", "6", [7, 0, 6]),
            ("1", "1", [7, 1, 6]),
        ]:
            answer = sonarr.post(API + "filePrio", hash=A.upper(), id=ids, priority=priority)
            assert (answer.status, answer.body) == (200, b"")
            assert self.priorities(torrents) == then

    @pytest.mark.parametrize(
        ("form", "status", "why"),
        [
            ({"hash": A, "id": "9", "priority": "1"}, 409, "File ID is not valid"),
            ({"hash": A, "id": "-1", "priority": "1"}, 409, "File ID is not valid"),
            ({"hash": A, "id": "x", "priority": "1"}, 400, "File IDs must be integers"),
            ({"hash": A, "id": "", "priority": "1"}, 400, "File IDs must be integers"),
            ({"hash": A, "id": "0|", "priority": "1"}, 400, "File IDs must be integers"),
            ({"hash": A, "id": "0", "priority": "2"}, 400, "Priority is not valid"),
            ({"hash": A, "id": "0", "priority": "8"}, 400, "Priority is not valid"),
            ({"hash": A, "id": "0", "priority": ""}, 400, "Priority must be an integer"),
            ({"hash": UNKNOWN, "id": "x", "priority": "x"}, 400, "Priority must be an integer"),
            ({"hash": UNKNOWN, "id": "0", "priority": "1"}, 404, "Not Found"),
            ({"hash": "all", "id": "0", "priority": "1"}, 404, "Not Found"),
            (
                {"hash": B, "id": "0", "priority": "1"},
                409,
                "Torrent's metadata has not yet downloaded",
            ),
            ({"hash": A, "priority": "1"}, 400, "Bad Request"),
            ({"hash": A, "id": "0"}, 400, "Bad Request"),
            ({"id": "0", "priority": "1"}, 400, "Bad Request"),
        ],
    )
    def test_that_cannot_get_it_stays_as_it_is(self, sonarr, torrents, form, status, why):
        answer = sonarr.post(API + "filePrio", **form)
        assert (answer.status, answer.text) == (status, why)
        assert self.priorities(torrents) == [1, 1, 1]
