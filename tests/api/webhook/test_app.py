"""The webhook as it is asked: over HTTP, with a store and an outbox behind it."""

import base64
import contextlib
import http.client
import json
import logging
import socket
import threading

import pytest

from api.qbittorrent.bodies import Patience
from api.webhook.app import LARGE_AT_ONCE, MOST_LISTED
from arrpush import links
from arrpush.outbox import Outbox
from arrpush.payload import Target
from engine.store import kept
from tests.api.webhook.world import (
    FULL_DISK,
    HASH,
    NAME,
    REJECTED,
    TOKEN,
    URL,
    Gate,
    encoded,
    torrent,
)

BODY = {"TorrentName": NAME, "TorrentUrl": URL, "Size": 77, "IndexerName": "Indexer"}
QUICK = Patience(silence=0.2, total=0.4, leftover=0.2)


@pytest.fixture
def lines(caplog):
    """What the log of attempts gets."""
    caplog.set_level(logging.INFO, "arrpush.attempts")
    return lambda: [one.getMessage() for one in caplog.records if one.name == "arrpush.attempts"]


def link_of(world, infohash, until=2_000_000_000):
    return links.url("", world.outbox._link_key, links.Link(infohash, until))


# Announcing


def test_a_release_is_accepted_with_an_id_by_which_it_can_be_asked_for(world):
    said = world.post(BODY)
    assert said.status == 202
    assert said.headers["content-type"].startswith("application/json")
    assert said.json["state"] == "waiting"
    assert said.json["known"] is False
    assert (said.json["target"], said.json["title"], said.json["size"]) == ("sonarr", NAME, 77)
    assert said.json["indexer"] == "Indexer"
    assert "note" not in said.json
    assert world.get(f"/{said.json['id']}").json["title"] == NAME


def test_when_it_is_accepted_it_is_in_the_store(world):
    push_id = world.post(BODY).json["id"]
    kept_id = world.store.call(lambda db: db.execute("SELECT id FROM pushes").fetchall())
    assert kept_id == [(push_id,)]


def test_a_release_that_is_announced_again_is_known(world):
    first = world.post(BODY)
    again = world.post(BODY)
    assert again.status == 202
    assert again.json["known"] is True
    assert again.json["id"] == first.json["id"]
    assert len(world.get().json["pushes"]) == 1


def test_nobody_looks_at_the_content_type(world):
    content = json.dumps(BODY).encode()
    for kind in ("", "application/x-www-form-urlencoded", "text/plain", "\xff"):
        headers = {"Content_Type": kind} if kind else {}
        target = f"/arrpush?target=sonarr&apikey={TOKEN}"
        assert world.ask("POST", target, content, **headers).status == 202


def test_a_body_that_autobrr_has_not_escaped_is_read(world):
    said = world.post(b'{"TorrentName": "A "quoted" \\ Show.S01E01.1080p-G", "Size": 77,}')
    assert said.status == 400  # it is understood, but has neither URL nor hash
    assert "URL" in said.json["error"]
    body = b'{"TorrentName": "A "quoted" \\ Show.S01E01.1080p-G", "TorrentUrl": "http://t/1"}'
    assert world.post(body).json["title"] == 'A "quoted" \\ Show.S01E01.1080p-G'


@pytest.mark.parametrize(
    ("query", "more", "target"),
    [
        ("&target=radarr", {}, "radarr"),
        ("&target=Sonarr", {}, "sonarr"),
        ("&target=radarr", {"Target": "sonarr"}, "radarr"),
        ("", {"Target": "radarr"}, "radarr"),
        ("&target=auto", {"Type": "movie"}, "radarr"),
        ("", {}, "sonarr"),
    ],
)
def test_the_target_is_what_the_query_says_else_the_body(world, query, more, target):
    assert world.post(BODY | more, query).json["target"] == target


