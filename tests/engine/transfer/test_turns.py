"""Whose turn it is to write."""

import heapq
import itertools
import math
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.transfer import turns as module
from engine.transfer.errors import DiskTrouble
from engine.transfer.turns import (
    HANDOVER,
    LONGEST,
    LONGEST_PAUSE,
    PAUSE_SHARE,
    SHORTEST,
    SHORTEST_PAUSE,
    Disks,
    Turns,
)
from tests.fakes.clock import Clock

MIB = 1 << 20


def wrote(turns, who, wanted, now, *, urgent=False):
    """Ask and write at once; return what was granted."""
    granted = turns.ask(who, wanted, now, urgent=urgent)
    if granted:
        turns.wrote(who, granted, granted / 150e6, now)
    return granted


def test_who_is_alone_is_never_made_to_wait():
    turns = Turns()

    assert all(wrote(turns, 1, 48 * MIB, now) == 48 * MIB for now in range(100))
    assert wrote(turns, 1, 500 * MIB, 100) == 500 * MIB


def test_a_turn_ends_with_the_write_that_would_exceed_it():
    turns = Turns()
    assert wrote(turns, 1, 12 * MIB, 0)
    assert not wrote(turns, 2, 12 * MIB, 0)

    assert [wrote(turns, 1, 12 * MIB, 0) for _ in range(5)] == [12 * MIB] * 4 + [0]
    assert wrote(turns, 2, 12 * MIB, 0)
    assert not wrote(turns, 1, 12 * MIB, 0)


def test_a_single_write_is_no_longer_than_a_turn_while_others_wait():
    turns = Turns()
    assert wrote(turns, 1, 12 * MIB, 0)
    assert not wrote(turns, 2, 12 * MIB, 0)

    assert wrote(turns, 1, 64 * MIB, 0) == 52 * MIB
    assert not wrote(turns, 1, 64 * MIB, 0)


def test_a_turn_that_was_long_enough_ends_when_there_is_nothing_to_write():
    turns = Turns()
    assert wrote(turns, 1, SHORTEST, 0)
    assert not wrote(turns, 2, 12 * MIB, 0)
    turns.rest(1, 0)

    assert wrote(turns, 2, 12 * MIB, 0)


def test_a_shorter_one_ends_after_a_pause_that_costs_little_of_the_disk():
    turns = Turns()
    assert wrote(turns, 1, 15 * MIB, 0)  # a tenth of a second
    assert not wrote(turns, 2, 12 * MIB, 0)
    turns.rest(1, 0)

    assert not wrote(turns, 2, 12 * MIB, 0.01)
    assert 0 < turns.delay(2, 0.01) < 0.01
    assert wrote(turns, 2, 12 * MIB, 0.02)


def test_who_comes_back_within_the_pause_goes_on_with_its_turn():
    turns = Turns()
    assert wrote(turns, 1, 15 * MIB, 0)
    assert not wrote(turns, 2, 12 * MIB, 0)
    turns.rest(1, 0)

    assert wrote(turns, 1, 15 * MIB, 0.005)
    assert turns.written == 30 * MIB


def test_a_holder_that_is_busy_elsewhere_loses_its_turn():
    turns = Turns()
    assert wrote(turns, 1, 40 * MIB, 0)  # and now it saves a checkpoint, for long
    assert not wrote(turns, 2, 12 * MIB, 0)

    assert not wrote(turns, 2, 12 * MIB, LONGEST_PAUSE / 2)
    assert wrote(turns, 2, 12 * MIB, LONGEST_PAUSE)


def test_the_line_is_served_in_order():
    turns = Turns()
    assert wrote(turns, 1, LONGEST, 0)
    assert not any(wrote(turns, who, MIB, 0) for who in (2, 3, 4, 1))

    for who in (2, 3, 4, 1):
        assert not any(wrote(turns, other, MIB, 0) for other in (1, 2, 3, 4) if other != who)
        assert wrote(turns, who, MIB, 0)
        turns.leave(who, 0)


def test_who_is_late_keeps_its_place_but_holds_up_nobody():
    turns = Turns()
    assert wrote(turns, 1, LONGEST, 0)
    assert not any(wrote(turns, who, MIB, 0) for who in (2, 3, 1))

    assert not wrote(turns, 3, LONGEST, HANDOVER / 2)
    assert wrote(turns, 3, LONGEST, HANDOVER)
    assert not wrote(turns, 3, LONGEST, HANDOVER)
    assert wrote(turns, 2, LONGEST, HANDOVER)


def test_who_has_nothing_to_write_any_more_stands_in_nobodys_way():
    turns = Turns()
    assert wrote(turns, 1, LONGEST, 0)
    assert not any(wrote(turns, who, MIB, 0) for who in (2, 3, 1))
    assert turns.rest(2, 0)

    assert wrote(turns, 3, MIB, 0)


