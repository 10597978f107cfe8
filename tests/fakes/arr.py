"""A Sonarr or a Radarr as its own HTTP API shows it: its queue, its history and its commands.

* A download is known by its infohash in capitals. It has a record in queue and history for each
  episode; what is done to one of them is done to the download.
* Giving one up deletes the torrent at the download client first, by a call of its own, before the
  answer: does that fail, the answer is 500 and nothing is blocklisted.
* Then its grab is marked as failed: a line in the history for each record, one in the blocklist,
  one search for all of it. A download that was never grabbed is neither blocklisted nor searched.
* `RefreshMonitoredDownloads` looks at the download client: what it has of ours is in the queue.
* A page beyond the last one shows the last one again.
* A release that is pushed is checked field by field. What reads the JSON refuses with one object,
  what checks the release and what parses its title with a list. A release that was understood is
  answered with a list of one object, whatever became of it. The verdict is what the test says.
* Approved does not mean grabbed: a `downloadClientId` of 0 is a client that does not exist.
* The key comes as a query parameter, which counts before all else, as a header or as a bearer's.

`client` is how it calls a download client, or None for one that does what the test says. What goes
wrong is set by the test: see the fields of `FakeArr`.
"""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import msgspec

from tests.fakes.sonarr_http import SonarrHttp

