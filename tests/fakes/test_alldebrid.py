"""The fake by itself: each mood does what its name says, and ends when it should."""

import json
import threading
import urllib.error
import urllib.parse
import urllib.request

import pytest

from tests.fakes.alldebrid import KEY, FakeAllDebrid, after

HASH = "a1" * 20
OTHER = "b2" * 20


@pytest.fixture
def fake():
    with FakeAllDebrid() as fake:
        yield fake


def ask(fake, endpoint, form=(), *, key=KEY, version="v4", get=False, timeout=10):
    """One request by somebody who is not our client: HTTP status, headers and JSON."""
    data = None if get else urllib.parse.urlencode(list(form)).encode()
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    request = urllib.request.Request(f"{fake.url}/{version}/{endpoint}", data, headers)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            return response.status, response.headers, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read().decode()


def data(fake, endpoint, form=(), **options):
    answer = json.loads(ask(fake, endpoint, form, **options)[2])
    return answer["data"] if answer["status"] == "success" else answer["error"]["code"]


def upload(fake, infohash=HASH):
    return data(fake, "magnet/upload", [("magnets[]", infohash)])["magnets"][0]


def status(fake, magnet_id):
    found = data(fake, "magnet/status", [("id", magnet_id)], version="v4.1")
    return found if isinstance(found, str) else found["magnets"][0]


def listed(fake, magnet_id):
    return data(fake, "magnet/files", [("id[]", magnet_id)])["magnets"][0]["files"]


def code(fake):
    return data(fake, "user", get=True)


def works(fake):
    return "user" in code(fake)


def test_requests_are_written_down_without_the_key(fake):
    ask(fake, "user", get=True)
    ask(fake, "magnet/files", [("id[]", "1"), ("id[]", "2")], key="wrong")
    ask(fake, "ping", key="", get=True)
    first, second, third = fake.requests
    assert (first.endpoint, first.version, first.method, first.key) == ("user", "v4", "GET", "ok")
    assert (second.form, second.key) == ({"id[]": ["1", "2"]}, "bad")
    assert third.key == "none"
    assert fake.count("ping") == 1
    assert KEY not in repr(fake.requests) + repr(fake)


def test_it_takes_only_its_key(fake):
    assert code(fake) != "AUTH_BAD_APIKEY"
    assert data(fake, "user", get=True, key="wrong") == "AUTH_BAD_APIKEY"
    assert data(fake, "user", get=True, key="") == "AUTH_MISSING_APIKEY"


def test_a_held_torrent_is_ready_at_once(fake):
    fake.hold(HASH.upper(), "A", {"D/a.mkv": b"123", "D/b": 5})
    added = upload(fake)
    assert (added["ready"], added["size"], added["name"]) == (True, 8, "A")
    assert added["id"] == fake.magnet_id(HASH)
    assert listed(fake, added["id"])[0]["n"] == "D"


def test_a_torrent_nobody_holds_has_failed(fake):
    assert status(fake, upload(fake)["id"])["statusCode"] == 15


def test_a_held_torrent_becomes_ready_when_told(fake):
    fake.hold(HASH, "A", {"a": 100}, ready=False)
    magnet_id = upload(fake)["id"]
    assert status(fake, magnet_id)["statusCode"] == 0
    fake.progresses(HASH, 0.5, speed=7, seeders=2)
    shown = status(fake, magnet_id)
    assert [shown[name] for name in ("statusCode", "downloaded", "downloadSpeed", "seeders")] == [
        1,
        50,
        7,
        2,
    ]
    fake.becomes_ready(HASH)
    assert status(fake, magnet_id)["statusCode"] == 4


def test_a_held_torrent_becomes_ready_after_some_questions(fake):
    fake.hold(HASH, "A", {"a": 100}, ready=after(polls=2))
    magnet_id = upload(fake)["id"]
    assert [status(fake, magnet_id)["statusCode"] for _ in range(4)] == [1, 1, 4, 4]


def test_a_held_torrent_becomes_ready_after_some_time(fake):
    fake.hold(HASH, "A", {"a": 100}, ready=after(seconds=1000))
    magnet_id = upload(fake)["id"]
    assert status(fake, magnet_id)["statusCode"] == 0
    fake.time_passes(500)
    assert status(fake, magnet_id)["statusCode"] == 1
    fake.time_passes(500)
    assert status(fake, magnet_id)["statusCode"] == 4


