"""Speed limits are exact over time, whoever reads how much."""

import gc
import heapq
import itertools
import random
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.transfer.download import Engine, OneLink
from engine.transfer.pace import AHEAD, BURST, LONGEST_NAP, Pace, Throttle
from tests.engine.transfer.conftest import FILM, Run
from tests.fakes.clock import Clock

KIB = 1 << 10
MIB = 1 << 20
WINDOW = 10.0

# A machine that is busy is no failure.
unhurried = settings(deadline=None, max_examples=20)


class Readers:
    """Readers under limits, in virtual time: each asks, naps, reads, and asks again."""

    def __init__(self, *, seed=0, late=0.0):
        self.clock = Clock()
        self.began = self.clock.now
        self.reads = []  # (when, reader, bytes)
        self._chance = random.Random(seed)
        self._late = late
        self._turns = []
        self._order = itertools.count()

    def pace(self, rate):
        return Pace(rate, self.clock)

    def join(self, paces, *, takes=lambda: 0.0, brings=lambda granted: granted, wants=MIB):
        """Let a reader begin; a read takes `takes()` seconds and brings `brings(granted)` bytes."""
        name = next(self._order)
        work = self._work(name, Throttle(paces, self.clock), takes, brings, wants)
        self._wake(work, self.clock.now)
        return name

    def run(self, seconds):
        until = self.clock.now + seconds
        while self._turns and self._turns[0][0] <= until:
            self.clock.now, _, work = heapq.heappop(self._turns)
            self._wake(work, self.clock.now + next(work))
        self.clock.now = until

    def total(self, start, end, *readers):
        """Bytes read from `start` to `end`, in seconds since the beginning."""
        return sum(
            count
            for when, reader, count in self.reads
            if start <= when - self.began < end and (not readers or reader in readers)
        )

    def extremes(self, start=0.0):
        """The least and the most that was read in any ten seconds since `start`."""
        reads = [(when - self.began, count) for when, _, count in self.reads]
        reads = [read for read in reads if read[0] >= start]
        end = self.clock.now - self.began
        least, most, inside, first = float("inf"), 0, 0, 0
        for when, count in reads:
            inside += count
            while reads[first][0] <= when - WINDOW:
                inside -= reads[first][1]
                first += 1
            most = max(most, inside)
        inside = last = 0
        for when, count in reads:  # the windows that begin right after a read
            while last < len(reads) and reads[last][0] <= when + WINDOW:
                inside += reads[last][1]
                last += 1
            inside -= count
            if when + WINDOW <= end:
                least = min(least, inside)
        return least, most

    def longest_pause(self):
        """The longest any reader went without a read, in seconds."""
        last, longest = {}, 0.0
        for when, reader, _ in self.reads:
            longest = max(longest, when - last.get(reader, self.began))
            last[reader] = when
        return max([longest, *(self.clock.now - when for when in last.values())])

    def _work(self, name, throttle, takes, brings, wants):
        while True:
            granted = throttle.grant(wants)
            if not granted:
                assert 0 < throttle.nap <= LONGEST_NAP
                yield throttle.nap + self._chance.uniform(0, self._late)
                continue
            assert 1 <= granted <= wants
            yield takes()
            count = min(granted, max(1, brings(granted)))
            self.reads.append((self.clock.now, name, count))
            throttle.spend(count)

    def _wake(self, work, when):
        heapq.heappush(self._turns, (when, next(self._order), work))


rates = st.sampled_from([KIB, 10_000, 64 * KIB, 1_000_000, 10_000_000, 100_000_000, 2**31 - 1])


