"""Whole downloads under faults drawn by a seed: exact, or an error says why and they go on.

A seed decides everything that can be decided: the file, the request, the disk, what goes wrong and
when the user stops. A failure is repeated by its seed alone, up to the timing of threads:

    SOAK_SEEDS=1000 pytest tests/engine/transfer/test_soak.py      # seeds 0 to 999
    SOAK_SEEDS=417:418 pytest tests/engine/transfer/test_soak.py   # that one
"""

import contextlib
import errno
import itertools
import os
import random
import threading
from typing import NamedTuple

import pytest

from engine.transfer import disk, download, hosts, parallelism, ringsize
from engine.transfer.download import Checkpoint, Engine, Request
from engine.transfer.errors import Stopped, TransferError
from tests.engine.transfer.conftest import MIB, Renewable
from tests.fakes.filehost import FileHost, Pattern

pytestmark = pytest.mark.usefixtures("quick")

BIGGEST = 20 * MIB
SIZES = [0, 1, 4095, 4096, 4097, MIB - 1, MIB, MIB + 1, 8 * MIB, 8 * MIB + 511]
ROUNDS = 12
"""Runs after which a download that always ends early is taken for one that never ends."""
LONGEST = 30.0
"""Seconds after which a run is taken for one that hangs."""


def seeds():
    """Return the seeds to try: 16 of them, or what SOAK_SEEDS says."""
    first, colon, last = os.environ.get("SOAK_SEEDS", "16").partition(":")
    return range(int(first), int(last)) if colon else range(int(first))


class Spot(NamedTuple):
    """Where and how often a fault strikes."""

    at: int  # an offset in the file
    after: int  # bytes of a body
    times: int


# What goes wrong. Each is meant to be survived.
FAULTS = {
    "reset": lambda host, it: host.resets_at(it.at, times=it.times),
    "early reset": lambda host, it: host.resets_after(it.after, times=it.times),
    "close": lambda host, it: host.closes_at(it.at, times=it.times),
    "early close": lambda host, it: host.closes_after(it.after, times=it.times),
    "silence": lambda host, it: host.stalls_at(it.at, times=1),
    "no answer": lambda host, it: host.hangs_up(times=it.times, nth=it.times),
    "slow answer": lambda host, it: host.first_byte_after(0.02, times=it.times),
    "slow line": lambda host, _: host.trickles(8 * MIB),
    "500": lambda host, it: host.answers(500, times=it.times, nth=it.times),
    "503": lambda host, it: host.busy(it.times, 0, nth=it.times),
    "404": lambda host, it: host.answers(404, times=1, nth=it.times),
    "page": lambda host, it: host.sends_html(times=1, nth=it.times),
    "text": lambda host, it: host.answers(200, {}, b"busy", times=1, nth=it.times),
    "wrong range": lambda host, it: host.lies_about_range(times=1, nth=it.times),
    "no total": lambda host, it: host.lies_about_total("*", times=1, nth=it.times),
    "gzip": lambda host, it: host.compresses(times=1, nth=it.times),
    "chunks": lambda host, it: host.sends_chunked(it.after or 700, times=it.times),
    "whole": lambda host, it: host.ignores_ranges(times=1, nth=it.times),
    "no ranges": lambda host, _: host.ignores_ranges(),
    "limit": lambda host, it: host.max_connections(it.times + 1),
    "split head": lambda host, it: host.splits_head_every(7, times=it.times),
    "big head": lambda host, it: host.sends_oversized_head(times=1, nth=it.times),
}


@pytest.fixture(autouse=True)
def quicker(monkeypatch):
    """Let what changes once a minute change several times in a download."""
    monkeypatch.setattr(hosts, "RECOVERY", 0.05)
    monkeypatch.setattr(parallelism, "PERIOD", 0.01)
    monkeypatch.setattr(parallelism, "HOLD", 0.05)
    monkeypatch.setattr(ringsize, "START", 4 * MIB)
    monkeypatch.setattr(ringsize, "PERIOD", 0.01)
    monkeypatch.setattr(ringsize, "CALM", 0.05)
    monkeypatch.setattr(download, "TICK", 0.005)


def draw_size(draw):
    return draw.choice([draw.choice(SIZES), draw.randrange(BIGGEST)])


def draw_request(draw, size):
    return {
        "size": draw.choice([None, size]),
        "connections": draw.choice([1, 2, 3, 8, 16]),
        "ring": draw.choice([1, 4 * MIB, 5 * MIB + 3, 8 * MIB, 32 * MIB]),
        "batch": draw.choice([1, 100_000, MIB, 4 * MIB, 64 * MIB]),
        "flush_interval": draw.choice([0.01, 0.2, 5.0]),
        "preallocate": draw.random() < 0.5,
    }


