"""Sonarr, Radarr and Prowlarr, occasion by occasion: what goes over the line and what comes of it.

`tests/data/qbittorrent/occasions.json` has one entry for each occasion: what the user did, the
requests in their exact order and spelling, and what the program concludes from our answers. A
request is `METHOD target body`; before it stands `probe` where it comes without a cookie also from
a program that is logged in, and `login` where only a program with a password sends it. A body is
urlencoded as it stands, or `multipart` with its parts, a file as `@name`. `believes` is the
version of the API the program takes us for, where that is not ours.
"""

import base64
import json
from pathlib import Path

import msgspec
import pytest

from api.qbittorrent.app import create_app
from api.qbittorrent.context import ApiConfig
from api.qbittorrent.login import Login
from engine.jobs.views import AddRequest
from engine.store.records import CategoryRecord
from tests.fakes.sonarr_http import BOUNDARY, PROWLARR, RADARR, SONARR_4_0_19, SonarrHttp
from tests.fakes.sonarr_program import Criteria, Failure, Prowlarr, Settings, Sonarr
from tests.fakes.sonarr_reading import Item

TABLE = Path(__file__).parents[2] / "data" / "qbittorrent" / "occasions.json"
OCCASIONS = {step["occasion"]: step for step in json.loads(TABLE.read_text())}

NOW = 1_700_000_000
DONE = "d" * 40
NEW = "e1" * 20
USER, PASSWORD = "user", "pä ss&+%"
CATEGORY = "tv/sönarr 4k"
WORDS = {
    "<done>": DONE,
    "<DONE>": DONE.upper(),
    "<new>": NEW,
    "<NEW>": NEW.upper(),
    "<base32>": base64.b32encode(bytes.fromhex(NEW)).decode(),
    "<file>": "950aae932e7e820f99a6387c04bb43fdf48fb6f1",
    "<magnet>": f"magnet:?xt=urn:btih:{NEW}&dn=Show.S01E02&tr=http%3A%2F%2Ft.example%2Fa",
    "<long magnet>": f"magnet:?xt=urn:btih:{NEW}" + "&tr=http%3A%2F%2Ft.example%2Fannounce" * 40,
}
PROGRAMS = {"radarr": (Sonarr, RADARR), "prowlarr": (Prowlarr, PROWLARR)}


def filled(value):
    """Return a value of the table with the words in it replaced."""
    if isinstance(value, dict):
        return {name: filled(one) for name, one in value.items()}
    if isinstance(value, list):
        return [filled(one) for one in value]
    if isinstance(value, str):
        for word, meaning in WORDS.items():
            value = value.replace(word, meaning)
    return value


DOORS = ("open", "locked", "locked, newest")
"""An API without a password; one with a password; the same to the newest release."""

CASES = [
    (door, occasion)
    for occasion, step in OCCASIONS.items()
    for door in DOORS
    if door != "open" or "password" not in step
]


@pytest.fixture
def make(request, server, torrents):
    """Make the program of an occasion, at an open API or at one with a password."""
    locked = request.param != "open"
    config = ApiConfig(login=Login.of(USER, PASSWORD)) if locked else ApiConfig()
    server.app = create_app(torrents, config, clock=lambda: NOW)

    def made(step):
        program, release = PROGRAMS[step.get("program", "radarr")]
        release = SONARR_4_0_19 if request.param == "locked, newest" else release
        login = (USER, step.get("password", PASSWORD)) if locked else ()
        http = SonarrHttp(server.port, *login, release=release)
        settings = msgspec.convert(step.get("settings", {"category": CATEGORY}), Settings)
        return program(http, settings, believes=step.get("believes", ""), now=lambda: NOW)

    return made


@pytest.fixture(autouse=True)
async def _world(torrents):
    """One finished episode, and the categories of a Sonarr that was set up before."""
    for name in (CATEGORY, "tv/imported"):
        path = f"/downloads/complete/{name}"
        torrents._categories[name] = CategoryRecord(name=name, save_path=path)
    torrents.now = NOW - 100
    magnet = f"magnet:?xt=urn:btih:{DONE}&dn=Show.S01E01"
    save_path = f"/downloads/complete/{CATEGORY}"
    await torrents.add(AddRequest(magnet=magnet, category=CATEGORY, save_path=save_path))
    torrents.finish(DONE, {"Show.S01E01.mkv": 1000})


