"""What users see of a release: all that helps them, and none of the secrets it came with."""

import json
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.logs import STARS
from api.webhook import shown
from arrpush.course import LONGEST_ANSWER
from engine.store.records import PushRecord

HASH = "c12fe1c06bba254a9dc9f519b335aa7c1367a88a"
TITLE = "A.Show.S01E02.1080p.WEB.H264-GROUP"
PASSKEY = "markedpasskey"
SEGMENT = "0123marked4567segment"
URL = f"https://user:markedword@indexer.example/dl/{SEGMENT}/{TITLE}.torrent?passkey={PASSKEY}&id=7"
TRACKER = "http://tracker.example/markedtracker0123456/announce?key=markedkey+%2F="
MAGNET = f"magnet:?xt=urn:btih:{HASH}&dn={TITLE}&tr={quote(TRACKER, safe='')}"
OURS = f"http://nas:6500/arrpush/torrent/{'0a' * 42}/release.torrent"
PAYLOAD = {
    "title": TITLE,
    "protocol": "torrent",
    "indexer": "Indexer",
    "size": 77,
    "infoUrl": "https://indexer.example/details?auth=markedinfo&id=7",
    "downloadUrl": URL,
    "magnetUrl": MAGNET,
    "infoHash": HASH,
}


def record(answer="", payload=PAYLOAD, **more):
    return PushRecord(
        id="0123456789abcdef",
        target="sonarr",
        title=TITLE,
        words="words",
        infohash=HASH,
        payload=json.dumps(payload),
        state="rejected",
        accepted_at=1_700_000_000,
        answer=answer if isinstance(answer, str) else json.dumps(answer),
        **more,
    )


def text(value):
    return msgspec.json.encode(value).decode()


def answer(said, payload=PAYLOAD):
    return shown.whole(record(said, payload))["answer"]


def test_times_are_utc_and_null_for_what_has_not_been():
    found = shown.brief(record(attempted_at=1_700_000_001, ended_at=1_700_000_002))
    assert found["accepted_at"] == "2023-11-14T22:13:20Z"
    assert found["attempted_at"] == "2023-11-14T22:13:21Z"
    assert found["ended_at"] == "2023-11-14T22:13:22Z"
    assert found["grabbed_at"] is None


def test_what_is_known_is_shown():
    found = shown.whole(record(attempts=3, code=200, said="Sonarr rejected the release"))
    assert found["title"] == TITLE
    assert (found["indexer"], found["size"], found["infohash"]) == ("Indexer", 77, HASH)
    assert (found["attempts"], found["code"]) == (3, 200)
    assert found["said"] == "Sonarr rejected the release"
    assert found["payload_bytes"] == len(json.dumps(PAYLOAD))
    assert found["payload"]["protocol"] == "torrent"
    assert found["payload"]["size"] == 77


def test_among_others_it_has_neither_payload_nor_answer():
    assert {"payload", "answer"} & shown.brief(record("x")).keys() == set()


def test_links_of_the_payload_are_stars():
    payload = shown.whole(record())["payload"]
    assert payload["downloadUrl"] == payload["magnetUrl"] == payload["infoUrl"] == STARS
    assert "downloadUrl" not in shown.whole(record(payload={"title": TITLE}))["payload"]


def test_a_verdict_stays_readable():
    verdict = [
        {
            "guid": f"PUSH-{URL}",
            "title": TITLE,
            "downloadUrl": URL,
            "magnetUrl": MAGNET,
            "infoHash": HASH.upper(),
            "size": 77,
            "approved": False,
            "rejections": ["Unknown Series", f"could not fetch {OURS}"],
        }
    ]
    said = answer(verdict)
    assert said[0]["title"] == TITLE
    assert said[0]["size"] == 77
    assert said[0]["approved"] is False
    assert said[0]["rejections"][0] == "Unknown Series"
    assert said[0]["infoHash"] == HASH.upper()
    assert said[0]["downloadUrl"] == said[0]["magnetUrl"] == STARS
    assert "marked" not in text(said)
    assert "0a0a" not in text(said)


