"""A download in one line."""

import pytest

from engine.transfer import fetcher, latency, retry, stalls
from engine.transfer.download import Engine, Link, OneLink, Request
from engine.transfer.route import Links
from tests.fakes.filehost import FileHost, Pattern

MIB = 1 << 20
FILM = Pattern(12 * MIB + 777, seed=7)


class Run:
    """A download, what it saved and what it showed."""

    def __init__(self, engine, path, links, *, observe=False, limit=0, **request):
        self.saved = []
        self.seen = bytearray()
        self.begins = []
        self.path = path
        self.download = engine.download(
            Request(path=path, **request),
            links,
            save=self.saved.append,
            observe=self._observe if observe else None,
            limit=limit,
        )

    def __call__(self):
        return self.download.run()

    def _observe(self, offset, views):
        self.begins.append(offset)
        for view in views:
            self.seen += view

    @property
    def bytes(self):
        return self.path.read_bytes()


class Renewable(Links):
    """A link that can be renewed, as AllDebrid's can."""

    def __init__(self, url, *fresh):
        self.urls = [url, *fresh]
        self.asked = 0

    def current(self):
        return Link(self.urls[0])

    def refresh(self, stale):
        self.asked += 1
        if stale.url == self.urls[0] and len(self.urls) > 1:
            del self.urls[0]
        return Link(self.urls[0])


@pytest.fixture
def host():
    """A host that serves FILM."""
    with FileHost({"/film": FILM}) as host:
        yield host


@pytest.fixture
def quick(monkeypatch):
    """Make what takes seconds in life take milliseconds here; the rules stay as they are."""
    monkeypatch.setattr(stalls, "HEAD", 0.15)
    monkeypatch.setattr(stalls, "OTHERS", 0.3)
    monkeypatch.setattr(stalls, "ALL", 0.3)
    monkeypatch.setattr(latency, "FIRST_LIMIT", 0.3)
    monkeypatch.setattr(latency, "LONGEST_LIMIT", 0.6)
    monkeypatch.setattr(retry, "FIRST_DELAY", 0.01)
    monkeypatch.setattr(fetcher, "BUSY_PAUSE", 0.02)


@pytest.fixture
def part(tmp_path):
    return tmp_path / "film.part"


@pytest.fixture
def prepare(part):
    """Prepare a download of a URL (or Links); the engine ends with the test."""
    engines = []

    def prepare(source, *, ca_file=None, **options):
        engine = Engine(ca_file=ca_file)
        engines.append(engine)
        links = OneLink(source) if isinstance(source, str) else source
        return Run(engine, options.pop("path", part), links, **options)

    yield prepare
    for engine in engines:
        engine.close()
