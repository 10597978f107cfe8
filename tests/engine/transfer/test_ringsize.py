"""The ring grows when growth pays, and only then."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.transfer.ringsize import (
    AFTER,
    CALM,
    EFFORT,
    FIRST_HOLD,
    LONGEST_HOLD,
    LONGEST_TRIAL,
    LOSS,
    RINGS,
    SHORTEST_TRIAL,
    START,
    TOO_FAR,
    RingSize,
    Sight,
)

MIB = 1 << 20
MB = 1_000_000
TICK = 0.02


def sized(cap=512 * MIB):
    return RingSize(cap, MIB, now=0.0)


class Looks:
    """Shows a RingSize the same sight again and again."""

    def __init__(self, size, *, disk=100 * MB, line=100 * MB):
        self.size, self.disk, self.line = size, disk, line
        self.now = 0.0
        self.received = self.written = 0

    def show(self, seconds, *, starved=0.0, waiting=0.0, dry=False, used=None, latency=0.03):
        end = self.now + seconds - TICK / 2
        while self.now < end:
            self.now += TICK
            self.received += int(self.line * TICK)
            self.written += 0 if dry else int(self.disk * TICK)
            in_use = int(starved * self.size.capacity) if used is None else used
            sight = Sight(
                starved=starved,
                waiting=waiting,
                dry=dry,
                used=in_use,
                received=self.received,
                written=self.written,
                latency=latency,
            )
            self.size.observe(self.now, sight)
        return self.size.capacity


def test_it_begins_small_whatever_the_cap():
    assert sized().capacity == START
    assert sized(8 * MIB + 5).capacity == 8 * MIB
    assert sized().reason == "start"


# Too small in three cases.


def test_a_late_head_that_holds_up_others_makes_it_grow_by_half():
    size = sized()
    Looks(size).show(0.25, starved=0.75, dry=True, latency=0.001)

    assert size.capacity == START * 3 // 2
    assert size.reason == "connections wait for a late range"


def test_connections_that_cannot_even_ask_a_far_server_make_it_grow_as_far():
    size = sized()
    Looks(size).show(0.25, starved=0.5, dry=True, latency=0.05)

    assert size.capacity == 4 * START
    assert size.reason == "connections wait for a late range"


def test_a_far_server_makes_it_grow_to_what_hides_the_waits():
    size = sized()
    Looks(size, line=100 * MB).show(0.25, waiting=0.5, dry=True, latency=0.05)

    expected = 2 * 100 * MB * 0.05 * EFFORT  # half the time was lost, so twice as much is possible
    assert size.capacity == pytest.approx(min(4 * START, expected), abs=2 * MIB)
    assert size.reason == "the server is far"


def test_a_very_far_server_makes_it_grow_in_steps():
    size = sized(4096 * MIB)
    Looks(size, line=100 * MB).show(0.25, waiting=0.9, dry=True, latency=1)

    assert size.capacity == 4 * START


def test_a_disk_that_ran_dry_after_a_burst_makes_it_grow_by_what_it_could_have_written():
    looks = Looks(sized(), disk=100 * MB)
    looks.show(3, starved=1)
    looks.show(0.4, dry=True)

    assert 0.2 * 100 * MB <= looks.size.capacity - START <= 0.45 * 100 * MB
    assert looks.size.reason == "the disk ran dry after a burst"


def test_a_ring_that_was_full_for_a_moment_does_not_make_a_dry_disk_its_fault():
    looks = Looks(sized(), disk=1000 * MB, line=900 * MB)
    for _ in range(30):
        looks.show(0.5)
        looks.show(0.02, starved=1)
        looks.show(0.5, dry=True)

    assert looks.size.capacity == START


def test_it_grows_all_through_the_pause_that_follows_a_burst():
    looks = Looks(sized(), disk=100 * MB)
    looks.show(3, starved=1)
    looks.show(2, dry=True)

    assert looks.size.capacity == pytest.approx(START + 2 * 100 * MB, rel=0.1)


# And only in these.


def test_a_slow_disk_alone_never_makes_it_grow():
    assert Looks(sized()).show(120, starved=1, used=START) == START


def test_a_slow_line_alone_never_does():
    assert Looks(sized()).show(120, dry=True) == START


def test_a_dry_disk_long_after_a_full_ring_is_not_the_rings_fault():
    looks = Looks(sized())
    looks.show(3, starved=1)
    looks.show(AFTER, starved=0.5)

    assert looks.show(10, dry=True) == START


@pytest.mark.parametrize("share", ["starved", "waiting"])
def test_waiting_that_costs_the_disk_nothing_does_not_count(share):
    assert Looks(sized()).show(60, **{share: 0.9}, used=START) == START


@pytest.mark.parametrize(("share", "borne"), [("starved", LOSS), ("waiting", TOO_FAR)])
def test_small_losses_are_borne(share, borne):
    assert Looks(sized()).show(60, **{share: borne * 0.9}, dry=True, latency=1) == START


# Growth for late and far ranges is a trial.


LOST = [{"starved": 0.7}, {"waiting": 0.3, "latency": 0.05}]


@pytest.mark.parametrize("lost", LOST)
def test_growth_that_brings_more_is_kept(lost):
    looks = Looks(sized())
    looks.show(0.22, dry=True, **lost)
    capacity = looks.size.capacity
    assert capacity > START
    looks.line *= 1.5
    looks.show(2 * SHORTEST_TRIAL, dry=True)

    assert looks.size.capacity == capacity


@pytest.mark.parametrize("lost", LOST)
def test_growth_that_brings_nothing_is_taken_back(lost):
    looks = Looks(sized())
    looks.show(0.22, dry=True, **lost)
    assert looks.size.capacity > START
    looks.show(LONGEST_TRIAL, dry=True)

    assert looks.size.capacity == START
    assert looks.size.reason == "more room brought nothing"


def test_the_next_trial_waits_twice_as_long_each_time():
    looks, trials, before = Looks(sized()), [], START
    for _ in range(int(4 * LONGEST_HOLD / 0.2)):
        looks.show(0.2, starved=0.7, dry=True, latency=0.001)
        if looks.size.capacity > before:
            trials.append(looks.now)
        before = looks.size.capacity
    waits = [b - a for a, b in itertools.pairwise(trials)]

    trial = RINGS * START * 1.5 / looks.line
    assert waits[0] == pytest.approx(FIRST_HOLD + trial, abs=0.5)
    assert waits[1] == pytest.approx(2 * FIRST_HOLD + trial, abs=0.5)
    assert max(waits) <= LONGEST_HOLD + trial + 0.5
    assert len(trials) <= 10


# Giving back.


def grown():
    looks = Looks(sized(), disk=400 * MB)
    looks.show(3, starved=1)
    looks.show(3, dry=True)
    assert looks.size.capacity == 512 * MIB
    return looks


def test_what_was_not_needed_for_a_while_is_given_back():
    looks = grown()

    assert looks.show(CALM - 1, used=40 * MIB, dry=True) == 512 * MIB
    assert looks.show(2, used=40 * MIB, dry=True) == 50 * MIB
    assert looks.size.reason == "no need for a while"


def test_it_does_not_shrink_below_its_start():
    assert grown().show(5 * CALM) == START


def test_where_the_disk_ran_dry_now_and_then_the_highest_fill_is_kept():
    looks = grown()
    for _ in range(20):
        looks.show(2, used=400 * MIB)
        looks.show(0.1, used=0, dry=True)

    assert looks.size.capacity >= 400 * MIB


def test_where_the_disk_was_never_dry_only_what_the_fill_moved_by_is_kept():
    looks = grown()
    for _ in range(20):
        looks.show(1, used=500 * MIB, starved=0.5)
        looks.show(1, used=420 * MIB, starved=0.5)

    assert looks.size.capacity == 100 * MIB


def test_a_little_less_is_not_worth_a_change():
    assert grown().show(3 * CALM, used=380 * MIB, dry=True) == 512 * MIB


sights = st.builds(
    Sight,
    starved=st.floats(0, 1),
    waiting=st.floats(0, 1),
    dry=st.booleans(),
    used=st.integers(0, 1 << 30),
    received=st.integers(0, 1 << 50),
    written=st.integers(0, 1 << 50),
    latency=st.floats(0, 60),
)


@given(st.integers(MIB, 1 << 32), st.lists(st.tuples(sights, st.floats(1e-3, 60)), max_size=50))
def test_the_capacity_is_always_whole_blocks_between_start_and_cap(cap, looks):
    size, now = sized(cap), 0.0
    floor = size.capacity
    for sight, seconds in looks:
        now += seconds
        before = size.capacity
        assert size.observe(now, sight) == (size.capacity != before)
        assert size.capacity % MIB == 0
        assert floor <= size.capacity <= cap


# Line, ring and disk in virtual time.


class Pipeline:
    """A line that brings `line(now)` bytes per second, a ring, and a disk that writes in batches.

    As in life, what is being written leaves the ring when all of it is written.
    """

    STEP = 0.01

    def __init__(self, line, disk, cap=1024 * MIB):
        self.line, self.disk = line, disk
        self.size = RingSize(cap, MIB, now=0.0)
        self.now = 0.0
        self.received = self.written = self.batch = 0
        self.left = 0.0
        self.changes = []

    def run(self, seconds):
        """Return the bytes written per second."""
        written, end = self.written, self.now + seconds
        while self.now < end:
            self.now += self.STEP
            starved = self._receive()
            self._write()
            self._look(starved)
        return (self.written - written) / seconds

    def _receive(self):
        coming = int(self.line(self.now) * self.STEP)
        room = max(0, self.size.capacity - (self.received - self.written))
        self.received += min(coming, room)
        return float(coming > room)

    def _write(self):
        able = self.disk * self.STEP
        while able > 0:
            if not self.batch:
                ready = self.received - self.written
                if ready < min(64 * MIB, max(4 * MIB, self.size.capacity // 4)):
                    return
                self.left = self.batch = min(ready, 64 * MIB)
            done = min(able, self.left)
            self.left -= done
            able -= done
            if not self.left:
                self.written += self.batch
                self.batch = 0

    def _look(self, starved):
        sight = Sight(
            starved=starved,
            waiting=0.0,
            dry=not self.batch,
            used=self.received - self.written,
            received=self.received,
            written=self.written,
            latency=0.03,
        )
        if self.size.observe(self.now, sight):
            self.changes.append((self.now, self.size.capacity))


def bursts(now):
    return 400 * MB if now % 4 < 2 else 0


@pytest.mark.parametrize("disk", [100 * MB, 150 * MB])
def test_a_line_that_comes_in_bursts_keeps_the_disk_busy_once_the_ring_has_grown(disk):
    pipeline = Pipeline(bursts, disk)
    pipeline.run(20)
    rate = pipeline.run(60)

    assert rate >= 0.95 * disk
    # What the disk writes in a pause, a write that waits to be worth while, and a quarter more.
    assert 2 * disk <= pipeline.size.capacity <= 1.25 * (2 * disk + 64 * MIB)


def test_when_bursts_have_become_a_steady_line_the_memory_is_given_back():
    pipeline = Pipeline(bursts, 150 * MB)
    pipeline.run(40)
    most = pipeline.size.capacity
    pipeline.line = lambda _: 100 * MB
    pipeline.run(60)

    assert pipeline.size.capacity < most / 2


def test_when_bursts_have_become_a_line_faster_than_the_disk_the_memory_is_given_back():
    pipeline = Pipeline(bursts, 150 * MB)
    pipeline.run(40)
    most = pipeline.size.capacity
    pipeline.line = lambda _: 400 * MB
    rate = pipeline.run(60)

    assert pipeline.size.capacity < most / 2
    assert rate >= 0.98 * 150 * MB


@pytest.mark.parametrize(
    ("line", "disk"), [(100, 400), (400, 100), (150, 150), (400, 20), (20, 400)]
)
def test_a_steady_line_and_a_steady_disk_never_make_it_grow(line, disk):
    pipeline = Pipeline(lambda _: line * MB, disk * MB)
    rate = pipeline.run(60)

    assert pipeline.changes == []
    assert rate >= 0.9 * min(line, disk) * MB


class FarServer:
    """A server so many seconds away; every connection waits for each of its ranges once."""

    def __init__(self, latency, connections, speed, cap=1024 * MIB):
        self.latency, self.connections, self.speed = latency, connections, speed
        self.looks = Looks(RingSize(cap, MIB, now=0.0))

    def run(self, seconds):
        """Return the bytes received per second at last."""
        for _ in range(int(seconds / TICK)):
            length = self.looks.size.capacity / self.connections
            takes = self.latency + length / self.speed
            self.looks.line = self.connections * length / takes
            self.looks.show(TICK, waiting=self.latency / takes, dry=True, latency=self.latency)
        return self.looks.line


@pytest.mark.parametrize("latency", [0.03, 0.1, 0.15])
def test_the_farther_the_server_the_more_is_under_way(latency):
    far = FarServer(latency, connections=16, speed=25 * MB)
    rate = far.run(10)

    assert rate > (1 - 2 / EFFORT) * 16 * 25 * MB
    needed = 16 * 25 * MB * latency * EFFORT
    # The last step may bring too little to be kept.
    assert 0.5 * needed <= far.looks.size.capacity <= 1.1 * needed


def test_its_repr_tells_the_capacity():
    assert repr(sized()) == f"<RingSize {START} of {512 * MIB}>"
