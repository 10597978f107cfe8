"""The requests of clients that are in use, one occasion after the other.

`tests/data/qbittorrent/requests.json` says who sends what on which occasion and what it must get
to be content. Every occasion is played against an open API and against one with a password.
"""

import itertools
import json
from pathlib import Path

import pytest

from api.qbittorrent.app import create_app
from api.qbittorrent.context import ApiConfig
from api.qbittorrent.login import Login
from engine.jobs.views import AddRequest
from engine.store.records import CategoryRecord
from tests.fakes.sonarr_http import SonarrHttp

TABLE = Path(__file__).parents[2] / "data" / "qbittorrent" / "requests.json"
STEPS = json.loads(TABLE.read_text())
OCCASIONS = {
    name: list(steps) for name, steps in itertools.groupby(STEPS, key=lambda step: step["occasion"])
}

NOW = 1_700_000_000
DONE = "d" * 40
NEW = "e" * 40
WORDS = {
    "<user>": "user",
    "<pass>": "secret",
    "<done>": DONE,
    "<DONE>": DONE.upper(),
    "<new>": NEW,
    "<file>": "950aae932e7e820f99a6387c04bb43fdf48fb6f1",
    "<magnet>": f"magnet:?xt=urn:btih:{NEW}&dn=Show.S01E02&tr=http%3A%2F%2Ft.example%2Fa",
    "<long magnet>": f"magnet:?xt=urn:btih:{NEW}" + "&tr=http%3A%2F%2Ft.example%2Fannounce" * 40,
}


def filled(value):
    """Return a value of the table with the words in it replaced."""
    if isinstance(value, dict):
        return {name: filled(one) for name, one in value.items()}
    if isinstance(value, str):
        for word, meaning in WORDS.items():
            value = value.replace(word, meaning)
    return value


@pytest.fixture(params=["open", "locked"])
def client(request, server, torrents):
    locked = request.param == "locked"
    config = ApiConfig(login=Login.of("user", "secret")) if locked else ApiConfig()
    server.app = create_app(torrents, config, clock=lambda: NOW)
    return SonarrHttp(server.port, *(("user", "secret") if locked else ()))


@pytest.fixture(autouse=True)
async def _world(torrents):
    """One finished episode, and the categories of a Sonarr that was set up before."""
    for name in ("tv", "tv-imported"):
        path = f"/downloads/complete/{name}"
        torrents._categories[name] = CategoryRecord(name=name, save_path=path)
    torrents.now = NOW - 100
    magnet = f"magnet:?xt=urn:btih:{DONE}&dn=Show.S01E01"
    await torrents.add(AddRequest(magnet=magnet, category="tv"))
    torrents.finish(DONE, {"Show.S01E01.mkv": 1000})


def play(client, step, torrent_file):
    session = step.get("session", "own")
    if session == "stale":
        client.cookies = {"SID": "of another qBittorrent"}
    form = filled(step.get("form", {}))
    files = [("torrents", step["filename"], torrent_file)] if "filename" in step else []
    if session == "own":
        if step["method"] == "GET":
            return client.get(step["path"], **filled(step.get("query", {})))
        return client.post(step["path"], *files, **form)
    if step["path"].endswith("/login"):
        return client.login()
    return client.send(step["method"], step["path"])


def judge(step, answer, *, locked):
    assert answer.status == (step.get("locked", step["status"]) if locked else step["status"])
    if answer.status != 200:
        assert answer.headers["content-type"] == "text/plain; charset=UTF-8"
        return
    if "text" in step:
        assert answer.body == step["text"].encode()
        assert answer.headers["content-type"] == "text/plain; charset=UTF-8"
    if "json" in step:
        assert filled(step["json"]).items() <= answer.json.items()
    if "lacks" in step:
        assert step["lacks"] not in answer.json
    if "length" in step:
        assert len(answer.json) == step["length"]
    if "first" in step:
        assert filled(step["first"]).items() <= answer.json[0].items()


@pytest.mark.parametrize("occasion", OCCASIONS)
def test_a_client_gets_what_it_needs_on_every_occasion(client, torrent_file, occasion):
    for step in OCCASIONS[occasion]:
        answer = play(client, step, torrent_file)
        judge(step, answer, locked=bool(client.password))


def test_every_step_of_the_table_is_played():
    assert sum(map(len, OCCASIONS.values())) == len(STEPS)
