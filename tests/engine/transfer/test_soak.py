"""Whole downloads in trouble drawn by a seed: exact, or an error says why and they go on.

A seed decides everything that can be decided: the file, the request, the disk, what goes wrong and
when the user stops. A failure is repeated by its seed alone, up to the timing of threads:

    SOAK_SEEDS=100 pytest tests/engine/transfer/test_soak.py      # seeds 0 to 99 of everything
    SOAK_SEEDS=417:418 pytest tests/engine/transfer/test_soak.py -k "mixture"   # that one
"""

import collections
import contextlib
import errno
import itertools
import logging
import math
import os
import random
import threading

import pytest

from engine.transfer import disk, wire
from engine.transfer.download import Checkpoint, Engine
from engine.transfer.errors import Stopped
from tests.engine.transfer import soak
from tests.engine.transfer.soak import MIB, SECRET, Trial, Witness, attempt, judge, seeds
from tests.engine.transfer.soak_scenarios import SCENARIOS, Trouble
from tests.fakes.dns import Resolver, has_ipv6

pytestmark = pytest.mark.usefixtures("quick")

ROUNDS = 12
"""Runs after which a download that always ends early is taken for one that never ends."""
MIXABLE = [each for each in SCENARIOS if each.mixes]


@pytest.fixture(autouse=True)
def quicker(monkeypatch):
    soak.hurry(monkeypatch)


@pytest.fixture
def resolver(monkeypatch):
    """The names there are; nobody asks the network."""
    resolver = Resolver()
    monkeypatch.setattr(wire.socket, "getaddrinfo", resolver)
    return resolver


def every_scenario():
    """Return each scenario with its seeds, usually so many that each trouble comes three times."""
    ways = collections.Counter(each.trouble for each in SCENARIOS)
    return [
        pytest.param(each, seed, id=f"{each.name.replace(' ', '-')}-{seed}")
        for each in SCENARIOS
        for seed in seeds(math.ceil(3 / ways[each.trouble]))
    ]


def test_there_is_a_scenario_for_everything_that_is_tried():
    assert {each.trouble for each in SCENARIOS} == set(Trouble)
    assert len({each.name for each in SCENARIOS}) == len(SCENARIOS)


@pytest.mark.parametrize(("scenario", "seed"), every_scenario())
def test_mended_or_told_and_nothing_wrong_on_the_disk(part, resolver, caplog, scenario, seed):
    caplog.set_level(logging.DEBUG, "engine")
    if scenario.trouble is Trouble.IPV6 and not has_ipv6():
        pytest.skip("this machine has no IPv6 loopback")

    judge(scenario, seed, part, resolver)

    assert SECRET not in caplog.text


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


@pytest.mark.parametrize("seed", seeds(16))
def test_a_mixture_of_trouble_is_survived(part, resolver, monkeypatch, seed):
    draw = random.Random(seed)
    size = draw.choice([0, None, None, draw.randrange(20 * MIB)])
    spoil_the_disk(monkeypatch, draw)
    with contextlib.ExitStack() as stack:
        trial = Trial(stack, part, draw, resolver=resolver, size=size)
        host, content = trial.host, trial.content
        for scenario in draw.sample(MIXABLE, draw.choice([0, 1, 2, 4])):
            trial.place = draw.randrange(max(1, content.size))
            trial.few = draw.choice([1, 2, 3])
            scenario.spoil(trial)
        stop_at = draw.choice([None, draw.randrange(content.size + 1)])
        witness = Witness(part, content, stop_at=stop_at)
        if draw.random() < 0.4 and (prefix := draw.randrange(content.size + 1) // 4096 * 4096):
            part.write_bytes(content.read(0, prefix) + b"left over" * draw.choice([0, 1, 10**6]))
            witness.checkpoint = Checkpoint(prefix, content.size, '"1-1"')
        engine = Engine(ca_file=trial.ca_file)
        stack.callback(engine.close)
        for _ in range(ROUNDS):
            problem = attempt(engine, trial, witness)
            if problem is None:
                break
            if not isinstance(problem, Stopped):
                trial.mend()  # it was told, so somebody did
        else:
            pytest.fail(f"does not end: {problem!r}")

        assert part.read_bytes() == content.read()
        assert witness.at == content.size
        assert not host.complaints
    assert not [each for each in threading.enumerate() if each.name.startswith("fetch-")]
