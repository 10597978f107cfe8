"""What is written when, and what is durable when."""

import contextlib
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.transfer.board import Board
from engine.transfer.disk import ALIGNMENT
from engine.transfer.errors import DiskTrouble
from engine.transfer.ranges import Expected
from engine.transfer.retry import Patience
from engine.transfer.ring import Ring
from engine.transfer.turns import SHORTEST, Disks
from engine.transfer.writer import CHECKPOINT_SECONDS, RATE_SECONDS, USUAL_WRITE, Rate, Writer, plan
from tests.fakes.clock import Clock

MIB = 1 << 20


def planned(**changes):
    facts = {"base": 0, "ready": 0, "size": 100 * MIB, "target": 4 * MIB, "batch": 64 * MIB}
    return plan(**{**facts, "due": False, **changes})


def test_little_is_left_until_it_is_worth_a_write():
    assert planned(ready=4 * MIB - 1) == 0
    assert planned(ready=4 * MIB) == 4 * MIB


def test_little_is_written_when_it_has_waited_long_enough():
    assert planned(ready=10_000, due=True) == 8192
    assert planned(ready=4095, due=True) == 0


def test_the_end_of_the_file_is_written_as_it_is():
    assert planned(base=4096, ready=5000, size=5000) == 5000


def test_a_write_is_no_longer_than_a_batch():
    assert planned(ready=100 * MIB, batch=8 * MIB) == 8 * MIB


def test_an_unknown_size_changes_nothing_before_the_end():
    assert planned(ready=5 * MIB + 1, size=None) == 5 * MIB


@given(
    base=st.integers(0, 2000).map(lambda n: n * ALIGNMENT),
    arrived=st.integers(0, 200 * MIB),
    rest=st.integers(0, 10**9),
    target=st.integers(1, 64 * MIB),
    batch=st.integers(1, 4096).map(lambda n: n * ALIGNMENT),
    due=st.booleans(),
)
def test_writes_are_aligned_never_too_far_and_always_forward(
    base, arrived, rest, target, batch, due
):
    ready, size = base + arrived, base + arrived + rest
    end = plan(base=base, ready=ready, size=size, target=target, batch=batch, due=due)

    assert base <= end <= ready
    assert end - base <= batch
    assert end % ALIGNMENT == 0 or end == size
    if due and arrived >= ALIGNMENT:
        assert end > base


class SlowFile:
    """A file that takes writes at once, and syncs when the test lets it."""

    def __init__(self, clock, rate=100e6):
        self.clock = clock
        self.rate = rate
        self.written = 0
        self.calls = []
        self.syncs = threading.Semaphore(0)
        self.begun = threading.Semaphore(0)
        self.problem = None

    def write(self, offset, views):
        assert offset == self.written
        count = sum(len(view) for view in views)
        self.clock.now += count / self.rate
        self.written += count
        self.calls.append(("write", self.written))

    def sync(self):
        self.calls.append(("sync", self.written))
        self.begun.release()
        self.syncs.acquire()
        if self.problem:
            raise self.problem

    def finish(self, size):
        self.calls.append(("finish", size))


class Trial:
    """A writer, fed by hand: one connection that brings what it is told to."""

    def __init__(self, turn, *, ring=48 * MIB, size=1024 * MIB, clock=None, observe=None):
        self.clock = clock or Clock()
        self.part = SlowFile(self.clock)
        self.capacity = ring
        self.size = size
        self.saved = []
        self.threads = set()
        self.board = Board(
            start=0,
            expected=Expected(size=size),
            ring=Ring(ring),
            capacity=ring,
            reach=ring,
            cap=2,
            patience=Patience(60),
            clock=self.clock,
        )
        self.board.answered = True
        self.turn = turn
        self.writer = Writer(
            self.part,
            self.board,
            turn,
            start=0,
            batch=64 * MIB,
            flush_interval=5.0,
            checkpoint_bytes=ring // 4,
            most_unsaved=ring // 2,
            save=self.save,
            observe=observe,
            clock=self.clock,
        )

    def save(self, checkpoint):
        self.threads.add(threading.current_thread())
        self.part.calls.append(("save", checkpoint.flushed))
        self.saved.append(checkpoint.flushed)

    def bring(self, count):
        """Receive so many bytes at most, a MiB at a time; return how many there was room for."""
        came = 0
        while came < count and self.has_room():
            lease = self.board.take(0)
            while lease.cursor < lease.end and came < count and self.has_room():
                came += (length := len(self.board.claim(lease)))
                lease.cursor += length
            self.board.give_back(lease)
        return came

    def has_room(self):
        window = self.board._window
        missing = min([window.size - window.missing, *(each.cursor for each in window.leases)])
        return missing < window.limit()

    def step(self):
        """Make a step; if it orders a sync, wait until that has begun."""
        before = self.writer._syncing_to
        wrote = self.writer.step(self.capacity)
        if self.writer._syncing_to != before:
            self.part.begun.acquire()
        return wrote

    def write_all(self):
        while self.step():
            pass