def test_a_torrent_that_came_along_is_kept(world):
    said = world.post(BODY | {"TorrentDataRawBytes": encoded(torrent())}).json
    data = world.store.call(lambda db: kept.get(db, said["infohash"]))
    assert data == torrent()


def test_a_path_is_read_below_the_folders_only(world, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.torrent").write_bytes(torrent())
    (tmp_path / "b.torrent").write_bytes(torrent())
    world.serve(torrent_dirs=(tmp_path / "in",))
    said = world.post({"TorrentPath": str(tmp_path / "b.torrent"), "TorrentName": NAME})
    assert said.status == 400
    assert "leads out of the folders" in said.json["error"]
    said = world.post({"TorrentPath": str(tmp_path / "in" / "a.torrent"), "TorrentName": NAME})
    assert said.status == 202
    assert said.json["infohash"]


def test_what_was_left_out_is_noted_in_the_answer_and_the_log(world, caplog):
    said = world.post(BODY | {"TorrentPath": "/etc/passwd"})
    assert said.status == 202
    assert said.json["note"].startswith("the .torrent on disk is left out: ")
    assert said.json["note"] in caplog.text
    assert said.json["id"] in caplog.text


def test_what_is_too_little_says_why_the_torrent_was_left_out(world):
    said = world.post({"TorrentName": NAME, "TorrentHash": "unknown", "TorrentPath": "/etc/passwd"})
    assert said.status == 400
    assert "no infohash; the .torrent on disk is left out" in said.json["error"]


def test_the_address_by_which_we_were_reached_is_remembered(world):
    def base(host, name):
        body = json.dumps(BODY | {"TorrentName": name}).encode()
        target = f"/arrpush?target=sonarr&apikey={TOKEN}"
        push_id = world.ask("POST", target, body, Host=host).json["id"]
        sql = "SELECT base FROM pushes WHERE id = ?"
        return world.store.call(lambda db: db.execute(sql, (push_id,)).fetchone())[0]

    assert base("nas:6500", "A.S01E01") == "http://nas:6500"
    assert base("[fe80::1]:6500", "A.S01E02") == "http://[fe80::1]:6500"
    assert base("192.168.1.5", "A.S01E03") == "http://192.168.1.5"
    for number, host in enumerate(["user@nas", "nas:x", "nas:", "[nas]", "nas:123456"]):
        assert base(host, f"A.S02E0{number}") == ""


@pytest.mark.parametrize(
    ("body", "query", "said"),
    [
        (b"", "", "line 1, column 1"),
        (b"name=x", "&target=sonarr", "line 1, column 1"),
        (b'{\n"a": 1,\n"b": [}', "", "line 3, column"),
        (b"[]", "&target=sonarr", "object"),
        (b"{}", "&target=sonarr", "no name"),
        ({"TorrentName": NAME}, "&target=sonarr", "no URL"),
        ({"TorrentName": NAME, "TorrentUrl": "ftp://x"}, "&target=sonarr", "URL"),
        (BODY, "&target=lidarr", "sonarr, radarr or auto"),
        (BODY, "&target=sonarr" * 100, "100 fields"),
        ({"TorrentName": NAME, "TorrentData": "?"}, "", "base64"),
        ({"TorrentName": NAME, "TorrentData": encoded(b"x")}, "&target=sonarr", "left out"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(world, lines, body, query, said):
    answer = world.post(body, query)
    assert answer.status == 400
    assert list(answer.json) == ["error"]
    assert said in answer.json["error"]
    if "fields" not in said:
        # Who announces looks at no answer.
        (line,) = lines()
        assert " outcome=bad_input " in line
        assert said in line
    assert world.get().json == {"pushes": []}


def test_the_line_about_a_refusal_has_what_is_known(world, lines):
    body = {"TorrentName": "A name\nof\x1b two lines " + "x" * 400, "Size": 1}
    world.post(body)
    (line,) = lines()
    assert " code=0 " in line
    assert " id=- " in line
    assert f" payload={len(json.dumps(body))} " in line
    assert "A name" in line
    assert len(line) < 700
    assert "\n" not in line
    assert "\x1b" not in line


def test_a_program_that_is_not_set_up_is_503_and_names_the_settings(world, lines):
    del world.outbox._programs["radarr"]
    said = world.post(BODY, "&target=radarr")
    assert said.status == 503
    assert "RADARR_URL" in said.json["error"]
    assert "target=radarr" in lines()[0]


def test_without_any_program_all_say_what_is_to_be_set_and_the_log_once(world, caplog):
    world.serve("", known=False)
    link = f"{links.PATH}{'0' * 84}{links.NAME}"
    asked = (world.post(BODY), world.get(), world.get("/0123456789abcdef"), world.ask("GET", link))
    for said in asked:
        assert said.status == 503
        assert "SONARR_URL" in said.json["error"]
    assert len([line for line in caplog.messages if "SONARR_URL" in line]) == 1


# The door


def test_without_the_token_nothing_is_answered_and_nothing_read(world, lines):
    for method, target in (
        ("POST", "/arrpush?target=sonarr"),
        ("POST", "/arrpush?target=sonarr&apikey=wrong"),
        ("GET", "/arrpush"),
        ("GET", "/arrpush/"),
        ("GET", "/arrpush/0123456789abcdef"),
        ("GET", "/arrpush/no/such"),
        ("DELETE", "/arrpush"),
    ):
        said = world.ask(method, target, b"{" * (1 << 20) if method == "POST" else b"")
        assert said.status == 401
        assert said.json == {"error": "the token is missing or wrong"}
        assert said.headers["www-authenticate"].startswith("Basic ")
    assert lines() == []


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        (f"&apikey={TOKEN}", {}),
        (f"&token={TOKEN}", {}),
        ("", {"X_Api_Key": TOKEN}),
        ("", {"Authorization": f"Bearer {TOKEN}"}),
        ("", {"Authorization": f"Basic {base64.b64encode(f'autobrr:{TOKEN}'.encode()).decode()}"}),
        ("", {"Authorization": f"Basic {base64.b64encode(f'{TOKEN}:'.encode()).decode()}"}),
        ("&apikey=wrong", {"X_Api_Key": TOKEN}),
    ],
)
def test_the_token_comes_in_any_way_there_is(world, query, headers):
    content = json.dumps(BODY).encode()
    target = f"/arrpush?target=sonarr{query}"
    assert world.ask("POST", target, content, **headers).status == 202


def test_a_wrong_token_is_told_to_the_log_once(world, caplog):
    for _ in range(3):
        world.ask("POST", "/arrpush?apikey=markedwrong")
    said = [one for one in caplog.records if one.name == "api.webhook"]
    assert len(said) == 1
    assert "ARRPUSH_TOKEN" in said[0].getMessage()
    assert "marked" not in caplog.text
    world.get()
    world.ask("GET", "/arrpush")
    assert len([one for one in caplog.records if one.name == "api.webhook"]) == 2


def test_an_open_door_lets_everybody_in(world):
    world.serve("")
    assert world.ask("GET", "/arrpush").status == 200


def test_a_page_of_another_site_may_not_announce(world):
    said = world.ask("POST", f"/arrpush?apikey={TOKEN}", b"{}", Origin="http://evil.example")
    assert said.status == 401
    assert said.text == "Unauthorized"


# What became of it


def test_one_release_is_shown_with_its_payload_but_not_its_links(world):
    push_id = world.post(BODY | {"InfoUrl": "http://t/info?auth=markedinfo"}).json["id"]
    said = world.get(f"/{push_id}")
    assert said.status == 200
    assert said.json["payload"]["title"] == NAME
    assert "marked" not in said.text
    assert said.json["accepted_at"].endswith("Z")
    assert said.json["grabbed_at"] is None


def test_the_most_recent_ones_come_first_and_without_details(world):
    for number in range(3):
        world.post(BODY | {"TorrentName": f"A.Show.S01E0{number}"})
    listed = world.get().json["pushes"]
    assert [one["title"][-1] for one in listed] == ["2", "1", "0"]
    assert all({"payload", "answer"} & one.keys() == set() for one in listed)
    assert [one["title"][-1] for one in world.get("", "&limit=1").json["pushes"]] == ["2"]
    assert world.get("/", "&limit=2").json["pushes"] == listed[:2]


def test_those_of_a_state_are_listed(world):
    world.says(REJECTED)
    rejected = world.post(BODY).json["id"]
    assert world.get(f"/{rejected}", "&wait=20").json["state"] == "rejected"
    waiting = world.post(BODY | {"TorrentName": "Other.S01E01"}).json["id"]
    assert [one["id"] for one in world.get("", "&state=rejected").json["pushes"]] == [rejected]
    assert [one["id"] for one in world.get("", "&state=waiting").json["pushes"]] == [waiting]
    assert world.get("", "&state=grabbed").json == {"pushes": []}


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=-1", "limit=x", "limit=1e2", f"limit={MOST_LISTED + 1}", "limit=%D9%A1",
     f"limit={'9' * 5000}", "state=x", "state=Waiting"],
)  # fmt: skip
def test_a_question_that_makes_no_sense_is_400(world, query):
    said = world.get("", f"&{query}")
    assert said.status == 400
    assert list(said.json) == ["error"]


