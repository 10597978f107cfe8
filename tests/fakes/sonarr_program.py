"""Sonarr, Radarr and Prowlarr as far as a qBittorrent sees them: what they ask, in which order.

One `Sonarr` is one entry under "Download Clients". Each method is an occasion; its requests go out
through `SonarrHttp`, what the answers mean is decided in `sonarr_reading`, and what the program
would conclude comes back. `believes` lets it take the server for another version of the API.

`refresh` is the whole poll: it imports what is completed, by moving where the client may forget
the files and by linking where not, and removes what was imported. The library is a real folder.
What was imported is remembered by infohash, as the real programs do: until a `restart` the same
infohash is never imported again, and is removed when it comes back completed.
"""

import base64
import enum
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from tests.fakes import sonarr_reading as reading
from tests.fakes.sonarr_http import Answer, LoginRefused, SonarrHttp
from tests.fakes.sonarr_reading import Item, Misread, Preferences, Status, Version

API = "/api/v2/"
TRIES = 10
"""How often a torrent that was just added is looked for, 100 ms apart."""

VIDEOS = {".mkv", ".mp4"}


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the user set for the download client."""

    category: str = "tv-sonarr"
    imported_category: str = ""
    first: bool = False
    """Recent and older priority: first."""
    initial_state: str = "started"
    """Or `stopped`, or `forced`."""
    sequential: bool = False
    first_and_last: bool = False
    layout: str = ""
    """Empty for the server's own, else `Original` or `Subfolder`."""
    tags: tuple[str, ...] = ()
    """Of the series; Sonarr 5 adds them where that is on."""
    inactive_time: bool = False
    """Seed times of indexers count from the last activity."""
    remove_completed: bool = True


class Criteria(msgspec.Struct, frozen=True, kw_only=True):
    """An indexer's seed criteria; -2 where it has none."""

    ratio: float = -2
    minutes: int = -2


NO_CRITERIA = Criteria()


class Failure(msgspec.Struct, frozen=True):
    """What the test button shows at a field."""

    field: str
    message: str
    warning: bool = False


class Grab(enum.Enum):
    GRABBED = "grabbed"
    SKIPPED = "skipped"
    """A warning in the log; the next candidate is tried, this one never again."""
    PENDING = "pending"
    """Tried again with every RSS sync: the client is not available."""


class State(enum.Enum):
    DOWNLOADING = "downloading"
    IMPORT_PENDING = "import pending"
    IMPORTED = "imported"


class ClientFailed(Exception):
    """The client is no use now; the message is what the program shows."""


class AuthenticationFailed(ClientFailed):
    """User name or password are not taken."""


