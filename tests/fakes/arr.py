"""A Sonarr or a Radarr as its own HTTP API shows it: queue, history, commands, pushed releases.

* A download is known by its infohash in capitals. It has a record in queue and history for each
  episode; what is done to one of them is done to the download.
* Giving one up deletes the torrent at the download client first, by a call of its own, before the
  answer: does that fail, the answer is 500 and nothing is blocklisted.
* Then its grab is marked as failed: a line in the history for each record, one in the blocklist,
  one search for all of it. A download that was never grabbed is neither blocklisted nor searched.
* `RefreshMonitoredDownloads` looks at the download client: what it has of ours is in the queue.
* A page beyond the last one shows the last one again.

Releases that are pushed
    Each is checked field by field: see `arr_push`. The verdict on what was understood is what the
    test says (`rejections`), unless the release is in the queue, on disk or in the blocklist.
    One is judged at a time: the next waits until the one before has been answered.
    What is approved is grabbed before the answer, and the answer is the same whatever the grab
    comes to: see `arr_grab` and `attempts`. So it is with `grabs`; without, or without a `client`,
    a release that has an infohash is noted as grabbed, and nobody is called.
    It goes to the download client that it names (`clients`, `client_name`), else to the default
    one. A `downloadClientId` of 0 is a client that does not exist: nothing is grabbed.
    What is rejected for now waits in `pending` until `grab_pending`, and is not pushed again.

`client` is how it calls our download client, or None for one that does what the test says. What
goes wrong is set by the test: see the fields of `FakeArr` and of `ServedProgram`.
"""

import contextlib
import datetime as dt
from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec

from tests.fakes import arr_grab, arr_push
from tests.fakes.arr_grab import Attempt
from tests.fakes.arr_server import KEY, NOT_JSON, PUSH, Asked, Refused, ServedProgram
from tests.fakes.sonarr_http import RADARR, SONARR_4_0_19, SonarrHttp
from tests.fakes.sonarr_program import Settings, Sonarr

__all__ = ["KEY", "NOT_JSON", "REFRESH", "Asked", "Attempt", "FakeArr", "Grab", "Refused"]

REFRESH = "RefreshMonitoredDownloads"
OURS = "Ours"
"""What our download client is called by default."""
GRABBED, IMPORTED, FAILED = "grabbed", "downloadFolderImported", "downloadFailed"
EVENTS = {GRABBED: 1, IMPORTED: 3, FAILED: 4}
"""What they are called in a query; `downloadIgnored` is 7 for Sonarr and 9 for Radarr."""


class Grab(msgspec.Struct, kw_only=True):
    """A release that was grabbed, or that the user put into the category himself."""

    download_id: str
    title: str
    episodes: int = 1
    client: str = ""
    """Another download client than ours, by its name."""
    known: bool = True
    """False when no series or movie of the library goes with it."""
    in_queue: bool = True
    """It was seen at the download client, and not given up since."""
    removed: bool = False
    """It was given up."""