@pytest.mark.parametrize(
    "wait", ["-1", "61", "60.1", "x", "nan", "inf", "1e1", "0x1", "1_0", "%D9%A1", "9" * 5000]
)
def test_a_wait_that_makes_no_sense_is_400(world, wait):
    push_id = world.post(BODY).json["id"]
    assert world.get(f"/{push_id}", f"&wait={wait}").status == 400


@pytest.mark.parametrize(
    "name",
    ["0123456789abcdef", "x", "0123456789ABCDEF", "0" * 5000, "a/b", "%00", "%ff", "..", "torrent",
     "torrentx", "0123456789abcdef/torrent"],
)  # fmt: skip
def test_an_id_that_nobody_has_is_404(world, name):
    said = world.get(f"/{name}")
    assert said.status == 404
    assert list(said.json) == ["error"]


def test_who_waits_is_answered_when_the_release_has_ended(world):
    gate = Gate(world)
    for arr in world.outbox._programs.values():
        arr._exchange = gate
    world.says(REJECTED)
    push_id = world.post(BODY).json["id"]
    assert world.get(f"/{push_id}", "&wait=0").json["state"] == "waiting"
    threading.Timer(0.05, gate.open).start()
    said = world.get(f"/{push_id}", "&wait=20").json
    assert said["state"] == "rejected"
    assert said["answer"] == REJECTED
    assert said["said"] == "Sonarr rejected the release: Unknown Series"
    assert (said["code"], said["attempts"]) == (200, 1)


