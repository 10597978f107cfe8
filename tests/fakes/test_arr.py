"""The fake does what is written down of the real programs."""

import http.client
import json

import pytest

from tests.fakes.arr import KEY, REFRESH, FakeArr

A, B = "ab" * 20, "cd" * 20
GIVE_UP = "?removeFromClient=true&blocklist=true&skipRedownload=false"


@pytest.fixture
def arr():
    with FakeArr() as fake:
        yield fake


def ask(arr, method, path, body=None, *, key=KEY, prefix="/api/v3"):
    connection = http.client.HTTPConnection("127.0.0.1", arr._port, timeout=5)
    try:
        content = None if body is None else json.dumps(body)
        connection.request(method, prefix + path, content, {"X-Api-Key": key})
        response = connection.getresponse()
        text = response.read()
        is_json = "json" in response.headers["Content-Type"]
        return response.status, json.loads(text) if is_json and text else text
    finally:
        connection.close()


def queue(arr, **query):
    text = "&".join(f"{name}={value}" for name, value in query.items())
    return ask(arr, "GET", f"/queue?{text}")[1]


def test_nothing_is_told_without_the_key(arr):
    assert ask(arr, "GET", "/queue", key="other")[0] == 401


def test_a_season_pack_has_a_record_for_each_episode(arr):
    arr.grab(A, episodes=10)
    arr.grab(B)
    page = queue(arr, page=1, pageSize=100)

    assert [one["downloadId"] for one in page["records"]] == [A.upper()] * 10 + [B.upper()]
    assert len({one["id"] for one in page["records"]}) == 11


def test_a_page_beyond_the_last_shows_the_last_again(arr):
    arr.grab(A, episodes=10)
    pages = [queue(arr, page=page, pageSize=4)["records"] for page in (1, 2, 3, 4)]

    assert [len(page) for page in pages] == [4, 4, 2, 2]
    assert pages[2] == pages[3]


def test_what_belongs_to_no_series_is_shown_on_request(arr):
    arr.finds(A)

    assert queue(arr)["totalRecords"] == 0
    assert queue(arr, includeUnknownMovieItems="true")["totalRecords"] == 0
    assert queue(arr, includeUnknownSeriesItems="true")["totalRecords"] == 1


def test_giving_one_record_up_deletes_first_and_then_blocklists_and_searches_once(arr):
    deleted = []
    arr.on_delete = lambda infohash: deleted.append((infohash, list(arr.blocklist)))
    arr.grab(A, episodes=10)
    third = queue(arr, pageSize=100)["records"][2]["id"]

    assert ask(arr, "DELETE", f"/queue/{third}{GIVE_UP}")[0] == 200
    assert deleted == [(A, [])]
    assert arr.queue() == []
    assert arr.blocklist == ["A.Show.S01"]
    assert arr.searches == [list(range(10))]
    assert ask(arr, "DELETE", f"/queue/{third}{GIVE_UP}")[0] == 404


def test_a_torrent_that_cannot_be_deleted_is_not_blocklisted(arr):
    arr.delete_fails = True
    arr.grab(A)
    first = queue(arr)["records"][0]["id"]

    assert ask(arr, "DELETE", f"/queue/{first}{GIVE_UP}")[0] == 500
    assert (arr.blocklist, len(arr.queue())) == ([], 1)


def test_by_default_a_removal_blocklists_nothing(arr):
    arr.grab(A)
    ask(arr, "DELETE", f"/queue/{queue(arr)['records'][0]['id']}")

    assert (arr.queue(), arr.blocklist, arr.searches) == ([], [], [])


def test_what_was_never_grabbed_is_neither_blocklisted_nor_searched(arr):
    arr.finds(A)
    record = queue(arr, includeUnknownSeriesItems="true")["records"][0]
    ask(arr, "DELETE", f"/queue/{record['id']}{GIVE_UP}")

    assert (arr.queue(), arr.blocklist, arr.searches) == ([], [], [])


def test_the_history_tells_of_a_download_newest_first(arr):
    arr.grab(A)
    arr.grab(B)
    arr.notes("downloadFolderImported", A)
    found = ask(arr, "GET", f"/history?pageSize=10&downloadId={A.upper()}")[1]["records"]

    assert [one["eventType"] for one in found] == ["downloadFolderImported", "grabbed"]


def test_a_grab_can_be_marked_as_failed(arr):
    arr.grab(A)

    assert ask(arr, "POST", "/history/failed/1")[0] == 200
    assert (arr.blocklist, len(arr.searches)) == (["A.Show.S01"], 1)
    assert ask(arr, "POST", "/history/failed/99")[0] == 404


def test_commands_are_taken(arr):
    assert ask(arr, "POST", "/command", {"name": REFRESH})[0] == 201
    assert arr.commands() == [REFRESH]


def test_what_goes_wrong_is_set_by_the_test(arr):
    arr.statuses = [503]
    assert ask(arr, "GET", "/queue")[0] == 503
    assert ask(arr, "GET", "/queue")[0] == 200
    arr.down = True
    with pytest.raises(http.client.RemoteDisconnected):
        ask(arr, "GET", "/queue")


def test_without_the_url_base_it_sends_elsewhere():
    with FakeArr(url_base="/sonarr") as arr:
        assert ask(arr, "GET", "/queue")[0] == 307
        assert ask(arr, "GET", "/queue", prefix="/sonarr/api/v3")[0] == 200
        assert ask(arr, "GET", "/queue", prefix="/sonarr")[0] == 404