@pytest.fixture
def trial():
    with contextlib.ExitStack() as stack:

        def trial(turn=None, **options):
            if turn is None:
                turn = Disks(rotates=lambda _: False).join(None)
            made = Trial(turn, **options)
            stack.callback(made.writer.close)
            stack.callback(made.part.syncs.release, 100)
            stack.callback(turn.leave)
            return made

        yield trial


def test_writing_goes_on_while_a_sync_is_under_way(trial):
    trial = trial()  # a ring of 48 MiB: a sync is due after 24, writes are of 16
    trial.bring(32 * MIB)
    trial.write_all()
    assert trial.part.calls[-1] == ("sync", 32 * MIB)

    assert trial.bring(100 * MIB) == 16 * MIB  # a crash must not cost more than the ring
    trial.write_all()

    assert trial.writer.written == 48 * MIB
    assert trial.saved == []


def test_the_end_of_a_sync_makes_room_at_once(trial):
    trial = trial()
    for count in (32, 16):
        trial.bring(count * MIB)
        trial.write_all()
    assert trial.bring(MIB) == 0
    trial.part.syncs.release()
    while not trial.saved:
        trial.step()

    assert trial.bring(100 * MIB) == 32 * MIB


def test_a_checkpoint_says_what_was_written_when_its_sync_began(trial):
    trial = trial()
    for count in (32, 16):
        trial.bring(count * MIB)
        trial.write_all()
    trial.part.syncs.release(2)
    while len(trial.saved) < 2:
        trial.clock.now += 5
        trial.step()

    kinds = [call for call in trial.part.calls if call[0] != "write"]
    assert kinds == [(kind, end * MIB) for end in (32, 48) for kind in ("sync", "save")]
    assert trial.threads == {threading.current_thread()}


def test_there_is_one_sync_at_a_time(trial):
    trial = trial()
    for count in (32, 16):
        trial.bring(count * MIB)
        trial.write_all()
    trial.clock.now += 1000
    trial.step()

    assert [call for call in trial.part.calls if call[0] == "sync"] == [("sync", 32 * MIB)]


def test_a_sync_is_due_after_a_while_however_little_was_written(trial):
    trial = trial()
    trial.bring(16 * MIB)
    trial.write_all()
    assert ("sync", 16 * MIB) not in trial.part.calls
    trial.clock.now += 5
    trial.step()
    trial.part.syncs.release()
    trial.writer.checkpoint()

    assert trial.part.calls[-2:] == [("sync", 16 * MIB), ("save", 16 * MIB)]


def test_a_quarter_of_a_ring_is_synced_only_some_time_after_the_last(trial):
    trial = trial()
    trial.bring(16 * MIB)
    trial.write_all()
    assert ("sync", 16 * MIB) not in trial.part.calls

    trial.clock.now += CHECKPOINT_SECONDS
    trial.step()

    assert trial.part.calls[-1] == ("sync", 16 * MIB)


def test_a_sync_that_failed_is_raised_by_the_next_step_and_nothing_is_saved(trial):
    trial = trial()
    trial.part.problem = DiskTrouble("EIO")
    trial.bring(32 * MIB)
    trial.write_all()
    trial.part.syncs.release()

    def step_on():
        while True:
            trial.step()

    with pytest.raises(DiskTrouble, match="EIO"):
        step_on()
    assert trial.saved == []


@pytest.mark.parametrize("end", [Writer.drain, Writer.checkpoint, lambda it: it.finish(MIB)])
def test_whatever_ends_the_writing_is_told_that_a_sync_failed(trial, end):
    trial = trial()
    trial.part.problem = DiskTrouble("EIO")
    trial.bring(32 * MIB)
    trial.write_all()
    trial.part.syncs.release()

    with pytest.raises(DiskTrouble, match="EIO"):
        end(trial.writer)
    assert trial.saved == []
    assert [call[0] for call in trial.part.calls].count("sync") == 1