class Sonarr:
    def __init__(
        self,
        http: SonarrHttp,
        settings: Settings | None = None,
        *,
        library: Path | None = None,
        believes: str = "",
        now: Callable[[], float] = time.time,
    ) -> None:
        self.http = http
        self.settings = settings or Settings()
        self.library = library
        self.believes = believes
        self.now = now
        self.states: dict[str, State] = {}
        self.grabbed: dict[str, str] = {}
        """What history says last of an infohash: `grabbed` or `imported`."""
        self.warnings: list[str] = []
        self._known: Version | None = None

    def __repr__(self) -> str:
        return f"<Sonarr {self.http!r} category={self.settings.category!r}>"

    # Occasions

    def restart(self) -> None:
        """Forget everything but the history."""
        self.states.clear()
        self.http.cookies.clear()
        self._known = None

    def test(self) -> list[Failure]:
        """Press the test button; nothing is returned where all is well."""
        try:
            self._detect(force=True)
            self._version()
        except AuthenticationFailed:
            return [Failure("Username", "Authentication Failure")]
        except (ClientFailed, Misread) as trouble:
            return [Failure("Host", f"Unable to connect: {trouble}")]
        found = self._test_settings()
        if any(not one.warning for one in found):
            return found
        return found + self._test_category() + self._test_priority() + self._test_list()

    def grab_magnet(self, magnet: str, criteria: Criteria = NO_CRITERIA) -> Grab:
        """Send a release that has a magnet."""
        infohash = _infohash(magnet)
        return self._grab(infohash, lambda: self._add_magnet(magnet, criteria), criteria)

    def grab_file(
        self, title: str, infohash: str, torrent: bytes, criteria: Criteria = NO_CRITERIA
    ) -> Grab:
        """Send a release whose .torrent the program fetched itself."""

        def add() -> None:
            self._add(("torrents", f"{title}.torrent", torrent), criteria=criteria)

        return self._grab(infohash, add, criteria)

    def poll(self) -> list[Item]:
        """Read the queue. Raises ClientFailed."""
        self._detect()
        api = self._version()
        preferences = self._preferences()
        return [
            reading.item(
                torrent,
                preferences,
                api,
                self.now(),
                seeding_time=lambda one=torrent: self._properties(one.hash).seeding_time,
                removes=self.settings.remove_completed,
            )
            for torrent in self._listed()
        ]

    def refresh(self) -> list[Item]:
        """Read the queue, import what is completed and remove what was imported."""
        items = self.poll()
        for item in items:
            self._track(item)
        return items

    def remove(self, download_id: str, *, data: bool = True) -> None:
        """Remove from the queue and the client."""
        self._detect()
        form = {"hashes": download_id.lower()}
        self._post("torrents/delete", form | ({"deleteFiles": "true"} if data else {}))

    def change_category(self, download_id: str, category: str) -> None:
        """Move to another category, as after an import or on leaving the queue."""
        self._detect()
        self._post("torrents/setCategory", {"hashes": download_id.lower(), "category": category})

    def import_path(self, item: Item) -> str:
        """Return where the files are, from their names where the list does not say so."""
        if item.output_path:
            return item.output_path
        infohash = item.download_id.lower()
        files = _decoded(self._get("torrents/files", hash=infohash), list[reading.File])
        if not files:
            return ""
        properties = self._properties(infohash)
        return f"{properties.save_path.rstrip('/')}/{reading.first_part(files[0].name)}"

    def root(self) -> str:
        """Return the folder that health checks look at."""
        self._detect()
        self._version()
        base = self._preferences().save_path
        if not self.settings.category:
            return base
        category = self._categories().get(self.settings.category)
        own = category.save_path if category else ""
        return own if own.startswith("/") else os.path.normpath(f"{base}/{own}")

    def health(self, *libraries: str) -> list[str]:
        """Look at the client's folder as it is seen from here."""
        root = self.root()
        found = [] if Path(root).is_dir() else [f"{root} does not appear to exist"]
        if root in libraries:
            found.append(f"{root} is a library's folder")
        if reading.removes_completed(self._preferences()):
            found.append("removes completed downloads")
        return found

    # The test button

    def _test_settings(self) -> list[Failure]:
        if not self.settings.category:
            return [Failure("TvCategory", "Category is recommended", warning=True)]
        if reading.removes_completed(self._preferences()):
            return [Failure("", "qBittorrent is configured to remove torrents")]
        return []

    def _test_category(self) -> list[Failure]:
        wanted = [("TvCategory", self.settings.category)]
        wanted.append(("TvImportedCategory", self.settings.imported_category))
        wanted = [(field, name) for field, name in wanted if name]
        if not wanted:
            return []
        self._detect(force=True)
        self._version()
        known = self._categories()
        for field, name in wanted:
            if name not in known:
                self._post("torrents/createCategory", {"category": name})
                known = self._categories()
            if name not in known:
                return [Failure(field, "Configuration of category failed")]
        return []

    def _test_priority(self) -> list[Failure]:
        if self.settings.first and not self._preferences().queueing_enabled:
            return [Failure("RecentTvPriority", "Queueing Not Enabled")]
        return []

    def _test_list(self) -> list[Failure]:
        try:
            self._listed()
        except (ClientFailed, Misread) as trouble:
            return [Failure("", f"Failed to get the list of torrents: {trouble}")]
        return []

    # Grabbing

    def _grab(self, infohash: str, add: Callable[[], None], criteria: Criteria) -> Grab:
        try:
            self._detect()
            add()
        except AuthenticationFailed as trouble:
            self.warnings.append(str(trouble))
            return Grab.PENDING
        except (ClientFailed, Misread) as trouble:
            self.warnings.append(str(trouble))
            return Grab.SKIPPED
        self._after_adding(infohash, criteria)
        self.grabbed[infohash.upper()] = "grabbed"
        return Grab.GRABBED

    def _add_magnet(self, magnet: str, criteria: Criteria) -> None:
        if not self._preferences().dht and "&tr=" not in magnet:
            raise ClientFailed("Magnet Links without trackers not supported if DHT is disabled")
        self._add(urls=magnet, criteria=criteria)

    def _add(self, *files: tuple[str, str, bytes], urls: str = "", criteria: Criteria) -> None:
        form = {"urls": urls} if urls else {}
        if self._category():
            form["category"] = self._category()
        form |= self._options()
        if criteria != NO_CRITERIA and self._api >= reading.LIMITS_WITH_ADD:
            form |= self._limits(criteria)
        if self._post("torrents/add", form, *files).text == "Fails.":
            raise ClientFailed("Download client failed to add torrent")

    def _options(self) -> dict[str, str]:
        form = {}
        if self.settings.initial_state != "forced":
            word = "stopped" if self._version() >= reading.STOPPED else "paused"
            form[word] = str(self.settings.initial_state == "stopped")
        if self.settings.sequential:
            form["sequentialDownload"] = "True"
        if self.settings.first_and_last:
            form["firstLastPiecePrio"] = "True"
        if self.settings.layout:
            form["contentLayout"] = self.settings.layout
        return form

    def _limits(self, criteria: Criteria, *, always: bool = False) -> dict[str, str]:
        form = {}
        if criteria.ratio != -2 or always:
            form["ratioLimit"] = f"{criteria.ratio:g}"
        if criteria.minutes != -2 or always:
            name = "seedingTimeLimit"
            if self.settings.inactive_time and self._version() >= reading.INACTIVE_LIMIT:
                name = "inactiveSeedingTimeLimit"
            form[name] = str(criteria.minutes)
        return form

    def _after_adding(self, infohash: str, criteria: Criteria) -> None:
        """Set what torrents/add cannot take; it is no failure when that fails."""
        infohash = infohash.lower()
        limits = criteria != NO_CRITERIA and self._api < reading.LIMITS_WITH_ADD
        forced = self.settings.initial_state == "forced"
        if not (limits or forced or self.settings.first or self.settings.tags):
            return
        if not any(self._is_loaded(infohash) for _ in range(TRIES)):
            self.warnings.append("not loaded")
            return
        if limits:
            form = {"hashes": infohash} | self._limits(criteria, always=True)
            self._try("torrents/setShareLimits", form, {404})
        if self.settings.first:
            self._try("torrents/topPrio", {"hashes": infohash}, {409})
        if forced:
            self._try("torrents/setForceStart", {"hashes": infohash, "value": "true"}, set())
        if self.settings.tags:
            form = {"hashes": infohash, "tags": ",".join(self.settings.tags)}
            self._try("torrents/addTags", form, set())

    def _is_loaded(self, infohash: str) -> bool:
        return self._ask("GET", "torrents/properties", hash=infohash).status < 300

    def _try(self, path: str, form: dict[str, str], harmless: set[int]) -> None:
        answer = self._ask("POST", path, form)
        if answer.status >= 400 and answer.status not in harmless:
            self.warnings.append(f"{path} {answer.status}")

    def _category(self) -> str:
        return self.settings.category

    # Importing

    def _track(self, item: Item) -> None:
        state = self.states.get(item.download_id)
        if state is None:
            known = self.grabbed.get(item.download_id) == "imported"
            state = State.IMPORTED if known else State.DOWNLOADING
            self.states[item.download_id] = state
        if item.status is Status.COMPLETED and state is not State.IMPORTED:
            self._import(item)
        elif state is State.IMPORTED and item.can_be_removed:
            self.remove(item.download_id)

    def _import(self, item: Item) -> None:
        self.states[item.download_id] = State.IMPORT_PENDING
        path = Path(self.import_path(item))
        videos = _videos(path)
        if not videos:
            self.warnings.append(f"No files found are eligible for import in {path}")
            return
        assert self.library is not None
        self.library.mkdir(parents=True, exist_ok=True)
        for video in videos:
            _bring(video, self.library / video.name, move=item.can_be_removed)
        if item.can_be_removed and path.is_dir() and not _videos(path):
            shutil.rmtree(path)
        self.states[item.download_id] = State.IMPORTED
        self.grabbed[item.download_id] = "imported"
        self._imported(item)

    def _imported(self, item: Item) -> None:
        if self.settings.imported_category not in {"", self.settings.category}:
            form = {
                "hashes": item.download_id.lower(),
                "category": self.settings.imported_category,
            }
            self._try("torrents/setCategory", form, set())
        if item.can_be_removed:
            self.remove(item.download_id)

    # Requests

    @property
    def _api(self) -> Version:
        assert self._known is not None
        return self._known

    def _detect(self, *, force: bool = False) -> None:
        """Find out which API it is; what was found holds for ten minutes."""
        if self._known is not None and not force:
            return
        answer = self.http.send("GET", API + "app/webapiVersion", cookies=False)
        if answer.status != 403 and answer.status >= 400:
            raise ClientFailed(f"no API v2: {answer.status}")
        self._known = self._version()

    def _version(self) -> Version:
        told = reading.version(self._get("app/webapiVersion").text)
        return reading.version(self.believes) if self.believes else told

    def _preferences(self) -> Preferences:
        return _decoded(self._get("app/preferences"), Preferences)

    def _listed(self) -> list[reading.Torrent]:
        query = {"category": self.settings.category} if self.settings.category else {}
        return _decoded(self._get("torrents/info", **query), list[reading.Torrent])

    def _categories(self) -> dict[str, reading.Category]:
        return _decoded(self._get("torrents/categories"), dict[str, reading.Category])

    def _properties(self, infohash: str) -> reading.Properties:
        return _decoded(self._get("torrents/properties", hash=infohash), reading.Properties)

    def _get(self, path: str, **query: str) -> Answer:
        return _checked(self._ask("GET", path, **query))

    def _post(self, path: str, form: dict[str, str], *files: tuple[str, str, bytes]) -> Answer:
        return _checked(self._ask("POST", path, form, *files))

    def _ask(
        self,
        method: str,
        path: str,
        form: dict[str, str] | None = None,
        *files: tuple[str, str, bytes],
        **query: str,
    ) -> Answer:
        try:
            if method == "GET":
                answer = self.http.get(API + path, **query)
            else:
                answer = self.http.post(API + path, *files, **(form or {}))
        except LoginRefused as refused:
            raise AuthenticationFailed("Failed to authenticate with qBittorrent.") from refused
        except OSError as trouble:
            raise ClientFailed("Failed to connect to qBittorrent") from trouble
        if answer.status == 403:
            raise AuthenticationFailed("Failed to authenticate with qBittorrent.")
        return answer