def test_who_ends_goes_first_after_the_write_that_is_under_way():
    turns = Turns()
    granted = turns.ask(1, 12 * MIB, 0)
    assert not any(wrote(turns, who, MIB, 0) for who in (2, 3))
    assert not wrote(turns, 3, 24 * MIB, 0, urgent=True)
    turns.wrote(1, granted, 0.1, 0)

    assert not wrote(turns, 1, MIB, 0)
    assert not wrote(turns, 2, MIB, 0)
    assert wrote(turns, 3, 24 * MIB, 0, urgent=True)
    assert wrote(turns, 3, 24 * MIB, 0, urgent=True)


def test_those_who_end_do_not_interrupt_each_other():
    turns = Turns()
    assert wrote(turns, 1, 12 * MIB, 0, urgent=True)
    assert not wrote(turns, 2, MIB, 0, urgent=True)

    assert wrote(turns, 1, 12 * MIB, 0, urgent=True)


def test_who_leaves_gives_up_turn_and_place():
    turns = Turns()
    assert turns.ask(1, MIB, 0)  # and it dies in the middle of the write
    assert not any(wrote(turns, who, MIB, 0) for who in (2, 3))
    turns.leave(2, 0)
    turns.leave(1, 0)
    turns.leave(4, 0)

    assert wrote(turns, 3, MIB, 0)


