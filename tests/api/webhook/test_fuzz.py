"""Whatever is sent: never an error of ours, never for long, and nothing secret comes out."""

import base64
import json
import logging
import re
import time
from urllib.parse import quote, quote_from_bytes

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arrpush import links
from tests.api.webhook.world import HASH, NAME, REJECTED, TOKEN, URL, World, encoded, torrent
from tests.fakes.served_app import ServedApp

LIMIT = 1 << 20
LONGEST = 2.0
"""Seconds of processor time for one request."""

fuzzy = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def open_world(server: ServedApp, tmp_path_factory):
    """One for all examples, without a token."""
    world = World(server, tmp_path_factory.mktemp("fuzz"))
    yield world
    world.close()


@pytest.fixture
def served(open_world):
    open_world.serve("", max_upload=LIMIT)
    return open_world


def ask(world, method, target, body=b"", **headers):
    began = time.process_time()
    said = world.ask(method, target, body, **headers)
    assert time.process_time() - began < LONGEST
    assert said.status < 500
    assert b"Traceback" not in said.body
    if method != "HEAD" and not target.startswith(links.PATH):
        assert isinstance(said.json, dict)
        assert ("error" in said.json) == (said.status >= 400)
    return said


names = st.sampled_from(
    ["TorrentName", "ReleaseName", "TorrentUrl", "TorrentPath", "TorrentDataRawBytes", "MagnetURI",
     "TorrentHash", "Size", "InfoUrl", "Indexers", "Target", "Type", "PublishDate", "Protocol",
     "Tags", "Freeleech", "imdbId", "DownloadClient"]
)  # fmt: skip
values = st.one_of(
    st.sampled_from(
        [NAME, URL, HASH, f"magnet:?xt=urn:btih:{HASH}&dn=x", "magnet:?", "/etc/passwd", "/", "..",
         encoded(torrent()), encoded(b"d4:infod6:lengthi1e4:name1:xee"), "\ud800", "\0", "9" * 500,
         "1e999", "2024-13-45T99:99:99Z", "0001-01-01T00:00:00Z", "tt" + "9" * 99, "http://[", "="]
    ),
    st.text(max_size=20),
    st.none() | st.booleans() | st.integers() | st.floats(),
    st.lists(st.integers(-1, 300) | st.text(max_size=3), max_size=4),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)  # fmt: skip


@fuzzy
@given(body=st.binary(max_size=200))
def test_no_bytes_end_in_an_error_of_ours(served, body):
    ask(served, "POST", "/arrpush?target=sonarr", body)


@fuzzy
@given(fields=st.dictionaries(names | st.text(max_size=9), values, max_size=8))
def test_no_fields_end_in_an_error_of_ours(served, fields):
    ask(served, "POST", "/arrpush", json.dumps(fields).encode())


@fuzzy
@given(pairs=st.lists(st.tuples(names, values.map(str)), max_size=6), cut=st.integers(0, 5))
def test_no_filled_template_ends_in_an_error_of_ours(served, pairs, cut):
    body = "{" + ", ".join(f'"{name}": "{value}"' for name, value in pairs) + "}"
    body = body.encode("utf-8", "replace")
    ask(served, "POST", "/arrpush?target=radarr", body[: len(body) - cut])


raw = st.binary(max_size=20).map(quote_from_bytes)
queries = st.lists(
    st.tuples(
        st.sampled_from(["limit", "wait", "state", "target", "apikey", "token"]) | raw,
        st.sampled_from(["", "1", "0", "-1", "nan", "sonarr", "waiting", "%", "+", "9" * 50]) | raw,
    ).map("=".join),
    max_size=5,
).map("&".join)
paths = st.sampled_from(
    ["", "/", "/0123456789abcdef", "/torrent", "/torrent/x/release.torrent", "//", "/%2e%2e"]
) | raw.map(lambda text: f"/{text}")


@fuzzy
@given(method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "OPTIONS"]), path=paths, query=queries)
def test_no_path_and_no_query_end_in_an_error_of_ours(served, method, path, query):
    # Nobody waits here for what never ends.
    query = re.sub(r"(?i)(wait|%77)[^&]*", "wait=0", query)
    ask(served, method, f"/arrpush{path}?{query}", b"{}" if method == "POST" else b"")


@fuzzy
@given(
    values=st.lists(
        st.tuples(
            st.sampled_from(["Authorization", "X_Api_Key", "Content_Type", "Cookie"]),
            st.binary(max_size=30).map(lambda raw: re.sub(rb"[\x00-\x1f\x7f]", b"", raw))
            | st.binary(max_size=20).map(lambda raw: b"Basic " + base64.b64encode(raw)),
        ),
        max_size=4,
    ),
    query=queries,
)
def test_nothing_but_the_token_opens_the_door(open_world, values, query):
    open_world.serve()
    said = open_world.ask("GET", f"/arrpush?{query}", **dict(values))
    assert said.status in {400, 401}
    assert list(said.json) == ["error"]