def chunks(rate, seed):
    """What the line brings at a time: 1 B to 1 MiB, all in all more than the limit lets through."""
    chance = random.Random(seed)
    smallest = max(1, rate // 20_000)
    return lambda granted: chance.choice([smallest, granted, chance.randint(smallest, MIB)])


@given(rates, st.integers(1, 24), st.integers(0, 2**32), st.sampled_from([0.0, 0.002, 0.005]))
@unhurried
def test_any_ten_seconds_have_the_limit_within_two_percent(rate, count, seed, late):
    readers = Readers(seed=seed, late=late)
    pace = readers.pace(rate)
    for one in range(count):
        readers.join((pace,), brings=chunks(rate, seed + one))
    readers.run(13)
    least, most = readers.extremes()

    assert 0.98 * rate * WINDOW <= least <= most <= 1.02 * rate * WINDOW
    assert readers.longest_pause() < 0.5  # nobody starves


@given(rates, st.integers(1, 24), st.integers(0, 2**32))
@unhurried
def test_readers_that_stall_and_come_back_together_exceed_nothing(rate, count, seed):
    readers = Readers(seed=seed, late=0.005)
    pace = readers.pace(rate)

    def until_it_goes_on():
        """For three seconds of every fourteen nobody gets a byte."""
        return max(0.0, 3 - (readers.clock.now - readers.began) % 14)

    for _ in range(count):
        readers.join((pace,), takes=until_it_goes_on)
    readers.run(28)

    assert 0.98 * rate * WINDOW <= readers.extremes()[1] <= 1.02 * rate * WINDOW


@given(
    st.lists(st.tuples(rates, st.floats(0.05, 4)), min_size=2, max_size=6),
    st.integers(1, 16),
    st.integers(0, 2**32),
)
@unhurried
def test_limits_that_change_all_the_time_hold_in_sum(steps, count, seed):
    readers = Readers(seed=seed, late=0.005)
    pace = readers.pace(steps[0][0])
    for _ in range(count):
        readers.join((pace,))
    allowed = 0.0
    for rate, seconds in steps:
        pace.rate = rate
        readers.run(seconds)
        allowed += rate * seconds
    spent = readers.total(0, 100)
    at_once = sum(rate * (AHEAD + BURST) + count for rate, _ in steps)

    assert allowed - at_once <= spent <= allowed + at_once


@pytest.mark.parametrize("count", [1, 16])
@pytest.mark.parametrize(("before", "after"), [(KIB, 10_000_000), (10_000_000, KIB), (16, 100_000)])
def test_a_change_is_felt_at_once(before, after, count):
    readers = Readers()
    pace = readers.pace(before)
    for _ in range(count):
        readers.join((pace,))
    readers.run(3.33)
    pace.rate = after
    readers.run(10)

    # What was granted at the old limit is read in no time here: nothing of it is left.
    assert readers.total(3.33, 3.83) == pytest.approx(after * 0.5, rel=0.35)
    assert readers.total(3.33, 13.33) == pytest.approx(after * 10, rel=0.02)


def test_a_read_that_lasts_over_a_change_makes_no_debt_of_minutes():
    readers = Readers()
    pace = readers.pace(100_000_000)
    for _ in range(4):
        readers.join((pace,), takes=lambda: 0.02)
    readers.run(1)
    pace.rate = KIB
    readers.run(10)

    assert readers.total(1.2, 11) == pytest.approx(9.8 * KIB, rel=0.02)


def test_a_read_begun_without_a_limit_costs_nothing_when_one_comes():
    clock = Clock()
    pace = Pace(0, clock)
    throttle = Throttle((pace,), clock)
    throttle.grant(MIB)
    pace.rate = KIB
    throttle.spend(MIB)

    assert throttle.grant(MIB) > 0


def test_a_limit_that_is_lifted_lets_who_waits_go_on():
    clock = Clock()
    pace = Pace(10, clock)
    throttle = Throttle((pace,), clock)
    throttle.grant(MIB)
    throttle.spend(1000)
    assert throttle.grant(MIB) == 0
    pace.rate = 0

    assert throttle.grant(MIB) == MIB


def test_who_waits_for_the_byte_of_a_tiny_limit_feels_a_larger_one():
    clock = Clock()
    pace = Pace(0.1, clock)
    throttle = Throttle((pace,), clock)
    throttle.grant(MIB)
    throttle.spend(1)
    assert throttle.grant(MIB) == 0
    pace.rate = 1000
    clock.now += throttle.nap

    assert throttle.grant(MIB) > 0


def test_a_limit_shared_by_all_holds_for_who_has_a_larger_one_of_its_own():
    readers = Readers()
    whole, own = readers.pace(100_000), readers.pace(150_000)
    for _ in range(3):
        readers.join((whole, own))
    readers.run(10)

    assert readers.total(0, 10) == pytest.approx(1_000_000, rel=0.02)
    assert max(count for _, _, count in readers.reads) <= 100_000 * AHEAD / 3


@pytest.mark.parametrize("count", [1, 4, 16])
def test_a_kibibyte_a_second_comes_in_small_reads_without_long_naps(count):
    readers = Readers(late=0.005)
    pace = readers.pace(KIB)
    for _ in range(count):
        readers.join((pace,))
    readers.run(30)

    assert readers.total(0, 30) == pytest.approx(30 * KIB, rel=0.01)
    assert max(read for _, _, read in readers.reads) <= KIB * AHEAD
    assert readers.longest_pause() < 0.2


def test_no_read_is_more_than_a_fraction_of_a_second_of_the_limit():
    clock = Clock()
    pace = Pace(64 * KIB, clock)
    one = Throttle((pace,), clock)
    assert one.grant(256 * KIB) == int(64 * KIB * AHEAD)
    others = [Throttle((pace,), clock) for _ in range(15)]
    assert one.grant(256 * KIB) == int(64 * KIB * AHEAD / 16)

    del others
    gc.collect()
    assert one.grant(256 * KIB) == int(64 * KIB * AHEAD)


@unhurried
@given(st.integers(1, 8), st.integers(1, 8), st.integers(0, 2**32))
def test_downloads_share_one_limit_and_keep_their_own(slow, fast, seed):
    readers = Readers(seed=seed, late=0.005)
    whole, own = readers.pace(1_000_000), readers.pace(200_000)
    under = [readers.join((whole, own)) for _ in range(slow)]
    free = [readers.join((whole, readers.pace(0))) for _ in range(fast)]
    readers.run(12)

    share = readers.total(1, 11, *under) / WINDOW
    assert readers.total(1, 11) / WINDOW == pytest.approx(1_000_000, rel=0.02)
    assert share <= 1.02 * 200_000
    assert readers.total(1, 11, *free) > 0
    if 5 * slow >= slow + fast:  # its part of the whole is no less than its own limit
        assert share >= 0.9 * 200_000


def test_readers_that_come_and_go_do_not_begin_afresh():
    """A torrent of many small files, each with a reader of its own, is one torrent."""
    clock = Clock()
    pace, spent, began = Pace(100_000, clock), 0, clock.now
    while clock.now - began < 10:
        throttle = Throttle((pace,), clock)
        while not (granted := throttle.grant(3000)):
            clock.now += throttle.nap
        throttle.spend(granted)
        spent += granted
        del throttle

    assert spent == pytest.approx(1_000_000, rel=0.02)


def test_without_a_limit_everything_is_granted_and_no_lock_is_taken():
    class Forbidden:
        def __enter__(self):
            raise AssertionError("the hot path takes no lock")

        def __exit__(self, *_):
            pass

    paces = (Pace(), Pace())
    throttle = Throttle(paces, Clock())
    for pace in paces:
        pace._lock = Forbidden()
    for _ in range(3):
        assert throttle.grant(1 << 40) == 1 << 40
        throttle.spend(1 << 40)


def test_threads_that_book_at_the_same_time_lose_nothing():
    clock = Clock()
    pace = Pace(1000, clock)
    threads = [
        threading.Thread(target=lambda: [pace.book(0.001) for _ in range(1000)]) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert pace.due() == pytest.approx(clock.now + 8)


# With real sockets and real time, which a busy machine may stretch and never shrinks.


def test_downloads_of_an_engine_share_its_limit(host, tmp_path):
    engine, seconds = Engine(), []
    engine.pace.rate = FILM.size  # two films in two seconds
    runs = [Run(engine, tmp_path / name, OneLink(host.url("/film"))) for name in "ab"]
    threads = [
        threading.Thread(target=lambda run=run: seconds.append(run().seconds)) for run in runs
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    engine.close()

    assert 0.95 * 2 < max(seconds) < 3
    assert min(seconds) > 1  # neither had to wait for the other
    assert [run.bytes for run in runs] == [FILM.read()] * 2


@pytest.mark.usefixtures("quick")
def test_who_waits_for_its_turn_is_not_taken_for_stuck(prepare, host):
    outcome = prepare(host.url("/film"), limit=FILM.size / 1.5)()

    assert 0.95 * 1.5 < outcome.seconds < 2.5
    assert outcome.retries == 0
    assert outcome.received == FILM.size


def test_a_limit_that_changes_while_a_download_runs_holds_at_once(prepare, host):
    run = prepare(host.url("/film"), limit=16 * KIB)
    lifting = threading.Timer(0.5, lambda: setattr(run.download.pace, "rate", 0))
    lifting.start()

    assert 0.5 < run().seconds < 2


def test_a_pace_shows_its_limit():
    assert repr(Pace()) == "<Pace unlimited>"
    assert repr(Throttle((Pace(10),), Clock())) == "<Throttle (<Pace 10>,)>"
