"""API.md keeps its word: each example is run, every endpoint has one, no difference is left out."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from api.qbittorrent.app import ENDPOINTS, create_app
from api.qbittorrent.context import ApiConfig
from api.qbittorrent.login import Login
from engine.jobs.views import AddRequest
from tests.conformance.calls import Call, Door, File
from tests.conformance.intended import markdown
from tests.conformance.shelf import Made
from tests.fakes.served_app import ServedApp
from tests.fakes.torrents import InMemoryTorrents

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "API.md").read_text()

BLOCK = re.compile(r"^```http\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^### (\w+/\w+)$", re.MULTILINE)

FILM, PACK = Made("film.mkv"), Made("pack")
NAMES = {"$FILM": FILM.infohash, "$PACK": PACK.infohash}
FILES = {"film.torrent": FILM.torrent, "nothing.torrent": b"nothing"}


class Example(msgspec.Struct, frozen=True, kw_only=True):
    method: str
    target: str
    headers: dict[str, str]
    form: dict[str, str]
    status: int
    content_type: str
    body: str


def parsed(block: str) -> Example:
    """Read an example; `$NAME` is filled in."""
    for name, value in NAMES.items():
        block = block.replace(name, value)
    request, _, answer = block.partition("\n\n")
    first, *lines = request.splitlines()
    method, target = first.split()
    headers = dict(line.split(":", 1) for line in lines if re.match(r"[A-Z][\w-]*:", line))
    form = dict(line.split("=", 1) for line in lines if re.match(r"[a-z]\w*=", line))
    head, _, body = answer.partition("\n")
    status, _, content_type = head.partition(" ")
    return Example(
        method=method,
        target=target,
        headers={name: value.strip() for name, value in headers.items()},
        form=form,
        status=int(status),
        content_type=content_type,
        body=body.removesuffix("\n"),
    )


def expected_json(text: str) -> Any:
    """Read JSON with `...` in it: a value, the rest of an object, or the rest of a list."""
    text = re.sub(r"([,{]\s*)\.\.\.(?=\s*\})", r'\1"...": "..."', text)
    text = re.sub(r'(?<!")\.\.\.(?!")', '"..."', text)
    return json.loads(text)


def fits(expected: Any, found: Any) -> bool:
    """Return whether JSON is as the example says."""
    if expected == "...":
        return True
    if isinstance(expected, dict) and isinstance(found, dict):
        named = expected.keys() - {"..."}
        whole = "..." in expected or named == found.keys()
        return whole and all(key in found and fits(expected[key], found[key]) for key in named)
    if isinstance(expected, list) and isinstance(found, list):
        rest = bool(expected) and expected[-1] == "..." and len(expected) != len(found)
        named = expected[:-1] if rest else expected
        pairs = zip(named, found, strict=False)
        return (rest or len(named) == len(found)) and all(fits(*pair) for pair in pairs)
    if isinstance(expected, bool) or isinstance(found, bool):
        return expected is found
    return bool(expected == found)


def text_fits(expected: str, found: str) -> bool:
    pattern = ".*".join(map(re.escape, expected.split("...")))
    return re.fullmatch(pattern, found, re.DOTALL) is not None


EXAMPLES = [parsed(block) for block in BLOCK.findall(TEXT)]


async def fill(torrents: InMemoryTorrents) -> None:
    """Put the two torrents there that the examples speak of."""
    for made, paused in ((FILM, False), (PACK, True)):
        await torrents.add(AddRequest(metainfo=made.torrent, paused=paused))
        torrents.know(made.infohash, {path: len(data) for path, data in made.paths.items()})
    torrents.finish(FILM.infohash, {path: len(data) for path, data in FILM.paths.items()})


@pytest.fixture
async def served():
    torrents = InMemoryTorrents()
    await fill(torrents)
    config = ApiConfig(login=Login.of("admin", "adminadmin"))
    with ServedApp() as server:
        server.app = create_app(torrents, config, shutdown=lambda: None)
        yield server


def call_of(example: Example) -> Call:
    """Return the request of an example; a blank Cookie is no session, and a login needs none."""
    names = {key: value[1:] for key, value in example.form.items() if value.startswith("@")}
    form = {key: value for key, value in example.form.items() if key not in names}
    nobody = example.headers.get("Cookie") == "" or example.target.endswith("auth/login")
    return Call(
        path=example.target,
        method=example.method,
        form=form if example.method == "POST" else None,
        files=tuple(File(field, name, FILES[name]) for field, name in names.items()),
        session="none" if nobody else "valid",
    )


def test_every_example_is_answered_as_it_says(served):
    wrong = []
    for example in EXAMPLES:
        door = Door(served.port, {})
        door.log_in("admin", "adminadmin")  # a new one for each: one of them logs out
        answer = door.send(call_of(example))
        matches = (
            fits(expected_json(example.body), answer.json)
            if answer.is_json
            else text_fits(example.body, answer.text)
        )
        told = (answer.status, answer.headers.get("content-type"))
        if not matches or told != (example.status, example.content_type):
            wrong.append(f"{example.method} {example.target}: {told} {answer.text[:2000]}")

    assert wrong == []


def test_every_endpoint_is_documented_and_has_an_example():
    sections = dict(zip(HEADING.findall(TEXT), HEADING.split(TEXT)[2::2], strict=True))
    other_names = {"torrents/stop": "torrents/pause", "torrents/start": "torrents/resume"}

    assert set(sections) | set(other_names) == set(endpoints())
    for path, section in sections.items():
        example = parsed(BLOCK.findall(section)[0])
        assert example.target.partition("?")[0] == f"/api/v2/{path}"
    for other, path in other_names.items():
        assert f"`{other}`" in sections[path]


def test_what_changes_something_is_posted():
    posted = {path for path, methods in endpoints().items() if methods == {"POST"}}
    examples = {example.target.removeprefix("/api/v2/"): example.method for example in EXAMPLES}

    assert {path for path, method in examples.items() if method == "POST"} >= (
        posted - {"torrents/stop", "torrents/start"}
    )


def test_the_table_of_differences_is_the_one_that_is_checked():
    _, _, rest = TEXT.partition("<!-- differences -->\n")
    table, _, _ = rest.partition("<!-- /differences -->")

    assert table.strip() == markdown()


def endpoints() -> dict[str, set[str]]:
    """Return what the application answers, by path below /api/v2, and the methods it takes."""
    return {path: set(one.methods) for path, one in ENDPOINTS.items()}


@pytest.mark.parametrize(
    ("expected", "found", "fit"),
    [
        ('{"a": 1, ...}', {"a": 1, "b": 2}, True),
        ('{"a": 1, ...}', {"b": 2}, False),
        ('{"a": 1}', {"a": 1, "b": 2}, False),
        ('{"a": ...}', {"a": []}, True),
        ('{"a": "..."}', {"a": "x"}, True),
        ("[1, ...]", [1, 2, 3], True),
        ("[1, ...]", [2, 2, 3], False),
        ("[...]", [], True),
        ("{...}", {}, True),
        ("[]", [1], False),
        ("1", True, False),
    ],
)
def test_dots_stand_for_anything(expected, found, fit):
    assert fits(expected_json(expected), found) is fit