KEY = "marked-arr-key-0123456789abcdef"
NOT_JSON = "what was sent is no JSON"
"""Stands where the body would."""
REFRESH = "RefreshMonitoredDownloads"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One question."""

    method: str
    path: str
    """Without the URL base."""
    query: dict[str, str]
    body: Any
    at: float
    """Monotonic seconds."""


class Grab(msgspec.Struct, kw_only=True):
    """A release that was grabbed, or that the user put into the category himself."""

    download_id: str
    title: str
    episodes: int
    known: bool = True
    """False when no series or movie of the library goes with it."""
    in_queue: bool = True


class Refused(Exception):
    """The answer is an error."""

    def __init__(self, status: int, body: Any = None, kind: str = "application/json") -> None:
        super().__init__(status)
        self.status = status
        self.body = {"message": "something", "description": KEY} if body is None else body
        self.kind = kind


class FakeArr:
    """The state of one program, and the server in front of it. A context manager."""

    def __init__(
        self,
        *,
        radarr: bool = False,
        url_base: str = "",
        client: SonarrHttp | None = None,
        category: str = "tv-sonarr",
    ) -> None:
        self.radarr = radarr
        self.url_base = url_base
        self.client = client
        self.category = category
        self.key = KEY
        self.redownload = True
        """The setting that searches for another release after a failure."""
        self.statuses: list[int] = []
        """What the next questions are answered with instead."""
        self.headers: dict[str, str] = {}
        """Sent along with those."""
        self.down = False
        """Every connection is cut without an answer."""
        self.delete_fails = False
        """Without a `client`: the download client cannot delete."""
        self.dies_after_delete = False
        """It ends right after the torrent was deleted, once: nothing is blocklisted."""
        self.on_delete: Callable[[str], object] = len
        """Without a `client`: called with the infohash when it deletes a torrent."""
        self.grabs: dict[str, Grab] = {}
        self.history: list[dict[str, Any]] = []
        self.blocklist: list[str] = []
        self.rejections: list[str] = []
        """Why the next releases that are pushed are not approved."""
        self.temporarily = False
        """These reasons hold for now only."""
        self.pushed: list[dict[str, Any]] = []
        """Every release that was understood, approved or not."""
        self.searches: list[list[int]] = []
        """The episodes, or the movie, of each search."""
        self.asked: list[Asked] = []
        self.seen: dict[str, str] = {}
        """The state of each torrent when it last looked at its client."""
        self._changed = threading.Condition()
        self._server: ThreadingHTTPServer | None = None
        self._port = 0

    def __repr__(self) -> str:
        name = "Radarr" if self.radarr else "Sonarr"
        return f"<FakeArr {name} {len(self.grabs)} downloads, {len(self.asked)} questions>"

    def __enter__(self) -> Self:
        handler = type("Handler", (_Handler,), {"arr": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), handler)
        self._server.daemon_threads = True
        self._port = self._server.server_address[1]
        run = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        run.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}{self.url_base}"

    # What a test may do and see

    def grab(
        self, infohash: str, *, title: str = "A.Show.S01", episodes: int = 1, in_queue: bool = True
    ) -> None:
        """Note a grab; `in_queue` says whether the download was seen at the client already."""
        with self._changed:
            download_id = infohash.upper()
            self.grabs[download_id] = Grab(
                download_id=download_id, title=title, episodes=episodes, in_queue=in_queue
            )
            self._note("grabbed", download_id)

    def finds(self, infohash: str, *, known: bool = False) -> None:
        """Let a torrent be in its category that it has never grabbed."""
        download_id = infohash.upper()
        self.grabs[download_id] = Grab(
            download_id=download_id, title="Somebody's", episodes=1, known=known
        )

    def notes(self, event: str, infohash: str) -> None:
        """Add to the history, such as `downloadFolderImported`."""
        with self._changed:
            self._note(event, infohash.upper())

    def queue(self) -> list[dict[str, Any]]:
        """The records of the queue."""
        # An id says nothing about the order, nor about the download.
        return [
            {
                "id": 1_000_000 - 97 * number,
                "downloadId": grab.download_id,
                "title": grab.title,
                "protocol": "torrent",
                "status": "warning",
                "trackedDownloadState": "downloading",
                **({} if not grab.known else {self._what: number}),
            }
            for number, grab in enumerate(
                grab for grab in self.grabs.values() if grab.in_queue for _ in range(grab.episodes)
            )
        ]

    def commands(self) -> list[str]:
        """The names of the commands it was given."""
        return [one.body["name"] for one in self.asked_for("POST", "/command")]

    def asked_for(self, method: str, path: str) -> list[Asked]:
        """The questions to a path, or to what is below it."""
        return [
            one
            for one in list(self.asked)
            if one.method == method and (one.path == path or one.path.startswith(f"{path}/"))
        ]

    def wait_for(self, condition: Callable[[], bool], timeout: float = 20.0) -> None:
        """Wait until something is so that a question may change; for tests without a loop."""
        with self._changed:
            assert self._changed.wait_for(condition, timeout), self.asked

    # What it does

    @property
    def _what(self) -> str:
        return "movieId" if self.radarr else "episodeId"

    def answer(self, asked: Asked, key: str) -> Any:
        """Return the JSON of the answer. Raises Refused, ConnectionAbortedError."""
        with self._changed:
            self.asked.append(asked)
            self._changed.notify_all()
            if self.down:
                raise ConnectionAbortedError
            if self.statuses:
                raise Refused(self.statuses.pop(0))
        if key != self.key:
            raise Refused(401, "")
        result = self._route(asked)
        with self._changed:
            self._changed.notify_all()
        return result

    def _route(self, asked: Asked) -> Any:
        first, _, rest = asked.path.strip("/").partition("/")
        if (asked.method, asked.path) == ("GET", "/queue"):
            return self._page(asked, self._listed(asked.query))
        if (asked.method, asked.path) == ("GET", "/history"):
            wanted = asked.query.get("downloadId")
            found = [one for one in self.history if wanted in {None, one["downloadId"]}]
            return self._page(asked, found[::-1])
        if (asked.method, first) == ("DELETE", "queue"):
            return self._give_up(int(rest), asked.query)
        if (asked.method, asked.path.rpartition("/")[0]) == ("POST", "/history/failed"):
            return self._mark(int(rest.rpartition("/")[2]))
        if (asked.method, asked.path) == ("POST", "/command"):
            return self._command(asked.body)
        if (asked.method, asked.path) == ("POST", "/release/push"):
            return self._push(asked.body)
        raise Refused(404, "<!doctype html>", "text/html")

    def _listed(self, query: dict[str, str]) -> list[dict[str, Any]]:
        option = "includeUnknownMovieItems" if self.radarr else "includeUnknownSeriesItems"
        unknown = query.get(option) == "true"
        return [record for record in self.queue() if unknown or self._what in record]

    def _page(self, asked: Asked, records: list[dict[str, Any]]) -> Any:
        page, size = int(asked.query.get("page", 1)), int(asked.query.get("pageSize", 10))
        last = max(-(-len(records) // size), 1)
        start = (min(page, last) - 1) * size
        return {
            "page": page,
            "pageSize": size,
            "totalRecords": len(records),
            "records": records[start : start + size],
        }

    def _give_up(self, queue_id: int, query: dict[str, str]) -> Any:
        ids = {record["id"]: record["downloadId"] for record in self.queue()}
        if queue_id not in ids:
            raise Refused(404)
        grab = self.grabs[ids[queue_id]]
        if query.get("removeFromClient", "true") == "true":
            self._delete(grab.download_id)
        if self.dies_after_delete:
            self.dies_after_delete = False
            raise ConnectionAbortedError
        if query.get("blocklist") == "true":
            self._fail(grab, search=query.get("skipRedownload") != "true")
        grab.in_queue = False
        return {}

    def _delete(self, download_id: str) -> None:
        if self.client is None:
            if self.delete_fails:
                raise Refused(500)
            self.on_delete(download_id.lower())
        else:
            answer = self.client.post(
                "/api/v2/torrents/delete", hashes=download_id.lower(), deleteFiles="true"
            )
            if answer.status >= 400:
                raise Refused(500)

    def _mark(self, history_id: int) -> Any:
        found = [one for one in self.history if one["id"] == history_id]
        if not found:
            raise Refused(404)
        self._fail(self.grabs[found[0]["downloadId"]], search=True)
        return {}

    def _fail(self, grab: Grab, *, search: bool) -> None:
        with self._changed:
            grabbed = [
                one
                for one in self.history
                if (one["eventType"], one["downloadId"]) == ("grabbed", grab.download_id)
            ]
            if not grabbed:
                return
            self._note("downloadFailed", grab.download_id)
            self.blocklist.append(grab.title)
            if search and self.redownload:
                self.searches.append([one[self._what] for one in grabbed])

    def _command(self, body: Any) -> Any:
        if body["name"] == REFRESH:
            present = self._present()
            for grab in self.grabs.values():
                grab.in_queue = grab.in_queue if present is None else grab.download_id in present
        return {"id": len(self.asked), "name": body["name"], "status": "queued"}

    def _push(self, body: Any) -> Any:
        if wrong := wrong_types(body, radarr=self.radarr):
            raise Refused(400, problem(wrong))
        release = {name[:1].lower() + name[1:]: value for name, value in body.items()}
        if failures := list(invalid_fields(release)):
            raise Refused(400, failures)
        title = release["title"]
        if not _PARSEABLE.search(title):
            raise Refused(400, [failure("Title", "Unable to parse", title)])
        approved = not self.rejections
        with self._changed:
            self.pushed.append(release)
            if approved:
                self._grab_pushed(release)
        return [
            {
                "guid": f"PUSH-{release.get('downloadUrl', '')}",
                "title": title,
                "indexer": release.get("indexer", ""),
                "indexerId": 0,
                "approved": approved,
                "temporarilyRejected": not approved and self.temporarily,
                "rejected": not approved and not self.temporarily,
                "rejections": self.rejections,
                "downloadAllowed": True,
            }
        ]

    def _grab_pushed(self, release: dict[str, Any]) -> None:
        found = _BTIH.search(release.get("magnetUrl", ""))
        download_id = (found[1] if found else release.get("infoHash", "")).upper()
        if download_id and release.get("downloadClientId") != 0:
            self.grabs[download_id] = Grab(
                download_id=download_id, title=release["title"], episodes=1, in_queue=False
            )
            self._note("grabbed", download_id)

    def _present(self) -> set[str] | None:
        """The downloads that are at the client, or None without one."""
        if self.client is None:
            return None
        listed = self.client.get("/api/v2/torrents/info", category=self.category).json
        self.seen |= {torrent["hash"]: torrent["state"] for torrent in listed}
        return {torrent["hash"].upper() for torrent in listed}

    def _note(self, event: str, download_id: str) -> None:
        grab = self.grabs[download_id]
        for number in range(grab.episodes):
            self.history.append(
                {
                    "id": len(self.history) + 1,
                    "eventType": event,
                    "downloadId": download_id,
                    self._what: number,
                    "sourceTitle": grab.title,
                }
            )


_PARSEABLE = re.compile(r"S\d+(E\d+)?|\b\d{4}\b", re.IGNORECASE)
_BTIH = re.compile(r"urn:btih:([0-9a-f]{40})", re.IGNORECASE)
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_TEXTS = (
    *("title", "downloadUrl", "magnetUrl", "indexer", "infoUrl", "commentUrl", "infoHash"),
    *("guid", "downloadClient"),
)
_NUMBERS = (
    *("size", "indexerId", "downloadClientId", "seeders", "leechers", "indexerFlags"),
    *("tvdbId", "tvRageId", "tmdbId"),
)


def wrong_types(body: Any, *, radarr: bool) -> dict[str, list[str]]:
    """What is refused when the JSON is read, by its path."""
    if not isinstance(body, dict):
        return {"": ["A non-empty request body is required."]}
    texts, numbers = (_TEXTS, (*_NUMBERS, "imdbId")) if radarr else ((*_TEXTS, "imdbId"), _NUMBERS)
    wrong = [
        *(name for name in texts if not isinstance(body.get(name, ""), str | None)),
        *(name for name in numbers if not _is_number(body.get(name, 0))),
    ]
    if str(body.get("protocol", "unknown")).lower() not in {
        "torrent",
        "usenet",
        "unknown",
        "1",
        "2",
    }:
        wrong.append("protocol")
    if not _DATE.fullmatch(str(body.get("publishDate", "2026-01-01T00:00:00Z"))):
        wrong.append("publishDate")
    text = "The JSON value could not be converted. Path: $.{0} | LineNumber: 0."
    return {f"$.{name}": [text.format(name)] for name in wrong}


def invalid_fields(release: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What is refused of a release whose JSON could be read."""
    if not release.get("title"):
        yield failure("Title", "'Title' must not be empty.", "", "NotEmptyValidator")
    if not release.get("downloadUrl") and not release.get("magnetUrl"):
        for name in ("DownloadUrl", "MagnetUrl"):
            yield failure(name, f"'{name}' must not be empty.", "", "NotEmptyValidator")
    if str(release.get("protocol", "unknown")).lower() == "unknown":
        yield failure("Protocol", "'Protocol' must not be empty.", 0, "NotEmptyValidator")
    if not release.get("publishDate"):
        yield failure("PublishDate", "'Publish Date' must not be empty.", "", "NotEmptyValidator")


