"""Whatever the disk does, the file is exact or the error says what is wrong, and it goes on.

A seed decides the file, the request and where the fault strikes; the kind of fault is the test's.
While it happens, a model of the device tells what would survive a power cut: no checkpoint may say
more. What lies behind the last checkpoint is spoiled before the download goes on, as it may be
after an error of the device: it has to be fetched again.

    SOAK_SEEDS=100 pytest tests/engine/transfer/test_disk_faults.py      # seeds 0 to 99 of each
"""

import contextlib
import errno
import os
import random

import pytest

from engine.transfer import disk as disk_module
from engine.transfer import writer
from engine.transfer.download import Engine, OneLink, Request
from engine.transfer.errors import DiskFull, DiskTrouble
from tests.engine.transfer.soak import seeds
from tests.fakes.content import Pattern
from tests.fakes.disk import Disk
from tests.fakes.disk_power import Device
from tests.fakes.filehost import FileHost

pytestmark = pytest.mark.usefixtures("quick")

MIB = 1 << 20
TAILS = [0, 1, 511, 512, 4095, 4096]
SEEDS = seeds(2)


class Behind:
    """Does something to the file behind the engine's back, at a byte that the seed drew."""

    def __init__(self, part, at, act):
        self.part, self.at, self.act = part, at, act
        self.hits = 0

    def observe(self, offset, views):
        if not self.hits and offset + sum(map(len, views)) >= self.at:
            self.hits += 1
            self.act(self.part, offset)

    def lift(self):
        pass


# What goes wrong, and the error that it must end with; None where it is to be survived.
FAULTS = {
    "full at a byte": (lambda disk, at, _: disk.full_at(at), DiskFull),
    "over quota at a byte": (
        lambda disk, at, _: disk.fails("write", errno.EDQUOT, at=at),
        DiskFull,
    ),
    "no room to reserve": (lambda disk, *_: disk.fails("fallocate", errno.ENOSPC), DiskFull),
    "full at a sync": (
        lambda disk, _, nth: disk.fails("fdatasync", errno.ENOSPC, nth=nth),
        DiskFull,
    ),
    "full at the end": (
        lambda disk, *_: disk.fails("fsync", errno.ENOSPC, where=is_part),
        DiskFull,
    ),
    "EIO at a byte": (lambda disk, at, _: disk.fails("write", errno.EIO, at=at), DiskTrouble),
    "EIO at a byte, once": (
        lambda disk, at, _: disk.fails("write", errno.EIO, at=at, times=1, where=begins_at(at)),
        DiskTrouble,
    ),
    "EIO at a sync, once": (
        lambda disk, _, nth: disk.fails("fdatasync", errno.EIO, nth=nth, times=1),
        DiskTrouble,
    ),
    "EIO at the end, once": (
        lambda disk, *_: disk.fails("fsync", errno.EIO, times=1, where=is_part),
        DiskTrouble,
    ),
    "EIO for the name, once": (
        lambda disk, *_: disk.fails(
            "fsync", errno.EIO, times=1, where=lambda one: not is_part(one)
        ),
        DiskTrouble,
    ),
    "EIO while writing out, once": (
        lambda disk, _, nth: disk.fails("write_out", errno.EIO, nth=nth, times=1),
        DiskTrouble,
    ),
    "read-only at a byte": (
        lambda disk, at, _: disk.fails("write", errno.EROFS, at=at),
        DiskTrouble,
    ),
    "read-only": (lambda disk, *_: disk.read_only()[-1], DiskTrouble),
    "direct refused at open": (lambda disk, *_: disk.refuses_direct_at_open(), None),
    "direct refused at a write": (lambda disk, _, nth: disk.refuses_direct_at_write(nth), None),
    "no fallocate": (lambda disk, *_: disk.fails("fallocate", errno.EOPNOTSUPP), None),
    "no sync_file_range": (lambda disk, *_: disk.fails("write_out", errno.ENOSYS), None),
    "no fsync of folders": (
        lambda disk, *_: disk.fails("fsync", errno.EINVAL, where=lambda one: not is_part(one)),
        None,
    ),
}

