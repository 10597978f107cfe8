"""Killed between any two system calls of a download, and with the power gone as well.

The durable order is: bytes, sync, checkpoint; then the file's size, its sync, its name. A child
dies at every step of it, one after the other. After each death the disk is taken as it is, or as a
power cut may leave it, while the checkpoint survives in any case: that is the worst there is for
the order. Then the download is gone on with and compared.

    SOAK_SEEDS=100 pytest tests/engine/transfer/test_durable_order.py    # all of each, many seeds
"""

import contextlib
import itertools
import json
import os
import random
import shutil
from pathlib import Path

import pytest

from engine.transfer import writer
from engine.transfer.disk import publish
from engine.transfer.download import Checkpoint, Engine, OneLink, Request
from tests.engine.transfer.soak import seeds
from tests.fakes.content import Pattern
from tests.fakes.disk_power import cut
from tests.fakes.disk_steps import DIED, Nursery, dying
from tests.fakes.filehost import FileHost

MIB = 1 << 20
SIZE = 3 * MIB + 1234
RING = 4 * MIB
MOST_STEPS = 1000
"""Steps after which a download is taken for one that never ends."""

LONG = "SOAK_SEEDS" in os.environ
SEEDS = seeds(1)[::10]
"""Each seed is some fifty downloads, so the long mode takes every tenth."""


class Place:
    """Where a download takes place: its disk, and beside it what survives in any case."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.disk = base / "disk"
        self.part = self.disk / "incomplete" / "film.part"
        self.film = self.disk / "complete" / "film"
        self.shadow = base / "shadow"
        self._saved = base / "saved"

    def make(self) -> "Place":
        self.part.parent.mkdir(parents=True)
        return self

    def save(self, checkpoint: Checkpoint) -> None:
        beside = self._saved.with_suffix(".new")
        beside.write_text(json.dumps([checkpoint.flushed, checkpoint.size, checkpoint.etag]))
        beside.replace(self._saved)

    def saved(self) -> Checkpoint | None:
        return Checkpoint(*json.loads(self._saved.read_text())) if self._saved.exists() else None


def go_on(place: Place, url: str, save, request) -> None:
    """Do all that is missing: the bytes, and the final name."""
    if not place.film.exists():
        with contextlib.closing(Engine()) as engine:
            resume = place.saved()
            asked = Request(path=place.part, resume=resume, ring=RING, **request)
            engine.download(asked, OneLink(url), save=save).run()
        publish(place.part, place.film)


def die_on_the_way(base: str, url: str, last: int, request: dict) -> None:
    """Be the child: die at step number `last`, if there are so many."""
    writer.SMALLEST_WRITE = MIB // 2
    place = Place(Path(base))
    with dying(place.disk, place.shadow, last) as step:

        def save(checkpoint):
            step()
            place.save(checkpoint)

        go_on(place, url, save, request)


@pytest.fixture(scope="module")
def nursery():
    with Nursery("tests.engine.transfer.test_durable_order") as nursery:
        yield nursery


def draw_request(seed):
    draw = random.Random(seed)
    return {
        "batch": draw.choice([MIB // 2, MIB]),
        "connections": draw.choice([1, 2]),
        "flush_interval": draw.choice([0.0, 5.0]),
        "preallocate": draw.random() < 0.5,
    }


def after_death(died: Place, mode: str, chance: random.Random) -> Place:
    """Copy what is left, as it is or as a power cut leaves it; a copy has other inodes."""
    place = Place(died.base.with_name(f"{died.base.name}-{mode}"))
    if mode != "killed":
        cut(died.disk, died.shadow, chance if mode == "mixed" else None)
    shutil.copytree(died.base, place.base)
    return place


def goes_on_exactly(place: Place, url: str, content: Pattern, request: dict) -> None:
    """The checkpoint speaks of nothing but what is there; going on gives the file."""
    saved = place.saved()
    if saved is not None and not place.film.exists():
        assert place.part.read_bytes()[: saved.flushed] == content.read(0, saved.flushed)
    if not place.part.parent.exists():
        place.part.parent.mkdir()
    go_on(place, url, place.save, request)

    assert place.film.read_bytes() == content.read()
    assert [path for path in place.disk.rglob("*") if path.is_file()] == [place.film]


@pytest.mark.parametrize("seed", SEEDS)
def test_killed_at_every_step_it_goes_on_with_what_was_promised(nursery, tmp_path, seed):
    chance, request = random.Random(seed), draw_request(seed)
    content = Pattern(SIZE, seed=seed)
    with FileHost({"/film": content}) as host:
        url = host.url("/film")
        for step in itertools.count(1):
            assert step < MOST_STEPS
            base = tmp_path / str(step)
            place = Place(base).make()
            how = nursery.run(die_on_the_way, base=base, url=url, last=step, request=request)
            if how == 0:
                break
            assert how == DIED
            modes = ["killed", "mixed", "strict"] if LONG or step % 2 else ["strict"]
            for mode in modes:  # the strict one last: it takes most
                goes_on_exactly(after_death(place, mode, chance), url, content, request)
            for each in tmp_path.iterdir():
                shutil.rmtree(each)

    assert place.film.read_bytes() == content.read()
    assert step > 15  # open, two writes, two syncs, finishing, publishing: there is an order