def spoken(sent):
    """A request in the words of the table."""
    line = f"{sent.method} {sent.target}"
    if not sent.body:
        return line
    if sent.headers["content-type"] == "application/x-www-form-urlencoded":
        return f"{line} {sent.body.decode()}"
    assert sent.headers["content-type"] == f"multipart/form-data; boundary={BOUNDARY}"
    first, *parts, end = sent.body.split(f"--{BOUNDARY}".encode())
    assert (first, end) == (b"", b"--\r\n")
    return f"{line} multipart {'|'.join(map(_part, parts))}"


def _part(part):
    head, _, content = part.removesuffix(b"\r\n").partition(b"\r\n\r\n")
    names = head.decode().split('"')
    if names[2] != "; filename=":
        return f"{names[1]}={content.decode()}"
    assert names[4] == "\r\nContent-Type: application/octet-stream"
    return f"{names[1]}=@{names[3]}"


def expected(step, *, locked):
    """What the table wants to be sent, and whether it comes with a cookie."""
    for line in filled(step["sends"]):
        if line.startswith("login "):
            if locked:
                yield line.removeprefix("login "), False
        else:
            yield line.removeprefix("probe "), locked and not line.startswith("probe ")


def do(program, step, torrent_file):
    """Do what the user does, and return what the program concludes."""
    takes = filled(step.get("takes", []))
    words = {"<torrent>": torrent_file, "<garbage>": b"<html>no torrent</html>"}
    takes = [words.get(one, one) for one in takes]
    extra = {}
    if "criteria" in step:
        extra = {"criteria": msgspec.convert(step["criteria"], Criteria)}
    match step["does"]:
        case "locate":
            return [program.import_path(item) for item in program.poll()]
        case "remove_keeping":
            return program.remove(*takes, data=False)
        case "grab_magnet" | "grab_file" as name:
            return getattr(program, name)(*takes, **extra).value
        case name:
            return getattr(program, name)(*takes)


def plain(conclusion):
    if isinstance(conclusion, Failure):
        return [conclusion.field, conclusion.message, conclusion.warning]
    if isinstance(conclusion, Item):
        return msgspec.to_builtins(conclusion)
    return conclusion


@pytest.mark.parametrize(("make", "occasion"), CASES, indirect=["make"])
async def test_the_program_is_understood_and_concludes_the_right_thing(
    make, torrents, torrent_file, occasion
):
    step = OCCASIONS[occasion]
    program = make(step)
    locked = bool(program.http.password)
    if step.get("others_wait"):
        await torrents.add(AddRequest(magnet=f"magnet:?xt=urn:btih:{'a' * 40}"))
    if not step.get("cold"):
        program._detect()
        program.http.sent.clear()

    conclusion = do(program, step, torrent_file)

    sent = program.http.sent
    lines = [(spoken(one), "cookie" in one.headers) for one in sent]
    assert lines == list(expected(step, locked=locked))
    assert all("accept" not in one.headers for one in sent)
    if isinstance(conclusion, list):
        conclusion = [plain(one) for one in conclusion]
    assert conclusion == filled(step["concludes"])
    judge_torrents(step, program, torrents)


def judge_torrents(step, program, torrents):
    """The torrent is as the program wanted it to be, and its line in the queue says so."""
    infohash = filled(step.get("infohash", "<new>"))
    if "item" in step:
        item = next(one for one in program.poll() if one.download_id == infohash.upper())
        shown = msgspec.to_builtins(item)
        assert filled(step["item"]).items() <= shown.items()
        assert program.warnings == []
    if "listed" in step:
        listed = {one["hash"]: one for one in program.http.get("/api/v2/torrents/info").json}
        assert step["listed"].items() <= listed[infohash].items()
        assert program.warnings == []
    if "deleted" in step:
        assert torrents.files_deleted == filled(step["deleted"])
        assert [view.record.hash for view in torrents.views()] == filled(step["left"])


def test_every_part_of_the_programs_is_on_an_occasion():
    """Paths that Sonarr and Radarr are known to ask for; what is not here they never ask for."""
    asked = {line.split("/api/v2/")[1].split("?")[0].split(" ")[0] for line in _all_lines()}
    assert asked == {
        "app/preferences",
        "app/webapiVersion",
        "auth/login",
        "torrents/add",
        "torrents/addTags",
        "torrents/categories",
        "torrents/createCategory",
        "torrents/delete",
        "torrents/files",
        "torrents/info",
        "torrents/properties",
        "torrents/setCategory",
        "torrents/setForceStart",
        "torrents/setShareLimits",
        "torrents/topPrio",
    }


def _all_lines():
    return [line for step in OCCASIONS.values() for line in step["sends"]]