def failure(name: str, message: str, value: Any, code: str = "") -> dict[str, Any]:
    """One entry of the list that a release is refused with."""
    said = {"propertyName": name, "errorMessage": message, "attemptedValue": value}
    return said | {"severity": "error"} | ({"errorCode": code} if code else {})


def problem(errors: dict[str, list[str]]) -> dict[str, Any]:
    """The object that JSON is refused with."""
    title = "One or more validation errors occurred."
    return {"type": "rfc9110", "title": title, "status": 400, "traceId": "00-1", "errors": errors}


def _is_number(value: Any) -> bool:
    if value is None:
        return True
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    arr: FakeArr

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = urlsplit(self.path)
        prefix = f"{self.arr.url_base}/api/v3"
        try:
            if not parts.path.startswith(f"{self.arr.url_base}/"):
                self._send(307, b"", Location=f"{self.arr.url_base}{self.path}")
                return
            if not parts.path.startswith(f"{prefix}/"):
                self._send(404, b"<!doctype html>", kind="text/html")
                return
            asked = Asked(
                method=self.command,
                path=parts.path.removeprefix(prefix),
                query={name: values[-1] for name, values in parse_qs(parts.query).items()},
                body=self._json(body),
                at=time.monotonic(),
            )
            result = self.arr.answer(asked, self._key(asked.query))
            self._send(201 if asked.path == "/command" else 200, json.dumps(result).encode())
        except Refused as refusal:
            text = refusal.body if isinstance(refusal.body, str) else json.dumps(refusal.body)
            self._send(refusal.status, text.encode(), kind=refusal.kind, **self.arr.headers)
        except ConnectionAbortedError:
            self.close_connection = True

    def _key(self, query: dict[str, str]) -> str:
        bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
        return query.get("apikey") or self.headers.get("X-Api-Key") or bearer

    def _json(self, body: bytes) -> Any:
        if not body:
            return None
        if "/release/" in self.path and "json" not in self.headers.get("Content-Type", ""):
            raise Refused(415, problem({}))
        try:
            return json.loads(body)
        except ValueError:
            return NOT_JSON

    def _send(self, status: int, body: bytes, kind: str = "application/json", **headers: str):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