BEHIND = {
    "deleted": lambda part, _: part.unlink(),
    "replaced": lambda part, _: part.replace(part.with_name("kept")) and part.write_bytes(b"other"),
    "cut": lambda part, offset: os.truncate(part, offset // 2),
    "emptied": lambda part, _: os.truncate(part, 0),
}


FULL = (errno.ENOSPC, errno.EDQUOT)


def is_part(call):
    return call.path.name == "film.part"


def begins_at(at):
    """A write that takes in the byte, wherever it begins: the device fails, not the file."""
    return lambda call: call.offset <= at < call.end


class Trial:
    """One download on one disk, with all that can be checked while it runs."""

    def __init__(self, part, shadow, seed):
        draw = self.draw = random.Random(seed)
        size = draw.choice([0, 1, 4096, 2 * MIB, 3 * MIB, draw.randrange(6 * MIB)])
        self.content = Pattern(size + draw.choice(TAILS), seed=seed)
        self.request = {
            "size": draw.choice([None, self.content.size]),
            "connections": draw.choice([1, 2, 4]),
            "ring": 4 * MIB,
            "batch": draw.choice([4096, 100_000, MIB, 64 * MIB]) if size < MIB else MIB,
            "flush_interval": draw.choice([0.0, 5.0]),
        }
        self.at = draw.randrange(self.content.size + 1)
        self.nth = draw.choice([1, 1, 2, 3])
        self.part = part
        self.saved = None
        self.device = Device(part.parent, shadow)
        self.disk = Disk(part.parent, before=self.device.before, after=self.device.after)

    def save(self, checkpoint):
        """A checkpoint speaks of what survives, and of more than the one before."""
        assert checkpoint.flushed > (self.saved.flushed if self.saved else 0)
        promised = self.device.shadow / "files" / str(self.part.stat().st_ino)
        flushed = checkpoint.flushed
        assert promised.read_bytes()[:flushed] == self.content.read(0, flushed)
        self.saved = checkpoint

    def run(self, url, observe=None):
        with contextlib.closing(Engine()) as engine:
            asked = Request(path=self.part, resume=self.saved, **self.request)
            job = engine.download(asked, OneLink(url), save=self.save, observe=observe)
            return job.run()

    def spoil(self):
        """Make nonsense of all that no checkpoint speaks of."""
        flushed = self.saved.flushed if self.saved else 0
        with contextlib.suppress(FileNotFoundError), self.part.open("r+b") as file:
            length = os.fstat(file.fileno()).st_size
            file.seek(flushed)
            file.write(b"\xee" * (length - flushed))

    def is_exact(self):
        assert self.part.read_bytes() == self.content.read()
        assert self.part.stat().st_size == self.content.size
        promised = self.device.shadow / "files" / str(self.part.stat().st_ino)
        assert promised.read_bytes() == self.content.read()


@pytest.fixture(params=SEEDS)
def trial(request, part, tmp_path, monkeypatch):
    monkeypatch.setattr(disk_module, "CACHE_WINDOW", 128 << 10)
    monkeypatch.setattr(writer, "SMALLEST_WRITE", 256 << 10)
    folder = tmp_path / "disk"
    folder.mkdir()
    trial = Trial(folder / part.name, tmp_path / "shadow", request.param)
    with contextlib.closing(trial.device), trial.disk:
        yield trial


@pytest.mark.parametrize("kind", FAULTS)
def test_a_disk_that_fails_is_told_and_then_gone_on_with(trial, kind):
    cause, error = FAULTS[kind]
    if "writing out" in kind or "sync_file_range" in kind:
        trial.disk.refuses_direct_at_open()  # only the cache is written out
    fault = cause(trial.disk, trial.at, trial.nth)
    with FileHost({"/film": trial.content}) as host:
        failed = None
        try:
            trial.run(host.url("/film"))
        except (DiskFull, DiskTrouble) as problem:
            failed = problem
        if error is None or not fault.struck:
            assert failed is None
            trial.is_exact()
            return
        assert type(failed) is error
        nothing_was_tried_again(trial.disk.calls, fault)
        trial.disk.lift()
        trial.spoil()
        before = trial.saved.flushed if trial.saved else 0

        outcome = trial.run(host.url("/film"))

    assert outcome.resumed_from == before - (before % 4096 if before < trial.content.size else 0)
    trial.is_exact()


def nothing_was_tried_again(calls, fault):
    """What failed is not asked for again, and what a sync lost is never said to be there."""
    later = [call.kind for call in calls[fault.struck[0] + 1 :] if is_part(call)]
    writes = [call for call in calls if call.kind == "write" and is_part(call)]

    assert len(fault.struck) == 1 or fault.kind == "open"
    assert fault.kind != "write" or "write" not in later
    assert fault.code in FULL or not {"fdatasync", "fsync"} & set(later)
    assert len(writes) == len(set(writes)), "the same bytes were written again"


@pytest.mark.parametrize("kind", BEHIND)
def test_a_file_that_is_tampered_with_is_noticed_before_it_is_called_complete(trial, kind):
    behind = Behind(trial.part, trial.at, BEHIND[kind])
    with FileHost({"/film": trial.content}) as host:
        failed = None
        try:
            trial.run(host.url("/film"), behind.observe)
        except DiskTrouble as problem:
            failed = problem
        if failed is None:  # nothing had been written that could be missed
            assert not behind.hits or trial.part.stat().st_size == trial.content.size
        for _ in range(2):
            try:
                trial.run(host.url("/film"))
                break
            except DiskTrouble:  # what was said to be there is not: the caller begins anew
                trial.saved = None
                trial.part.unlink(missing_ok=True)

    trial.is_exact()


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize("base", [0, 4096, MIB])
@pytest.mark.parametrize("direct", [True, False])
def test_every_tail_is_exact_and_survives(tmp_path, base, tail, direct):
    folder = tmp_path / "disk"
    folder.mkdir()
    trial = Trial(folder / "film.part", tmp_path / "shadow", tail)
    trial.content = Pattern(base + tail, seed=tail)
    trial.request["size"] = None
    with contextlib.closing(trial.device), trial.disk, FileHost({"/film": trial.content}) as host:
        if not direct:
            trial.disk.refuses_direct_at_open()
        trial.run(host.url("/film"))
        trial.is_exact()