def test_a_torrent_fails_and_can_be_restarted(fake):
    fake.hold(HASH, "A", {"a": 100})
    fake.fails_torrent(HASH, 7, "words")
    magnet_id = upload(fake)["id"]
    shown = status(fake, magnet_id)
    assert (shown["statusCode"], shown["status"]) == (7, "words")
    data(fake, "magnet/restart", [("id", magnet_id)])
    assert status(fake, magnet_id)["statusCode"] == 4


def test_a_torrent_is_lost_and_its_content_is_not(fake):
    held = fake.hold(HASH, "A", {"a": 100})
    magnet_id = upload(fake)["id"]
    fake.loses_torrent(HASH)
    assert status(fake, magnet_id) == "MAGNET_INVALID_ID"
    assert data(fake, "link/unlock", [("link", held.link(0))])["filesize"] == 100
    fake.loses_content(HASH)
    assert data(fake, "link/unlock", [("link", held.link(0))]) == "LINK_DOWN"


def test_so_many_are_active_at_most():
    with FakeAllDebrid(max_active=1) as fake:
        fake.hold(HASH, "A", {"a": 1}, ready=False)
        upload(fake)
        assert upload(fake, OTHER)["error"]["code"] == "MAGNET_TOO_MANY_ACTIVE"


def test_links_lead_to_the_fake_itself_until_they_expire(fake):
    held = fake.hold(HASH, "A", {"D/a b": b"12345", "D/c": b"6"})
    first = data(fake, "link/unlock", [("link", held.link(0))])["link"]
    other = data(fake, "link/unlock", [("link", held.link(1))])["link"]
    with urllib.request.urlopen(first, timeout=10) as response:
        assert response.read() == b"12345"
    fake.expires_link("D/a b")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(first, timeout=10)
    caught.value.close()
    second = data(fake, "link/unlock", [("link", held.link(0))])["link"]
    assert second != first
    for link, content in ((second, b"12345"), (other, b"6")):
        with urllib.request.urlopen(link, timeout=10) as response:
            assert response.read() == content


def test_links_lead_to_the_file_host_of_the_test(fake):
    held = fake.hold(HASH, "A", {"D/a": 5}, file_host=lambda path: f"http://host/{path}")
    assert data(fake, "link/unlock", [("link", held.link(0))])["link"] == "http://host/D/a"


def test_links_are_delayed_capped_and_empty(fake):
    held = fake.hold(HASH, "A", {"a": 5})
    fake.caps_connections(3)
    assert data(fake, "link/unlock", [("link", held.link(0))])["max_chunks"] == 3
    fake.gives_empty_links()
    assert data(fake, "link/unlock", [("link", held.link(0))])["link"] == ""
    fake.delays_links(polls=1)
    delayed = data(fake, "link/unlock", [("link", held.link(0))])
    assert "link" not in delayed
    states = [data(fake, "link/delayed", [("id", delayed["delayed"])]) for _ in range(2)]
    assert [state["status"] for state in states] == [1, 2]
    assert states[1]["link"].startswith(fake.url)
    fake.delays_links(polls=0, fails=True)
    delayed = data(fake, "link/unlock", [("link", held.link(0))])
    assert data(fake, "link/delayed", [("id", delayed["delayed"])])["status"] == 3
    assert data(fake, "link/delayed", [("id", 1)]) == "DELAYED_INVALID_ID"


def test_an_error_is_answered_so_many_times(fake):
    mood = fake.answers_error("user", "GENERIC", times=2, status=401)
    assert ask(fake, "user", get=True)[0] == 401
    assert code(fake) == "GENERIC"
    assert mood.used == 2
    assert works(fake)


def test_an_error_is_answered_for_one_endpoint_until_the_block_ends(fake):
    with fake.answers_error("user", "GENERIC", times=None):
        assert [code(fake) for _ in range(3)] == ["GENERIC"] * 3
        assert data(fake, "ping", get=True) == {"ping": "pong"}
    assert works(fake)


def test_errors_stand_in_the_items_where_alldebrid_puts_them(fake):
    fake.answers_error("magnet/upload", "X")
    assert upload(fake)["error"]["code"] == "X"
    fake.answers_error("magnet/files", "X")
    found = data(fake, "magnet/files", [("id[]", "1"), ("id[]", "2")])["magnets"]
    assert [(item["id"], item["error"]["code"]) for item in found] == [("1", "X"), ("2", "X")]
    fake.answers_error("magnet/upload", "X", in_item=False)
    assert data(fake, "magnet/upload", [("magnets[]", HASH)]) == "X"


def test_rate_limits_are_html_with_a_time(fake):
    fake.rate_limits(retry_after=3, status=503)
    http_status, headers, body = ask(fake, "user", get=True)
    assert (http_status, headers["Retry-After"]) == (503, "3")
    assert "<html>" in body
    fake.rate_limits()
    assert ask(fake, "user", get=True)[0] == 429
    assert works(fake)