def test_who_has_waited_long_enough_is_answered_too(world):
    push_id = world.post(BODY).json["id"]
    assert world.get(f"/{push_id}", "&wait=0.05").json["state"] == "waiting"


# The kept .torrent


def test_a_kept_torrent_is_fetched_by_its_link_alone(world):
    infohash = world.post({"TorrentData": encoded(torrent())}).json["infohash"]
    said = world.ask("GET", link_of(world, infohash))
    assert said.status == 200
    assert said.body == torrent()
    assert said.headers["content-type"] == "application/x-bittorrent"
    assert said.headers["content-length"] == str(len(torrent()))
    assert said.headers["content-disposition"] == 'attachment; filename="release.torrent"'
    assert said.headers["cache-control"] == "no-store"


def test_its_head_is_that_of_get(world):
    infohash = world.post({"TorrentData": encoded(torrent())}).json["infohash"]
    said = world.ask("HEAD", link_of(world, infohash))
    assert (said.status, said.body) == (200, b"")
    assert said.headers["content-length"] == str(len(torrent()))


def test_no_other_link_leads_to_it(world):
    infohash = world.post({"TorrentData": encoded(torrent())}).json["infohash"]
    link = link_of(world, infohash)
    token = link.removeprefix(links.PATH).removesuffix(links.NAME)
    flipped = token[:-1] + "01"[token[-1] == "0"]
    for path in (
        link_of(world, infohash, until=1_000_000_000),
        link_of(world, HASH),
        links.PATH + flipped + links.NAME,
        links.PATH + token[:-2] + links.NAME,
        links.PATH + token + "00" + links.NAME,
        links.PATH + links.NAME.strip("/"),
        f"{links.PATH}x{links.NAME}",
        f"{links.PATH}%00{links.NAME}",
        f"{links.PATH}%ff{links.NAME}",
        links.PATH + token,
        f"{link}/x",
        f"{links.PATH}../{token}{links.NAME}",
        f"{links.PATH}{infohash}{links.NAME}",
    ):
        for target in (path, f"{path}?apikey={TOKEN}"):
            said = world.ask("GET", target)
            assert said.status == 404, target
            assert list(said.json) == ["error"]