class Race:
    """Writers with lines of their own on one disk, in simulated time. Rates in bytes per second."""

    def __init__(self, rings, lines, sizes, disk):
        self.turns = Turns()
        self.rings, self.lines, self.disk = rings, lines, disk
        self.left = list(sizes)
        self.ready = [0] * len(rings)
        self.filled_at = [0.0] * len(rings)
        self.asked_at = {}
        self.writing = None
        self.runs = []  # [who, bytes, had run out, others were waiting]
        self.waits = []
        self.idle = 0.0
        """Seconds in which somebody could have written and nobody did."""
        self.now = 0.0
        self.order = itertools.count()
        self.wakes = {}
        self.events = []
        for who in range(len(rings)):
            self.wake(who, 0.0)

    def wake(self, who, delay):
        self.wakes[who] = next(self.order)
        heapq.heappush(self.events, (self.now + delay, self.wakes[who], who))

    def wake_those_who_wait(self):
        for who in self.asked_at:
            self.wake(who, 0.0001)

    def run(self):
        while self.events:
            now, number, who = heapq.heappop(self.events)
            if number != self.wakes[who]:
                continue
            assert number < 200_000, "it never ends"
            if self.asked_at and self.writing is None:
                self.idle += now - max(self.now, *[min(self.asked_at.values())])
            self.now = now
            if self.writing is not None and self.writing[0] == who:
                self.over()
            if self.left[who]:
                self.step(who)
        assert not any(self.left)
        return self.now

    def over(self):
        who, count, began = self.writing
        self.writing = None
        self.turns.wrote(who, count, self.now - began, self.now)
        self.left[who] -= count
        self.ready[who] -= count
        if not self.left[who]:
            self.turns.leave(who, self.now)
            self.wake_those_who_wait()

    def step(self, who):
        arrived = int((self.now - self.filled_at[who]) * self.lines[who])
        self.ready[who] = min(self.rings[who], self.left[who], self.ready[who] + arrived)
        self.filled_at[who] = self.now
        piece = min(self.rings[who] // 3, self.left[who])
        if self.ready[who] >= piece:
            self.ask(who, piece)
            return
        if self.turns.rest(who, self.now):
            self.wake_those_who_wait()
        if self.runs and self.runs[-1][0] == who:
            self.runs[-1][2] = True
        self.wake(who, 0.0001 + (piece - self.ready[who]) / self.lines[who])

    def ask(self, who, piece):
        before = self.turns.holder
        granted = self.turns.ask(who, piece, self.now)
        if not granted:
            self.asked_at.setdefault(who, self.now)
            if before == who:
                self.wake_those_who_wait()
            self.wake(who, min(0.1, 0.0001 + self.turns.delay(who, self.now)))
            return
        assert self.writing is None, "two at once"
        self.waits.append(self.now - self.asked_at.pop(who, self.now))
        if not self.runs or before != who or not self.turns.written:
            self.runs.append([who, 0, False, False])
        self.runs[-1][1] += granted
        self.runs[-1][3] = bool(self.asked_at)
        self.writing = (who, granted, self.now)
        self.wake(who, granted / self.disk)


writers = st.lists(
    st.tuples(
        st.integers(4, 512).map(lambda n: n * MIB),
        st.integers(5, 800).map(lambda n: n * 1e6),
        st.integers(1, 300).map(lambda n: n * MIB),
    ),
    min_size=1,
    max_size=5,
)


@given(writers, st.integers(20, 300).map(lambda n: n * 1e6))
def test_turns_are_long_and_nobody_starves_whatever_the_lines_are(writers, disk):
    rings, lines, sizes = zip(*writers, strict=True)
    race = Race(rings, lines, sizes, disk)
    race.run()

    lasts = {who: number for number, (who, *_) in enumerate(race.runs)}
    for number, (who, count, ran_out, contested) in enumerate(race.runs):
        if contested and number != lasts[who]:
            assert count <= LONGEST
            assert count >= SHORTEST or ran_out
    turn = (LONGEST + max(rings) // 3) / disk  # the turn of a lone one, with a write on its way
    paused = turn * (1 + 3 * PAUSE_SHARE) + 16 * SHORTEST_PAUSE
    assert max(race.waits) <= len(rings) * (paused + HANDOVER)


def test_fast_downloads_leave_the_disk_no_idle_time_and_few_places_to_go_to():
    race = Race([24 * MIB] * 5, [200e6] * 5, [400 * MIB] * 5, 150e6)
    ended = race.run()

    assert ended < 1.02 * 5 * 400 * MIB / 150e6
    assert race.idle < 0.002 * ended
    assert len(race.runs) < 1.25 * 5 * 400 * MIB / LONGEST


def test_a_slow_download_costs_a_fast_one_little():
    race = Race([24 * MIB] * 2, [5e6, 300e6], [40 * MIB, 1000 * MIB], 150e6)
    ended = race.run()

    assert race.idle < 0.02 * ended


# The shell.


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def disks(clock):
    return Disks(clock, rotates=lambda _: True)


@pytest.fixture
def join(disks, tmp_path):
    turns = []

    def join():
        path = tmp_path / str(len(turns))
        path.touch()
        turns.append(disks.join(path))
        return turns[-1]

    yield join
    for turn in turns:
        turn.leave()
    assert "{}" in repr(disks)


@pytest.mark.parametrize("rotates", [True, None])
def test_downloads_on_a_disk_that_may_rotate_take_turns(clock, tmp_path, rotates):
    disks = Disks(clock, rotates=lambda _: rotates)
    with disks.join(tmp_path) as one, disks.join(tmp_path) as other:
        assert one.ask(MIB) == MIB
        assert other.ask(MIB) == 0


def test_downloads_on_a_disk_that_does_not_rotate_write_when_they_like(clock, tmp_path):
    disks = Disks(clock, rotates=lambda _: False)
    with disks.join(tmp_path) as one, disks.join(tmp_path) as other:
        assert [turn.ask(MIB) for turn in (one, other)] == [MIB, MIB]
        assert not one.crowded
        one.wrote(MIB, 0.1)
        one.rest()
        one.wait(1000)


def test_a_file_that_is_gone_is_named(disks, tmp_path):
    with pytest.raises(DiskTrouble, match="missing"):
        disks.join(tmp_path / "missing")


def test_a_disk_is_crowded_for_those_who_would_begin_a_turn(join):
    one = join()
    assert not one.crowded
    other = join()
    assert one.crowded
    assert one.ask(MIB)

    assert not one.crowded
    assert other.crowded


def test_waiting_ends_when_the_turn_does(join):
    one, other = join(), join()
    assert one.ask(LONGEST)
    assert not other.ask(MIB)
    granted = []

    def wait():
        while not granted:
            other.wait(1000)
            if count := other.ask(MIB):
                granted.append(count)

    thread = threading.Thread(target=wait)
    thread.start()
    one.wrote(LONGEST, 0.4)
    assert not one.ask(MIB)
    thread.join(10)

    assert granted == [MIB]


@pytest.mark.parametrize("end", ["rest", "leave"])
def test_waiting_ends_when_the_holder_stops_writing(join, end):
    one, other = join(), join()
    assert one.ask(SHORTEST)
    assert not other.ask(MIB)
    one.wrote(SHORTEST, 0.2)
    thread = threading.Thread(target=lambda: other.wait(1000))
    thread.start()
    getattr(one, end)()
    thread.join(10)

    assert other.ask(MIB)


def test_waiting_ends_when_the_first_in_line_gives_up_its_place(join):
    one, other, third = join(), join(), join()
    assert one.ask(LONGEST)
    assert not other.ask(MIB)
    assert not third.ask(MIB)
    one.wrote(LONGEST, 0.4)
    one.leave()
    other.rest()
    third.wait(1000)

    assert third.ask(MIB)


def test_a_turn_that_came_late_is_told(join, clock, caplog):
    caplog.set_level("INFO")
    one, other = join(), join()
    assert one.ask(MIB)
    assert not other.ask(MIB)
    one.leave()
    clock.now += module.LATE
    assert other.ask(MIB)

    assert "turn=late" in caplog.text


def test_a_delay_is_endless_while_the_disk_is_written_to():
    turns = Turns()
    turns.ask(1, MIB, 0)
    turns.ask(2, MIB, 0)

    assert turns.delay(2, 1000) == math.inf