def test_html_and_raw_bodies(fake):
    fake.serves_html()
    assert ask(fake, "user", get=True)[2].startswith("<html>")
    fake.answers_raw("nonsense", status=500)
    http_status, _, body = ask(fake, "user", get=True)
    assert (http_status, body) == (500, "nonsense")
    assert works(fake)


def test_a_connection_is_dropped(fake):
    fake.drops_connection()
    with pytest.raises(OSError, match=r"closed|reset"):
        ask(fake, "user", get=True)
    assert fake.count("user") == 1
    assert works(fake)


def test_an_answer_does_not_come(fake):
    fake.stalls()
    with pytest.raises(TimeoutError):
        ask(fake, "user", get=True, timeout=0.05)
    assert works(fake)


def test_the_api_is_down_and_comes_back_at_the_same_address(fake):
    url = fake.url
    with fake.goes_down(), pytest.raises(urllib.error.URLError, match="refused"):
        ask(fake, "user", get=True)
    assert works(fake)
    fake.goes_down()
    fake.comes_back()
    fake.comes_back()
    assert works(fake)
    assert fake.url == url


def test_ready_torrents_have_no_files_yet(fake):
    fake.hold(HASH, "A", {"a": 5})
    magnet_id = upload(fake)["id"]
    fake.lists_no_files()
    assert listed(fake, magnet_id) == []
    assert listed(fake, magnet_id)


@pytest.mark.parametrize("value", [None, 0])
def test_uploads_have_no_id_or_hash(fake, value):
    fake.leaves_out_ids(value=value)
    assert upload(fake)["id"] == value
    fake.leaves_out_hashes()
    added = upload(fake)
    assert "hash" not in added
    assert added["id"] == fake.magnet_id(HASH)


def test_lists_come_in_three_shapes(fake):
    fake.hold(HASH, "A", {"a": 5})
    magnet_id = upload(fake)["id"]
    form = [("id", magnet_id)]
    fake.answers_object()
    found = data(fake, "magnet/status", form, version="v4.1")["magnets"]
    assert found["id"] == magnet_id
    fake.answers_map()
    found = data(fake, "magnet/status", form, version="v4.1")["magnets"]
    assert found[str(magnet_id)]["statusCode"] == 4
    fake.answers_array()
    assert isinstance(data(fake, "magnet/status", form, version="v4.1")["magnets"], list)


def test_numbers_come_as_text(fake):
    fake.answers_numbers_as_text()
    fake.hold(HASH, "A", {"a": 5})
    added = upload(fake)
    assert (added["size"], added["ready"]) == ("5", True)


def test_live_sessions_are_forgotten(fake):
    def ask_live(counter):
        form = [("session", "9"), ("counter", counter)]
        return data(fake, "magnet/status", form, version="v4.1")

    assert ask_live(0)["fullsync"]
    assert "fullsync" not in ask_live(1)
    fake.forgets_sessions()
    assert ask_live(2)["fullsync"]


def test_the_account_is_blocked_until_the_user_approves(fake):
    fake.blocks_account(token="t")
    answer = json.loads(ask(fake, "user", get=True)[2])
    assert answer["error"]["code"] == "AUTH_BLOCKED"
    assert answer["error"]["token"] == "t"
    form = [("token", "t")]
    assert data(fake, "user/verif", form, key="")["verif"] == "waiting"
    assert data(fake, "user/verif", [("token", "x")], key="") == "PIN_EXPIRED"
    fake.denies_account()
    assert data(fake, "user/verif", form, key="")["verif"] == "denied"
    fake.lets_token_expire()
    assert data(fake, "user/verif", form, key="") == "PIN_EXPIRED"
    fake.approves_account(new_key="new")
    assert data(fake, "user/verif", form, key="") == {"verif": "allowed", "apikey": "new"}
    assert code(fake) == "AUTH_BAD_APIKEY"
    assert "user" in data(fake, "user", get=True, key="new")


def test_the_account_is_blocked_for_as_long_as_a_block_lasts(fake):
    with fake.blocks_account("NO_SERVER"):
        assert code(fake) == "NO_SERVER"
    assert works(fake)


def test_nothing_is_left_when_it_is_closed():
    before = threading.active_count()
    for _ in range(5):
        with FakeAllDebrid() as fake:
            assert works(fake)
    assert threading.active_count() == before


async def test_it_answers_while_an_event_loop_waits_for_it(fake):
    # Its own thread answers, so even a blocking question from a loop's thread works.
    assert works(fake)
