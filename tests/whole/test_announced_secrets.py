"""Secrets go in by every way there is; nothing that comes out holds one."""

import base64
import http.client
import json

import apsw
import pytest

from tests.engine.jobs.world import Torrent
from tests.fakes import arr_faults
from tests.fakes.arr import KEY, FakeArr
from tests.fakes.sonarr_http import SonarrHttp
from tests.whole.place import until

MARK = "5ec2e7"
"""In every secret, so that one search finds all."""


def secret(number):
    return f"{number:02}{MARK}{number * 7919:024x}"


TOKEN = secret(1)
ARR_KEY = secret(2)
PASSKEY, PATH_KEY, MAGNET_KEY, TRACKER_KEY, COOKIE, INFO_KEY, USER = map(secret, range(3, 10))
WRONG = secret(10)
SHORT = f"q{MARK}1"
"""A key that looks like any word."""
BASE = "https://indexer.invalid"
TORRENT = Torrent(
    "A.Show.S01E01.1080p.WEB-GROUP",
    b"an episode",
    trackers=(f"{BASE}/{TRACKER_KEY}/announce",),
)
HASH = "ab" * 20


TAKEN = 6
"""How many of the bodies are releases."""


def inputs():
    """Bodies, each with secrets in all the places where it can have them."""
    name = "A.Show.S01E{:02}.1080p.WEB-GROUP"
    common = {
        "Cookie": f"uid=1; pass={COOKIE}",
        "InfoUrl": f"{BASE}/details?id=1&torrent_pass={INFO_KEY}",
        "Type": "episode",
    }
    magnet = f"magnet:?xt=urn:btih:{HASH}&tr={BASE}/{MAGNET_KEY}/announce"
    yield {"ReleaseName": name.format(1), "TorrentUrl": f"{BASE}/dl?passkey={PASSKEY}", **common}
    yield {"ReleaseName": name.format(2), "TorrentUrl": f"{BASE}/dl/{PATH_KEY}/1", **common}
    yield {"ReleaseName": name.format(3), "TorrentUrl": f"https://u:{USER}@t.invalid/1", **common}
    yield {"ReleaseName": name.format(4), "MagnetURI": magnet, **common}
    yield {
        "ReleaseName": name.format(5),
        "TorrentDataRawBytes": base64.b64encode(TORRENT.metainfo).decode(),
        "TorrentUrl": f"{BASE}/dl?passkey={PASSKEY}",
        **common,
    }
    yield {
        "ReleaseName": name.format(10),
        "TorrentUrl": f"{BASE}/{SHORT}/1.torrent?k={SHORT}",
        "InfoUrl": f"{BASE}/details/{SHORT}/1",
        "Type": "episode",
    }
    # What is refused
    yield {"TorrentUrl": f"{BASE}/dl?passkey={PASSKEY}", **common}
    yield {"ReleaseName": name.format(6), "TorrentUrl": f"ftp://t/{PASSKEY}", **common}
    yield {"ReleaseName": name.format(7), "MagnetURI": f"magnet:?xt={MAGNET_KEY}", **common}
    yield {"ReleaseName": name.format(8), "TorrentPath": f"/root/{PATH_KEY}.torrent", **common}
    yield {"ReleaseName": name.format(9), "TorrentDataRawBytes": f"!{PASSKEY}", **common}
    yield {"ReleaseName": {"x": PASSKEY}, **common}
    yield f'{{"ReleaseName": "{name.format(1)}", "TorrentUrl" "{PASSKEY}"'