def test_a_link_can_only_be_fetched(world):
    infohash = world.post({"TorrentData": encoded(torrent())}).json["infohash"]
    said = world.ask("POST", link_of(world, infohash), b"x")
    assert (said.status, said.headers["allow"]) == (405, "GET")
    assert list(said.json) == ["error"]


# Methods and heads


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_another_method_is_405(world, method):
    said = world.ask(method, f"/arrpush?apikey={TOKEN}", b"{}")
    assert (said.status, said.headers["allow"]) == (405, "GET, POST")
    assert list(said.json) == ["error"]
    said = world.ask(method, f"/arrpush/0123456789abcdef?apikey={TOKEN}")
    assert (said.status, said.headers["allow"]) == (405, "GET")


def test_a_release_is_announced_at_one_path_only(world):
    target = f"/arrpush/0123456789abcdef?apikey={TOKEN}"
    assert world.ask("POST", target, json.dumps(BODY).encode()).status == 405
    content = json.dumps(BODY).encode()
    target = f"/arrpush/?target=sonarr&apikey={TOKEN}"
    assert world.ask("POST", target, content).status == 202


@pytest.mark.parametrize("path", ["", "/0123456789abcdef", "/x"])
def test_a_head_is_that_of_get_without_its_body(world, path):
    target = f"/arrpush{path}?apikey={TOKEN}"
    head, get = world.ask("HEAD", target), world.ask("GET", target)
    assert head.status == get.status
    assert head.body == b""
    assert head.headers["content-length"] == str(len(get.body))


def test_the_qbittorrent_api_is_still_there(world):
    assert world.ask("GET", "/api/v2/app/version").status == 200
    assert world.ask("GET", "/arrpushx").text == "Not Found"


# Bodies


def raw(world, *lines, body=b""):
    connection = socket.create_connection(("127.0.0.1", world.port), timeout=10)
    head = [f"POST /arrpush?target=sonarr&apikey={TOKEN} HTTP/1.1", "Host: nas", *lines]
    connection.sendall("".join(f"{line}\r\n" for line in head).encode() + b"\r\n" + body)
    return connection


def answer(connection):
    response = http.client.HTTPResponse(connection)
    response.begin()
    return response.status, json.loads(response.read())


def test_a_body_beyond_the_limit_is_413(world, lines):
    world.serve(max_upload=1000)
    for said in (
        world.post(b" " * 1001),
        world.post(json.dumps(BODY).encode() + b" " * 1001),
    ):
        assert said.status == 413
        assert "1000 bytes" in said.json["error"]
    assert len(lines()) == 2
    assert world.post(json.dumps(BODY).encode().ljust(1000)).status == 202