@pytest.mark.parametrize(
    "secret",
    [
        URL,
        MAGNET,
        PASSKEY,
        SEGMENT,
        TRACKER,
        "markedtracker0123456",
        "markedkey+/=",
        "markedkey+%2F=",
        quote("markedkey+/=", safe=""),
        quote("markedkey+/=", safe="").lower(),
        "markedinfo",
        "markedword",
        "user:markedword",
        quote(URL, safe=""),
        f"GET /dl/{SEGMENT}?passkey={PASSKEY} failed",
    ],
)
@pytest.mark.parametrize(
    "said",
    [
        "{}",
        "<p>{}</p>",
        "a {} b",
        '{{"x": "{}", "broken',
        ["{}"],
        {"{}": 1},
        {"errors": {"$.downloadUrl": [{"a": "b {} c"}]}},
    ],
    ids=str,
)
def test_a_secret_is_covered_wherever_it_stands(secret, said):
    if isinstance(said, str):
        assert "marked" not in text(answer(said.format(secret)))
    else:
        assert "marked" not in text(answer(json.dumps(said).replace("{}", secret)))


def test_a_secret_is_covered_however_it_is_escaped():
    """As .NET writes JSON, and as pages do."""
    for said in (
        '[{"downloadUrl": "x\\u003dmarkedkey\\u002b/="}]',
        '{"x": "markedkey\\u002B\\/=", broken',
        "<p>markedkey&#43;/=</p>",
        "<a href='/dl?a=b&amp;passkey=markedpasskey'>",
    ):
        assert "marked" not in text(answer(said))


def test_a_link_of_ours_is_covered_in_any_form():
    for said in (OURS, OURS.partition("//")[2], quote(OURS, safe=""), [OURS], {"a": OURS.upper()}):
        assert "0a0a" not in text(answer(said if isinstance(said, str) else json.dumps(said)))


def test_where_an_answer_was_cut_off_no_half_of_a_secret_is_left():
    for whole in (f'{{"x": "{"y " * LONGEST_ANSWER}', "ä " * LONGEST_ANSWER):
        for tail in (f"https://indexer.example/{SEGMENT[:12]}", URL[:-9], "markedpass"):
            cut = LONGEST_ANSWER - len(tail)
            said = whole.encode()[:cut].decode("utf-8", "replace") + tail
            assert "marked" not in text(answer(said))
    assert "marked" not in text(answer("marked" * LONGEST_ANSWER))


def test_an_answer_in_json_of_any_depth_is_shown_somehow():
    for depth in (100, 450, 900, 5000):
        assert "marked" not in text(answer("[" * depth + f'"{PASSKEY}"' + "]" * depth))


def test_a_payload_of_thousands_of_trackers_has_an_answer_that_is_left_out():
    trackers = "&".join(f"tr=http%3A%2F%2Ft%2Fmarked{number:04}" for number in range(1000))
    payload = PAYLOAD | {"magnetUrl": f"{MAGNET}&{trackers}"}
    assert answer("marked0007", payload) == STARS


def test_what_is_in_the_title_is_no_secret():
    """Some links name the file."""
    payload = {"title": TITLE, "downloadUrl": f"http://p/1?file={TITLE}&key=markedkey"}
    assert answer([TITLE, "markedkey"], payload) == [TITLE, STARS]


def test_the_logs_own_secrets_are_covered_too(monkeypatch):
    monkeypatch.setattr(shown.MASKER, "_secrets", frozenset())
    monkeypatch.setattr(shown.MASKER, "_known", None)
    shown.MASKER.hide("markedapikey")
    found = shown.whole(
        record(["markedapikey"], PAYLOAD | {"indexer": "markedapikey"}, said="markedapikey")
    )
    assert "marked" not in text(found)


LINKS = st.from_regex(r"https?://[a-z]{1,9}(/[A-Za-z0-9%._-]{0,30}){0,4}(\?[^\s\"]{0,40})?")


@given(st.text(max_size=200), LINKS | st.text(max_size=80))
def test_any_answer_and_any_link_are_shown_as_json(said, link):
    payload = {"title": TITLE, "downloadUrl": link, "magnetUrl": link, "infoUrl": link}
    for one in (said, json.dumps([said, link]), said + link):
        msgspec.json.decode(msgspec.json.encode(shown.whole(record(one, payload))))


@given(st.from_regex(r"marked[A-Za-z0-9+/=._~%-]{0,30}", fullmatch=True), st.text(max_size=30))
def test_no_passkey_of_any_form_is_shown(key, around):
    payload = {"title": TITLE, "downloadUrl": f"http://t/dl?a=1&passkey={key}&b=2"}
    for said in (f"{around}{key}{around}", json.dumps({"a": [around + key]}), quote(key, safe="")):
        assert "marked" not in text(answer(said, payload))