class Speaker:
    """Asks the service, and keeps all that it says."""

    def __init__(self, port):
        self.port = port
        self.heard = []

    def ask(self, method, path, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        self.heard.append(f"{answer.status} {answer.headers} {content.decode('latin-1')}")
        return answer.status, content


@pytest.fixture
def sonarr():
    with FakeArr(category="tv", grabs=True) as fake:
        fake.key = ARR_KEY
        yield fake


@pytest.fixture
def service(make_service, sonarr):
    service = make_service(
        SONARR_URL=sonarr.url, SONARR_API_KEY=ARR_KEY, ARRPUSH_TOKEN=TOKEN, LOG_LEVEL="DEBUG"
    )
    sonarr.client = SonarrHttp(service.port)
    service.start()
    return service


def quoting(_number, body):
    """A program that repeats all it was asked, with an error that is final."""
    said = [{"propertyName": "DownloadUrl", "errorMessage": f"cannot use {value}",
             "attemptedValue": value} for value in body.values()]  # fmt: skip
    return arr_faults.Fault(name="quotes", status=400, body=json.dumps(said))


def knock(speaker):
    """Come to the door in every way, with the right token and with a wrong one."""
    for headers in (
        {"X_Api_Key": TOKEN},
        {"Authorization": f"Bearer {TOKEN}"},
        {"Authorization": f"Basic {base64.b64encode(f'x:{TOKEN}'.encode()).decode()}"},
    ):
        assert speaker.ask("GET", "/arrpush", **headers)[0] == 200
    for path in (f"/arrpush?apikey={WRONG}", f"/arrpush/{WRONG}", f"/arrpush/torrent/{WRONG}/x"):
        assert speaker.ask("GET", path, X_Api_Key=WRONG)[0] in {401, 404}


@pytest.mark.parametrize("faults", [None, quoting], ids=["approved", "refused and quoted"])
def test_no_secret_comes_out_anywhere(service, sonarr, faults):
    if faults:
        sonarr.push_faults = faults
    speaker = Speaker(service.port)
    door = f"/arrpush?target=sonarr&apikey={TOKEN}"
    for body in inputs():
        speaker.ask("POST", door, body if isinstance(body, str) else json.dumps(body))
    knock(speaker)

    def all_ended():
        pushes = json.loads(speaker.ask("GET", f"/arrpush?apikey={TOKEN}")[1])["pushes"]
        over = [one for one in pushes if one["state"] != "waiting"]
        return pushes if len(over) == len(pushes) == TAKEN else None

    for push in until(all_ended, service):
        status, content = speaker.ask("GET", f"/arrpush/{push['id']}?apikey={TOKEN}")
        assert (status, json.loads(content)["code"]) == (200, 400 if faults else 200)
    for path in ("torrents/info", "sync/maindata", "log/main", "app/preferences"):
        assert speaker.ask("GET", f"/api/v2/{path}")[0] == 200
    if not faults:
        for path in ("trackers", "properties", "webseeds"):
            assert speaker.ask("GET", f"/api/v2/torrents/{path}?hash={HASH}")[0] == 200
    assert service.stop() == 0

    assert len(sonarr.asked_for("POST", "/release/push")) == TAKEN
    for said in (*speaker.heard, *written(service)):
        assert MARK not in said
        assert KEY not in said


def test_no_secret_is_in_a_traceback(service, sonarr):
    sonarr.down = True
    speaker = Speaker(service.port)
    for body in list(inputs())[:TAKEN]:
        speaker.ask("POST", f"/arrpush?target=sonarr&apikey={TOKEN}", json.dumps(body))
    service.kill()
    database = service.folder / "config" / "alldebrid-client.db"
    with apsw.Connection(str(database)) as db:
        db.execute("UPDATE pushes SET payload = payload || '}'")
    db.close()
    sonarr.down = False
    service.start()
    until(lambda: "Traceback" in service.output.read_text(), service)
    assert service.stop() == 0

    assert "DecodeError" in service.output.read_text()
    for said in (*speaker.heard, *written(service)):
        assert MARK not in said


def written(service):
    """What the service wrote for people to read."""
    files = [service.output, *service.folder.glob("arr_push_v5.log*")]
    assert len(files) > 1
    return [file.read_text() for file in files]