class FakeArr(ServedProgram):
    """The state of one program, with a server in front of it. A context manager."""

    def __init__(
        self,
        *,
        radarr: bool = False,
        url_base: str = "",
        client: SonarrHttp | None = None,
        category: str = "tv-sonarr",
        grabs: bool = False,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        """`grabs`: what is pushed and approved is fetched and added to the download client."""
        super().__init__(url_base)
        self.radarr = radarr
        self.client = client
        self.category = category
        self.grabs_for_real = grabs
        self.now = now
        self.redownload = True
        """The setting that searches for another release after a failure."""
        self.client_name = OURS
        self.clients: dict[str, SonarrHttp | None] = {}
        """The user's other download clients by name; None for one that takes whatever comes."""
        self.default_client = ""
        """The name of the one for releases that name none; empty for ours."""
        self.remembers = True
        """A release that it has, or that failed, is rejected when it is pushed again."""

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
        """Every release that was understood, approved or not, in the order of its verdict."""
        self.pending: list[dict[str, Any]] = []
        """The releases it will grab itself later."""
        self.attempts: list[Attempt] = []
        """Every grab of a pushed release that was tried."""
        self.searches: list[list[int]] = []
        """The episodes, or the movie, of each search."""
        self.seen: dict[str, str] = {}
        """The state of each torrent when it last looked at its client."""
        self._grabbed: Counter[str] = Counter()
        self._programs: dict[SonarrHttp, Sonarr] = {}

    def __repr__(self) -> str:
        return f"<FakeArr {self.name} {len(self.grabs)} downloads, {len(self.asked)} questions>"

    @property
    def name(self) -> str:
        return "Radarr" if self.radarr else "Sonarr"

    # What a test may do and see

    def grab(
        self, infohash: str, *, title: str = "A.Show.S01", episodes: int = 1, in_queue: bool = True
    ) -> None:
        """Note a grab; `in_queue` says whether the download was seen at the client already."""
        self._note_grab(infohash, title, episodes=episodes, in_queue=in_queue)

    def grabbed_times(self, infohash: str) -> int:
        """How often a torrent was grabbed."""
        return self._grabbed[infohash.upper()]

    def grab_pending(self) -> list[Attempt]:
        """Grab what was rejected for now, or could not be handed to its download client.

        Returns what came of each that is still wanted.
        """
        with self._changed:
            releases, self.pending = self.pending, []
        wanted = [one for one in releases if not (self.remembers and self._known(one))]
        return [self._grab_pushed(release) for release in wanted]

    def finds(self, infohash: str, *, known: bool = False) -> None:
        """Let a torrent be in its category that it has never grabbed."""
        download_id = infohash.upper()
        self.grabs[download_id] = Grab(download_id=download_id, title="Somebody's", known=known)

    def notes(self, event: str, infohash: str) -> None:
        """Add to the history, such as `downloadFolderImported`."""
        with self._changed:
            self._note(event, infohash.upper())
            self._changed.notify_all()

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
                grab
                for grab in list(self.grabs.values())
                if grab.in_queue
                for _ in range(grab.episodes)
            )
        ]

    def commands(self) -> list[str]:
        """The names of the commands it was given."""
        return [one.body["name"] for one in self.asked_for("POST", "/command")]

    # What it does

    @property
    def _what(self) -> str:
        return "movieId" if self.radarr else "episodeId"

    def route(self, asked: Asked) -> Any:
        """Return the JSON of the answer. Raises Refused, ConnectionAbortedError."""
        exact = {
            ("GET", "/queue"): self._queue_page,
            ("GET", "/history"): self._history_page,
            ("GET", "/system/status"): self._status,
            ("POST", "/command"): self._command,
            ("POST", PUSH): self._push,
        }
        if found := exact.get((asked.method, asked.path)):
            return found(asked)
        parent, _, last = asked.path.rpartition("/")
        if (asked.method, parent) == ("DELETE", "/queue"):
            return self._give_up(int(last), asked.query)
        if (asked.method, parent) == ("POST", "/history/failed"):
            return self._mark(int(last))
        raise Refused(404, "<!doctype html>", "text/html")

    # Queue and history

    def _queue_page(self, asked: Asked) -> Any:
        option = "includeUnknownMovieItems" if self.radarr else "includeUnknownSeriesItems"
        unknown = asked.query.get(option) == "true"
        return _page(asked, [one for one in self.queue() if unknown or self._what in one])

    def _history_page(self, asked: Asked) -> Any:
        wanted, event = asked.query.get("downloadId"), asked.query.get("eventType")
        if event is not None and not event.isdigit():
            raise Refused(400, arr_push.problem({"eventType": [f"'{event}' is not valid."]}))
        ids = EVENTS | {"downloadIgnored": 9 if self.radarr else 7}
        found = [
            one
            for one in list(self.history)
            if wanted in {None, one["downloadId"]}
            and (event is None or ids.get(one["eventType"]) == int(event))
        ]
        descending = asked.query.get("sortDirection", "descending") != "ascending"
        found.sort(key=lambda one: (one["date"], one["id"]), reverse=descending)
        return _page(asked, found)

    def _status(self, _asked: Asked) -> Any:
        version = (RADARR if self.radarr else SONARR_4_0_19).agent.split()[0].partition("/")[2]
        named = {"appName": self.name, "instanceName": self.name}
        return named | {"version": version, "urlBase": self.url_base}

    def _give_up(self, queue_id: int, query: dict[str, str]) -> Any:
        ids = {record["id"]: record["downloadId"] for record in self.queue()}
        if queue_id not in ids:
            raise Refused(404)
        grab = self.grabs[ids[queue_id]]
        if query.get("removeFromClient", "true") == "true":
            self._delete(grab)
        if self.dies_after_delete:
            self.dies_after_delete = False
            raise ConnectionAbortedError
        if query.get("blocklist") == "true":
            self._fail(grab, search=query.get("skipRedownload") != "true")
        grab.in_queue, grab.removed = False, True
        return {}

    def _delete(self, grab: Grab) -> None:
        infohash = grab.download_id.lower()
        client = self.clients[grab.client] if grab.client else self.client
        if client is not None:
            answer = client.post("/api/v2/torrents/delete", hashes=infohash, deleteFiles="true")
            if answer.status >= 400:
                raise Refused(500)
        elif not grab.client:
            if self.delete_fails:
                raise Refused(500)
            self.on_delete(infohash)

    def _mark(self, history_id: int) -> Any:
        found = [one for one in self.history if one["id"] == history_id]
        if not found:
            raise Refused(404)
        self._fail(self.grabs[found[0]["downloadId"]], search=True)
        return {}

    def _fail(self, grab: Grab, *, search: bool) -> None:
        with self._changed:
            grabbed = self._noted(GRABBED, grab.download_id)
            if not grabbed:
                return
            self._note(FAILED, grab.download_id)
            self.blocklist.append(grab.title)
            if search and self.redownload:
                self.searches.append([one[self._what] for one in grabbed])

    def _command(self, asked: Asked) -> Any:
        if asked.body["name"] == REFRESH:
            present = self._present()
            for grab in list(self.grabs.values()):
                if present is not None and not grab.client:
                    grab.in_queue = grab.download_id in present
        return {"id": len(self.asked), "name": asked.body["name"], "status": "queued"}

    def _present(self) -> set[str] | None:
        """The downloads that are at our client, or None without one."""
        if self.client is None:
            return None
        listed = self.client.get("/api/v2/torrents/info", category=self.category).json
        self.seen |= {torrent["hash"]: torrent["state"] for torrent in listed}
        return {torrent["hash"].upper() for torrent in listed}

    def _noted(self, event: str, download_id: str) -> list[dict[str, Any]]:
        return [
            one
            for one in self.history
            if (one["eventType"], one["downloadId"]) == (event, download_id)
        ]

    def _note(self, event: str, download_id: str) -> None:
        grab = self.grabs[download_id]
        moment = self.now().astimezone(dt.UTC).isoformat(timespec="seconds")
        for number in range(grab.episodes):
            self.history.append(
                {
                    "id": len(self.history) + 1,
                    "eventType": event,
                    "downloadId": download_id,
                    "sourceTitle": grab.title,
                    "date": moment.replace("+00:00", "Z"),
                    "data": {"downloadClientName": grab.client or self.client_name},
                    self._what: number,
                }
            )

    # Releases that are pushed

    def _push(self, asked: Asked) -> Any:
        if wrong := arr_push.wrong_types(asked.body, radarr=self.radarr):
            raise Refused(400, arr_push.problem(wrong))
        release = arr_push.fields(asked.body)
        if failures := arr_push.failures(release):
            raise Refused(400, failures)
        known = self._known(release) if self.remembers else ""
        rejections = [known] if known else self.rejections
        temporarily = self.temporarily and not known
        with self._changed:
            self.pushed.append(release)
        if not rejections:
            self._grab_pushed(release)
        elif temporarily:
            self._keep(release)
        return arr_push.judged(release, rejections, temporarily=temporarily)

    def _known(self, release: dict[str, Any]) -> str:
        """Return why a release is not wanted a second time, or nothing."""
        title, infohash = release["title"], _infohash(release)
        if title in self.blocklist:
            return "Release is blocklisted"
        for grab in list(self.grabs.values()):
            if grab.title == title or (grab.download_id == infohash.upper() and infohash):
                if self._noted(IMPORTED, grab.download_id):
                    return "Existing file on disk is of equal or higher preference: WEBDL-1080p v1"
                if not grab.removed:
                    return "Release in queue is of equal or higher preference: WEBDL-1080p v1"
        return ""

    def _keep(self, release: dict[str, Any]) -> None:
        with self._changed:
            if release["title"] not in {one["title"] for one in self.pending}:
                self.pending.append(release)

    def _grab_pushed(self, release: dict[str, Any]) -> Attempt:
        """Grab a release; nobody looks at what came of it."""
        name = self._chosen(release.get("downloadClient") or "")
        attempt = Attempt(title=release["title"], client=name)
        delivered = False
        if release.get("downloadClientId") == 0:
            attempt.error = "there is no download client with the id 0"
        else:
            delivered = self._do_grab(release, attempt)
        with self._changed:
            self.attempts.append(attempt)
            self._changed.notify_all()
        if attempt.pending:
            self._keep(release)
        elif not attempt.error:
            self._note_grab(
                attempt.infohash,
                attempt.title,
                client="" if name == self.client_name else name,
                in_queue=delivered,
            )
        return attempt

    def _do_grab(self, release: dict[str, Any], attempt: Attempt) -> bool:
        """Grab for real, if there is a download client; return whether there is."""
        ours = attempt.client == self.client_name
        client = self.client if ours else self.clients[attempt.client]
        if self.grabs_for_real and (client is not None or not ours):
            agent = (RADARR if self.radarr else SONARR_4_0_19).agent
            arr_grab.grab(release, attempt, self._program(client), agent)
            return True
        attempt.infohash = _infohash(release)
        if not attempt.infohash:
            attempt.error = "it has no infohash, and there is nobody to fetch the .torrent for"
        return False

    def _chosen(self, name: str) -> str:
        """Return the name of the download client for a release that names one, or none."""
        known = {one.casefold(): one for one in (*self.clients, self.client_name)}
        return known.get(name.casefold()) or self.default_client or self.client_name

    def _program(self, client: SonarrHttp | None) -> Sonarr | None:
        if client is None:
            return None
        if client not in self._programs:
            self._programs[client] = Sonarr(client, Settings(category=self.category))
        return self._programs[client]

    def _note_grab(
        self, infohash: str, title: str, *, client: str = "", episodes: int = 1, in_queue: bool
    ) -> None:
        download_id = infohash.upper()
        with self._changed:
            self.grabs[download_id] = Grab(
                download_id=download_id,
                title=title,
                episodes=episodes,
                client=client,
                in_queue=in_queue,
            )
            self._grabbed[download_id] += 1
            self._note(GRABBED, download_id)
            self._changed.notify_all()


def _page(asked: Asked, records: list[dict[str, Any]]) -> Any:
    page, size = int(asked.query.get("page", 1)), int(asked.query.get("pageSize", 10))
    last = max(-(-len(records) // size), 1)
    start = (min(page, last) - 1) * size
    return {
        "page": page,
        "pageSize": size,
        "totalRecords": len(records),
        "records": records[start : start + size],
    }


def _infohash(release: dict[str, Any]) -> str:
    """Return the infohash that a release tells before anything is fetched, or nothing."""
    for field in ("magnetUrl", "downloadUrl"):
        if (release.get(field) or "").startswith("magnet:"):
            with contextlib.suppress(arr_grab.GrabFailed):
                return arr_grab.infohash_of_magnet(release[field])
    return (release.get("infoHash") or "").lower()