LARGE = {
    "quotes": b'{"a": "' + b'"' * (LIMIT - 9),
    "fields": b'{"a": "' + b'", "b": "' * (LIMIT // 9 - 9),
    "nested": b'{"a": ' + b"[" * (LIMIT - 9),
    "objects": b'{"a":' * (LIMIT // 5),
    "blanks": b" " * LIMIT,
    "bytes": b'{"TorrentData": [' + b"1 " * (LIMIT // 2 - 20) + b"]}",
    "digits": b'{"Size": ' + b"9" * (LIMIT - 20) + b"}",
    "text of digits": b'{"Size": "' + b"9" * (LIMIT - 20) + b'"}',
    "base64": b'{"TorrentData": "' + b"A" * (LIMIT - 20) + b'"}',
    "bencoding": b'{"TorrentData": "' + base64.b64encode(b"l" * (LIMIT // 2)) + b'"}',
    "name": b'{"TorrentUrl": "http://t/1", "TorrentName": "' + b"a." * (LIMIT // 2 - 30) + b'"}',
    "path": b'{"TorrentName": "a", "TorrentPath": "' + b"/a" * (LIMIT // 2 - 30) + b'"}',
    "magnet": b'{"TorrentName": "a", "MagnetURI": "magnet:?xt=urn:btih:%b' % HASH.encode()
    + b"&tr=x" * (LIMIT // 5 - 30) + b'"}',
}  # fmt: skip


@pytest.mark.parametrize("kind", LARGE)
def test_the_largest_body_is_answered_as_soon(served, kind):
    assert len(LARGE[kind]) <= LIMIT
    said = ask(served, "POST", "/arrpush?target=sonarr", LARGE[kind])
    if said.status == 202:
        ask(served, "GET", f"/arrpush/{said.json['id']}")


def test_no_secret_comes_out(world, caplog):
    """Each of them is marked, and goes in by every way there is."""
    caplog.set_level(logging.DEBUG)
    world.says([{"approved": False, "rejected": True, "rejections": [f"no {URL}"]}])
    world.says({"downloadUrl": f"PUSH-{URL}"}, status=400)
    tracker = quote("http://t/markedtracker0123456/announce", safe="")
    magnet = f"magnet:?xt=urn:btih:{HASH}&dn=x&tr={tracker}"
    bodies = [
        {"TorrentName": NAME, "TorrentUrl": URL, "Cookie": "markedcookie"},
        {"TorrentName": "B.S01E01", "MagnetURI": magnet, "InfoUrl": "http://i/?auth=markedinfo"},
        {"TorrentName": "C.S01E01", "TorrentData": encoded(torrent())},
        {"TorrentName": "D.S01E01", "TorrentUrl": URL, "TorrentPath": "/etc/markedpath"},
        {"TorrentName": "E.S01E01", "TorrentUrl": f"ftp://{URL}"},
        {"TorrentName": "F.S01E01", "TorrentUrl": [URL]},
        {"TorrentName": "G.S01E01", "TorrentData": f"{URL}?"},
        {"TorrentName": "H.S01E01", "MagnetURI": URL},
        {"TorrentName": "I.S01E01", "TorrentUrl": URL, "Target": URL},
        f'{{"TorrentName": "x", "TorrentUrl": "{URL}'.encode(),
        f'{{"{URL}": "{URL}", "{URL}": [}}'.encode(),
    ]
    out = [world.post(body).text for body in bodies]
    out += [world.post(body, f"&target={quote(URL)}").text for body in bodies]
    pushes = world.get().json["pushes"]
    out += [world.get(f"/{one['id']}", "&wait=0.2").text for one in pushes]
    out += [world.get("", f"&state={quote(URL)}").text, world.get("", "&limit=markedlimit").text]
    out += [world.ask("POST", "/arrpush?apikey=markedwrong").text]
    out += [world.ask("GET", f"{links.PATH}markedlink{links.NAME}").text]
    world.store.broken = RuntimeError("something")
    out += [world.post(bodies[0]).text, world.get().text]
    assert len(pushes) >= 4
    assert "rejected" in "".join(out)
    assert "marked" not in "".join(out)
    # Uvicorn's own lines go nowhere in the service.
    written = logging.Formatter()
    logged = [written.format(one) for one in caplog.records if one.name != "uvicorn.access"]
    assert "marked" not in "".join(logged)


def test_what_a_program_says_comes_out_without_its_secrets(world):
    reason = "Unknown Series: markedpass0123"
    world.says([REJECTED[0] | {"downloadUrl": URL, "guid": f"PUSH-{URL}", "rejections": [reason]}])
    push_id = world.post({"TorrentName": NAME, "TorrentUrl": URL}).json["id"]
    said = world.get(f"/{push_id}", "&wait=20")
    assert said.json["state"] == "rejected"
    assert said.json["answer"][0]["rejections"] == ["Unknown Series: ********"]
    assert said.json["said"].endswith("Unknown Series: ********")
    assert "marked" not in world.get().text
    assert "marked" not in said.text
    assert TOKEN not in said.text