class Prowlarr(Sonarr):
    """Adds and never looks back: no polling, no removing, no share limits."""

    release_category = ""
    """The category that the release's own is mapped to; empty for the client's."""

    def _test_settings(self) -> list[Failure]:
        return []

    def _test_priority(self) -> list[Failure]:
        if not self._preferences().queueing_enabled and self.settings.first:
            return [Failure("Priority", "Queueing not enabled")]
        return []

    def _is_loaded(self, infohash: str) -> bool:
        return bool(self._properties(infohash))

    def _options(self) -> dict[str, str]:
        """Say `paused` whatever the version."""
        form = super()._options()
        return {"paused" if name == "stopped" else name: value for name, value in form.items()}

    def _category(self) -> str:
        return self.release_category or self.settings.category


def _checked(answer: Answer) -> Answer:
    if answer.status >= 400:
        raise ClientFailed(f"Failed to connect to qBittorrent, check your settings: {answer!r}")
    return answer


def _decoded(answer: Answer, kind: Any) -> Any:
    """Read JSON as the program's own types; nulls count as not there."""
    try:
        return msgspec.convert(_without_nulls(answer.json), kind)
    except (ValueError, msgspec.ValidationError) as trouble:
        raise Misread(str(trouble)) from trouble


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(one) for name, one in value.items() if one is not None}
    return [_without_nulls(one) for one in value] if isinstance(value, list) else value


def _infohash(magnet: str) -> str:
    """Return the infohash in hex; one in base32 has 32 letters."""
    named = magnet.partition("btih:")[2].partition("&")[0]
    return base64.b32decode(named.upper()).hex() if len(named) == 32 else named


def _videos(path: Path) -> list[Path]:
    if path.is_file():
        return [path] if path.suffix in VIDEOS else []
    return sorted(one for one in path.rglob("*") if one.suffix in VIDEOS)


def _bring(video: Path, target: Path, *, move: bool) -> None:
    if move:
        shutil.move(video, target)
    else:
        target.unlink(missing_ok=True)
        os.link(video, target)