def test_a_body_of_unknown_length_is_cut_off_at_the_limit(world):
    world.serve(max_upload=1000)
    chunks = b"3e9\r\n" + b" " * 1001 + b"\r\n0\r\n\r\n"
    with raw(world, "Transfer-Encoding: chunked", body=chunks) as connection:
        assert answer(connection)[0] == 413


def test_a_body_in_chunks_is_read(world):
    content = json.dumps(BODY).encode()
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in content) + b"0\r\n\r\n"
    with raw(world, "Transfer-Encoding: chunked", body=chunks) as connection:
        assert answer(connection)[0] == 202


def test_a_body_that_does_not_come_is_408(world, lines):
    world.serve(patience=QUICK)
    with raw(world, "Content-Length: 1000", body=b"{") as connection:
        status, said = answer(connection)
        assert (status, list(said)) == (408, ["error"])
        assert connection.recv(1) == b""
    assert "took too long" in lines()[0]


def test_large_bodies_wait_for_each_other_and_nobody_else_for_them(world):
    body = json.dumps(BODY | {"Other": "x" * (2 << 20)}).encode()
    head = f"POST /arrpush?target=sonarr&apikey={TOKEN} HTTP/1.1\r\nHost: nas\r\n"
    head += f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    with contextlib.ExitStack() as stack:
        many = [
            stack.enter_context(socket.create_connection(("127.0.0.1", world.port), 20))
            for _ in range(LARGE_AT_ONCE + 1)
        ]
        for one in many[:-1]:
            one.sendall(head.encode() + body[:-1])
        assert world.post(BODY).status == 202  # so those before have been begun
        many[-1].sendall(head.encode() + body)
        many[-1].settimeout(0.2)
        with pytest.raises(TimeoutError):
            many[-1].recv(1)
        assert world.post(BODY).status == 202
        many[-1].settimeout(20)
        for one in many[:-1]:
            one.sendall(body[-1:])
        for one in many:
            assert one.recv(100).startswith(b"HTTP/1.1 202")


def test_a_body_that_is_cut_short_does_no_harm(world):
    raw(world, "Content-Length: 1000", body=b"{").close()
    assert world.get().json == {"pushes": []}


def test_a_refusal_arrives_though_the_body_was_not_read(world):
    said = world.ask("POST", "/arrpush", b"x" * (12 << 20), Connection="close")
    assert said.status == 401


# When we fail


def test_what_cannot_be_stored_is_503_and_in_the_log(world, lines, caplog):
    world.store.broken = FULL_DISK
    for said in (world.post(BODY), world.get(), world.get("/0123456789abcdef")):
        assert said.status == 503
        assert said.json == {"error": "the store cannot be used now; the log says why"}
    assert "no room left" in caplog.text
    (line,) = lines()
    assert " outcome=not_taken " in line


def test_a_bug_is_in_the_log_and_nothing_of_it_goes_out(world, lines, caplog):
    world.store.broken = RuntimeError("something of ours")
    for said in (world.post(BODY), world.get()):
        assert said.status == 500
        assert said.json == {"error": "internal error"}
    found = [one for one in caplog.records if one.name == "api.webhook"]
    assert all(one.exc_info for one in found)
    assert len(found) == 2  # one for each
    assert len(lines()) == 1


def test_a_kept_torrent_that_cannot_be_read_is_503_without_its_link(world, caplog):
    infohash = world.post({"TorrentData": encoded(torrent())}).json["infohash"]
    link = link_of(world, infohash)
    world.store.broken = FULL_DISK
    assert world.ask("GET", link).status == 503
    world.store.broken = RuntimeError("something")
    assert world.ask("GET", link).status == 500
    assert link.split("/")[3] not in caplog.text


def test_the_repr_has_no_token(world):
    assert TOKEN not in repr(world.app)
    assert isinstance(world.outbox, Outbox)
    assert set(world.outbox._programs) == {one.value for one in Target}
