"""One download that meets trouble: everything a seed can decide, and the judgement at the end.

Theory
    A `Trial` is a file, a host, a request and links, drawn by a seed. A scenario (`troubles`)
    spoils it and says how it must end: MENDED, the classes of errors that may be told, or either.

    Whatever happens, nothing wrong may be on the disk: every checkpoint is compared with the file
    while the engine waits for `save`, every view that the observer gets with what is true, and the
    unfinished file with the true one up to its last byte. After a failure the trouble is mended and
    the download goes on from its last checkpoint: now it has to be exact.

    A failure is repeated by its seed alone, up to the timing of threads.
"""

import contextlib
import os
import random
import threading
from collections.abc import Callable

import pytest

from engine.transfer import download, hosts, parallelism, ranges, ringsize, wire
from engine.transfer.download import Engine, Link, Request
from engine.transfer.errors import FileChanged, Gone, TransferError
from engine.transfer.route import Links
from tests.fakes.certificates import Authority, Certificate
from tests.fakes.filehost import FileHost, Pattern

MIB = 1 << 20
LONGEST = 30.0
"""Seconds after which a run is taken for one that hangs."""
SECOND = 0.01
"""Seconds that one second of a Retry-After takes here."""
SECRET = "hush"  # part of every link; no message and no repr may hold it
SIZES = [1, 4095, 4096, 4097, MIB - 1, MIB, MIB + 1, 3 * MIB, 3 * MIB + 511]
MENDED = type(None)
"""How a run ends that mends what was wrong: no error is told."""


def seeds(usual):
    """Return the seeds to try: `usual` of them, or what SOAK_SEEDS says (`100`, or `417:418`)."""
    first, colon, last = os.environ.get("SOAK_SEEDS", str(usual)).partition(":")
    return range(int(first), int(last)) if colon else range(int(first))


def hurry(monkeypatch):
    """Let what takes seconds in life take milliseconds; the rules stay as they are."""
    monkeypatch.setattr(hosts, "RECOVERY", 0.05)
    monkeypatch.setattr(parallelism, "PERIOD", 0.01)
    monkeypatch.setattr(parallelism, "HOLD", 0.05)
    monkeypatch.setattr(ringsize, "START", 4 * MIB)
    monkeypatch.setattr(ringsize, "PERIOD", 0.01)
    monkeypatch.setattr(ringsize, "CALM", 0.05)
    monkeypatch.setattr(download, "TICK", 0.005)
    monkeypatch.setattr(wire, "CONNECT_TIMEOUT", 0.2)
    monkeypatch.setattr(wire, "NEXT_ADDRESS", 0.05)
    told = ranges._retry_after

    def shorter(head, now):
        seconds = told(head, now)
        return None if seconds is None else seconds * SECOND

    monkeypatch.setattr(ranges, "_retry_after", shorter)


class Renewed(Links):
    """Links that are renewed where their file is, as long as there is one."""

    def __init__(self, url, renew):
        self.url = url
        self.renew = renew
        self.asked = 0

    def current(self):
        return Link(self.url)

    def refresh(self, stale):
        self.asked += 1
        if stale.url == self.url:
            fresh = self.renew()
            if fresh is None:
                return None
            self.url = fresh
        return Link(self.url)


def nobody_renews():
    """Be asked for a link nobody can renew."""


def gone():
    """Be asked for a link to what is not there any more."""
    raise Gone("there is none for this file any more")


class Trial:
    """One download of a drawn file from a drawn host; scenarios spoil it."""

    def __init__(self, stack, path, draw, *, resolver, size=None, **host):
        self.draw = draw
        self.path = path
        self.resolver = resolver
        size = draw.choice([*SIZES, draw.randrange(1, 6 * MIB)]) if size is None else size
        self.content = Pattern(size, seed=draw.randrange(50))
        self.place = draw.randrange(max(1, size))
        """Where it happens: a byte of the file."""
        self.few = draw.choice([1, 2, 3])
        """So often that it is survived, even before the first byte."""
        self.request = {
            "size": draw.choice([None, size]),
            "connections": draw.choice([1, 2, 3, 8]),
            "ring": draw.choice([1, 4 * MIB, 5 * MIB + 3, 8 * MIB, 32 * MIB]),
            "batch": draw.choice([1, 100_000, MIB, 64 * MIB]),
            "flush_interval": draw.choice([0.01, 0.2, 5.0]),
            "preallocate": draw.random() < 0.5,
        }
        host.setdefault("tls", draw.random() < 0.2)
        self._stack = stack
        self.host = self.another_host({"/film": self.content}, **host)
        self.links = Renewed(self.link(), lambda: self.link(self.host.renew("/film")))
        self.stops_after = None
        """The fault after which the user stops the download."""
        self.checks: list[Callable[[], None]] = []
        """What must hold after the run, besides."""
        self.has_changed = False
        """True once the host serves another file than in the beginning."""
        self.must_strike = True
        """False where it depends on timing whether a fault happens at all."""

    @property
    def ca_file(self):
        """Whom the engine trusts; the system's long list would take longer than a download."""
        if self.host.ca_file:
            return self.host.ca_file
        nobody = self.path.with_name("nobody.pem")
        Authority().write(nobody)
        return str(nobody)

    def another_host(self, files, **options):
        """Start one more host; it ends with the trial."""
        return self.enters(FileHost(files, **options))

    def enters(self, context):
        """Open what ends with the trial."""
        return self._stack.enter_context(context)

    def link(self, url=None):
        """Return a link as debrid services give them, with a secret in it."""
        return f"{url or self.host.url('/film')}?token={SECRET}{self.draw.randrange(10**6)}"

    def soon_gives_up(self):
        """Let the engine have little patience, where it is to give up."""
        self.request["patience"] = 0.1

    def breaks_here(self):
        """Let the connection end at `place`, so that it has to be asked for again."""
        return self.host.closes_at(self.place)

    def then(self, action):
        """Do something when `place` is first asked for."""
        return self.host.meanwhile(action, covering=self.place)

    def hangs_up_after_each(self):
        """Let every request need a connection of its own."""
        self.host.sends_headers({"Connection": "close"})

    def changes(self, content=None, **how):
        """The file becomes another one."""
        self.has_changed = True
        self.host.changes_file("/film", content, **how)
        self.content = content or self.content

    def mend(self):
        """End all trouble."""
        self.host.max_connections(None)
        self.resolver.recovers()
        for fault in self.host.faults:
            fault.lift()
        if self.host.ca_file:
            self.host.shows(Certificate.GOOD)
        self.links = Renewed(self.link(), lambda: self.link(self.host.renew("/film")))