def test_draining_waits_for_the_sync_and_makes_a_last_one(trial):
    trial = trial()
    trial.bring(33 * MIB)
    trial.write_all()
    trial.part.syncs.release(2)
    trial.writer.drain()

    assert trial.saved == [32 * MIB, 33 * MIB]
    assert trial.part.calls[-1] == ("save", 33 * MIB)


def test_finishing_waits_for_the_sync_and_its_own_is_the_last(trial):
    trial = trial(size=40 * MIB)
    trial.bring(40 * MIB)
    trial.write_all()
    trial.part.syncs.release()
    trial.writer.finish(40 * MIB)

    last = [call for call in trial.part.calls if call[0] != "write"]
    assert last[-2:] == [("finish", 40 * MIB), ("save", 40 * MIB)]
    assert [call[0] for call in last].count("sync") == 1


def test_a_full_ring_is_written_in_pieces_so_that_the_line_can_go_on(trial):
    trial = trial(ring=24 * MIB)
    trial.bring(24 * MIB)
    trial.write_all()

    writes = [end for kind, end in trial.part.calls if kind == "write"]
    assert writes == [8 * MIB, 16 * MIB, 24 * MIB]


def test_the_rate_of_the_disk_is_that_of_the_writes(trial):
    trial = trial()
    assert trial.writer.disk_rate == 0
    trial.bring(32 * MIB)
    trial.clock.now += 1000
    trial.write_all()

    assert trial.writer.disk_rate == pytest.approx(100e6)


def test_a_rate_forgets_what_was_long_ago():
    rate = Rate()
    rate.add(10, 0)  # the clock stood still
    for _ in range(int(20 * RATE_SECONDS)):
        rate.add(1000, 1)
    for _ in range(int(20 * RATE_SECONDS)):
        rate.add(10, 1)

    assert rate.value == pytest.approx(10, rel=0.1)


# Turns.


@pytest.fixture
def two(trial, tmp_path):
    """Two writers on one disk, with rings of 96 MiB: writes are of 32."""
    clock = Clock()
    disks = Disks(clock, rotates=lambda _: True)
    return [trial(disks.join(tmp_path), clock=clock, ring=96 * MIB) for _ in range(2)]


def test_who_waits_for_its_turn_is_not_dry_and_goes_on_with_it(two):
    one, other = two
    for each in two:
        each.bring(96 * MIB)
    assert one.step()
    assert not other.step()

    assert other.writer.queued
    assert not other.board.dry
    one.write_all()
    assert one.writer.queued
    assert other.step()
    assert not other.writer.queued
    assert one.writer.written == 64 * MIB


def test_on_a_shared_disk_more_has_to_be_there_before_a_turn_begins(two):
    one, other = two
    one.bring(31 * MIB)
    assert not one.step()
    one.bring(MIB)
    assert one.step()

    assert one.writer.target(one.capacity) == USUAL_WRITE  # in its turn it goes on with less
    assert other.writer.target(other.capacity) == SHORTEST


def test_who_stands_in_line_keeps_its_place_with_less(two):
    one, other = two
    for each in two:
        each.bring(88 * MIB)
        each.part.syncs.release(100)
    assert one.step()
    assert not other.step()
    one.write_all()
    assert one.writer.written == 64 * MIB
    assert one.writer.queued  # with 24 MiB, which would not begin a turn
    other.write_all()

    assert other.writer.written == 64 * MIB
    assert one.step()


def test_a_byte_that_waited_long_enough_needs_a_turn_as_well(two):
    one, other = two
    other.bring(MIB)
    assert not other.step()
    other.clock.now += 5
    one.bring(96 * MIB)
    assert one.step()

    assert not other.step()
    assert other.writer.queued
    one.write_all()
    assert other.step()


def test_a_sync_needs_no_turn(two):
    one, other = two
    other.bring(64 * MIB)
    other.write_all()
    one.bring(96 * MIB)
    other.clock.now += 1
    assert one.step()
    other.part.syncs.release()
    while not other.saved:
        assert not other.step()

    assert other.saved == [48 * MIB]


def test_draining_goes_before_those_who_go_on(two):
    one, other = two
    one.bring(96 * MIB)
    assert one.step()
    other.bring(10 * MIB)
    other.part.syncs.release(100)
    assert not other.step()
    one.clock.now += 0.001
    other.writer.drain()

    assert other.saved == [10 * MIB]
    assert other.clock.now < 100.9  # between two writes of the first, without a pause


def test_a_writer_that_ends_gives_up_its_turn(two):
    one, other = two
    for each in two:
        each.bring(96 * MIB)
    assert one.step()
    assert not other.step()
    one.turn.leave()

    assert other.step()