def spoil_the_disk(monkeypatch, draw):
    """Let the disk refuse O_DIRECT from the start, in the middle, or never; write in odd steps."""
    real, calls = os.pwritev, itertools.count()
    refuses_after = draw.choice([0, 2, 10**9, 10**9])
    cuts = draw.random() < 0.3

    def pwritev(fd, views, offset):
        aligned = not (offset % 4096 or sum(map(len, views)) % 4096)
        if aligned and refuses_after <= next(calls) < refuses_after + 1:
            raise OSError(errno.EINVAL, "Invalid argument")
        if cuts and len(views) > 1:
            views = views[: len(views) // 2]
        return real(fd, views, offset)

    monkeypatch.setattr(disk.os, "pwritev", pwritev)


def mend(host):
    for fault in host.faults:
        fault.lift()
    host.max_connections(None)


class Witness:
    """Compares whatever the engine says with what is true, while it happens."""

    def __init__(self, path, content, stop_at):
        self.path, self.content, self.stop_at = path, content, stop_at
        self.checkpoint = None
        self.at = 0
        self.stop = None

    def begin(self, job):
        self.stop = job.stop
        self.at = self.checkpoint.flushed if self.checkpoint else 0

    def observe(self, offset, views):
        assert offset == self.at
        for view in views:
            assert view == self.content.read(self.at, self.at + len(view))
            self.at += len(view)
        if self.stop_at is not None and self.at >= self.stop_at:
            self.stop_at = None
            self.stop()

    def save(self, checkpoint):
        before = self.checkpoint.flushed if self.checkpoint else 0
        assert before < checkpoint.flushed <= checkpoint.size == self.content.size
        with self.path.open("rb") as file:
            file.seek(before)
            assert file.read(checkpoint.flushed - before) == self.content.read(
                before, checkpoint.flushed
            )
        self.checkpoint = checkpoint


def run_in_time(job):
    """Run a download; return what it raised, None if nothing. A hang fails the test."""
    raised = []

    def run():
        try:
            job.run()
        except BaseException as problem:  # noqa: BLE001 - told to the test's own thread
            raised.append(problem)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(LONGEST)
    if thread.is_alive():
        text = repr(job)
        job.stop()
        thread.join()
        pytest.fail(f"hangs: {text}")
    return raised[0] if raised else None


@pytest.mark.parametrize("seed", seeds())
def test_a_download_is_exact_whatever_happens(part, monkeypatch, seed):
    draw = random.Random(seed)
    size = draw_size(draw)
    content = Pattern(size, seed=seed)
    request = draw_request(draw, size)
    faults = draw.sample(sorted(FAULTS), draw.choice([0, 1, 2, 4]))
    if request["size"] is None:
        faults = [fault for fault in faults if fault != "text"]  # nothing tells it from the file
    witness = Witness(part, content, draw.choice([None, draw.randrange(size + 1)]))
    prefix = draw.randrange(size + 1) // 4096 * 4096 if draw.random() < 0.4 else 0
    spoil_the_disk(monkeypatch, draw)
    host = FileHost({"/film": content}, tls=draw.random() < 0.3)
    with host, contextlib.closing(Engine(ca_file=host.ca_file or None)) as engine:
        for fault in faults:
            after = draw.choice([0, 1000, 300_000, 2 * MIB])
            FAULTS[fault](host, Spot(draw.randrange(size + 1), after, draw.choice([1, 2, 3])))
        if prefix:
            part.write_bytes(content.read(0, prefix) + b"left over" * draw.choice([0, 1, 10**6]))
            witness.checkpoint = Checkpoint(prefix, size, '"1-1"')
        links = Renewable(host.url("/film"), *(host.url("/film") + f"?{n}" for n in range(9)))
        for _ in range(ROUNDS):
            asked = Request(path=part, resume=witness.checkpoint, **request)
            job = engine.download(asked, links, save=witness.save, observe=witness.observe)
            witness.begin(job)
            problem = run_in_time(job)
            if problem is None:
                break
            assert isinstance(problem, TransferError), problem
            if not isinstance(problem, Stopped):
                mend(host)  # it was told, so somebody did
        else:
            pytest.fail(f"does not end: {problem!r} with {faults}")

    assert part.read_bytes() == content.read()
    assert witness.at == size
    assert not [each for each in threading.enumerate() if each.name.startswith("fetch-")]