class Witness:
    """Compares whatever the engine says with what is true, while it happens."""

    def __init__(self, path, content, *, stop_at=None):
        self.path, self.content, self.stop_at = path, content, stop_at
        self.checkpoint = None
        self.at = 0
        self._stop = None

    def begin(self, job):
        self._stop = job.stop
        self.at = self.checkpoint.flushed if self.checkpoint else 0

    def observe(self, offset, views):
        assert offset == self.at
        for view in views:
            assert view == self.content.read(self.at, self.at + len(view))
            self.at += len(view)
        if self.stop_at is not None and self.at >= self.stop_at:
            self.stop_at = None
            self._stop()

    def save(self, checkpoint):
        before = self.checkpoint.flushed if self.checkpoint else 0
        assert before < checkpoint.flushed <= checkpoint.size == self.content.size
        with self.path.open("rb") as file:
            file.seek(before)
            found = file.read(checkpoint.flushed - before)
        assert found == self.content.read(before, checkpoint.flushed)
        self.checkpoint = checkpoint

    def look_at_the_disk(self):
        """What is there is the file's beginning, at least as far as was ever said."""
        found = self.path.read_bytes() if self.path.exists() else b""
        assert len(found) >= (self.checkpoint.flushed if self.checkpoint else 0)
        assert found == self.content.read(0, len(found))


def run_in_time(job, *, stops_after=None):
    """Run a download; return what it raised, None if nothing. A hang fails the test."""
    raised = []

    def run():
        try:
            job.run()
        except BaseException as problem:  # noqa: BLE001 - told to the test's own thread
            raised.append(problem)

    thread = threading.Thread(target=run)
    thread.start()
    if stops_after is not None:
        stops_after.wait()
        job.stop()
    thread.join(LONGEST)
    if thread.is_alive():
        text = repr(job)
        job.stop()
        thread.join()
        pytest.fail(f"hangs: {text}")
    return raised[0] if raised else None


def attempt(engine, trial, witness):
    """Run the trial's download once, from the witness's checkpoint; return what it raised."""
    request = Request(path=trial.path, resume=witness.checkpoint, **trial.request)
    job = engine.download(request, trial.links, save=witness.save, observe=witness.observe)
    witness.begin(job)
    problem = run_in_time(job, stops_after=trial.stops_after)
    assert problem is None or isinstance(problem, TransferError), repr(problem)
    assert SECRET not in f"{problem!r} {job!r}"
    witness.look_at_the_disk()
    return problem


def judge(scenario, seed, path, resolver):
    """Try a scenario with a seed: exact, or the right error, and exact once it is mended."""
    draw = random.Random(f"{scenario.name} {seed}")
    with contextlib.ExitStack() as stack:
        trial = Trial(stack, path, draw, resolver=resolver, **scenario.options)
        told = scenario.spoil(trial)
        host = trial.host
        engine = Engine(ca_file=trial.ca_file)
        stack.callback(engine.close)
        witness = Witness(path, trial.content)

        problem = attempt(engine, trial, witness)

        assert isinstance(problem, told), f"{problem!r} is told where {told} is expected"
        missed = [fault for fault in host.faults if not fault.hits]
        assert not (trial.must_strike and missed), f"{missed} did not happen"
        for check in trial.checks:
            check()
        if problem is not None:
            trial.mend()
            trial.stops_after = None
            if not trial.has_changed or witness.checkpoint is not None:
                problem = attempt(engine, trial, witness)
        if isinstance(problem, FileChanged) and trial.has_changed:
            trial.request["size"] = None
            witness = Witness(path, trial.content)
            problem = attempt(engine, trial, witness)
        assert problem is None, f"{problem!r} although nothing is wrong any more"
        assert path.read_bytes() == trial.content.read()
        assert witness.at == trial.content.size
        assert not host.complaints
    assert not [each for each in threading.enumerate() if each.name.startswith("fetch-")]
