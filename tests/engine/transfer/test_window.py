"""Which byte is fetched by whom."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
)

from engine.transfer.window import Lease, Window

BLOCK = 16


def window(size=1000, start=0, capacity=4 * BLOCK):
    return Window(start=start, size=size, capacity=capacity, block=BLOCK)


def test_leases_are_handed_out_in_file_order_and_end_on_block_borders():
    ranges = window()

    spans = [(lease.start, lease.end) for lease in (ranges.lease(BLOCK) for _ in range(4)) if lease]

    assert spans == [(0, 16), (16, 32), (32, 48), (48, 64)]


def test_nothing_is_leased_that_begins_beyond_the_ring():
    ranges = window(capacity=2 * BLOCK)
    ranges.lease(2 * BLOCK)

    assert ranges.lease(BLOCK) is None


def test_a_lease_that_begins_in_the_ring_may_end_beyond_it_and_is_filled_as_far_as_it_goes():
    ranges = window(capacity=2 * BLOCK)
    lease = ranges.lease(3 * BLOCK)

    assert (lease.start, lease.end) == (0, 3 * BLOCK)
    lease.cursor = 2 * BLOCK
    assert ranges.room(lease) == lease.cursor  # no room: its holder waits


def test_a_lease_may_begin_as_far_ahead_of_the_ring_as_is_said():
    ranges = window(capacity=2 * BLOCK)
    ranges.lease(2 * BLOCK)

    assert ranges.lease(BLOCK, ahead=0) is None
    early = ranges.lease(BLOCK, ahead=1)
    assert early.start == 2 * BLOCK
    assert ranges.lease(BLOCK, ahead=BLOCK) is None
    assert ranges.lease(BLOCK, ahead=BLOCK + 1).start == 3 * BLOCK


def test_what_begins_ahead_gets_room_when_the_writer_has_moved_on():
    ranges = window(capacity=2 * BLOCK)
    head = ranges.lease(2 * BLOCK)
    early = ranges.lease(BLOCK, ahead=1)
    assert ranges.room(early) == early.start

    head.cursor = BLOCK
    ranges.advance(BLOCK)

    assert ranges.room(early) == early.end


def test_the_head_always_has_room():
    ranges = window(capacity=BLOCK)
    head = ranges.lease(BLOCK)
    for _ in range(3):
        ranges.lease(BLOCK, ahead=1000)

    assert ranges.room(head) == head.end


def test_who_waits_for_room_behind_bytes_that_nobody_fetches_is_told():
    ranges = window(capacity=BLOCK)
    head, early = ranges.lease(BLOCK), ranges.lease(BLOCK, ahead=BLOCK)
    ranges.lease(BLOCK, ahead=2 * BLOCK)
    assert not ranges.is_behind_a_gap(early)

    ranges.give_back(head)

    assert ranges.is_behind_a_gap(early)
    ranges.lease(BLOCK)
    assert not ranges.is_behind_a_gap(early)


def test_an_unaligned_start_leads_to_the_next_border():
    lease = window(start=20).lease(BLOCK)

    assert (lease.start, lease.end) == (20, 32)


def test_what_was_not_fetched_of_a_lease_is_handed_out_first_again():
    ranges = window()
    first, second = ranges.lease(BLOCK), ranges.lease(BLOCK)
    first.cursor = 5
    second.cursor = second.end
    ranges.give_back(first)
    ranges.give_back(second)

    again = ranges.lease(BLOCK)

    assert (again.start, again.end) == (5, 16)
    assert ranges.ready() == 5


def test_bytes_are_ready_up_to_the_first_that_is_missing():
    ranges = window()
    first, second = ranges.lease(BLOCK), ranges.lease(BLOCK)
    second.cursor = second.end
    first.cursor = 7

    assert ranges.ready() == 7
    first.cursor = first.end
    assert ranges.ready() == 32


def test_the_head_is_the_lease_that_holds_the_first_missing_byte():
    ranges = window()
    first, second = ranges.lease(BLOCK), ranges.lease(BLOCK)

    assert ranges.head() is first
    first.cursor = first.end
    ranges.give_back(first)
    assert ranges.head() is second
    ranges.give_back(second)
    assert ranges.head() is None


def test_a_lease_of_the_whole_rest_is_fed_room_block_by_block():
    ranges = window(size=100, capacity=2 * BLOCK)
    lease = ranges.lease(None)

    assert (lease.start, lease.end) == (0, 100)
    assert ranges.room(lease) == 16
    lease.cursor = 32
    assert ranges.room(lease) == 32  # no room
    ranges.advance(16)
    assert ranges.room(lease) == 48


def test_a_size_that_is_found_out_late_cuts_gaps_and_leases():
    ranges = window(size=1 << 62)
    lease = ranges.lease(BLOCK)

    ranges.shorten(10)

    assert lease.end == 10
    assert ranges.exhausted


def test_a_size_that_is_found_out_late_ends_the_last_gap():
    ranges = window(size=1 << 62, capacity=1024)
    ranges.lease(BLOCK)

    ranges.shorten(100)

    assert ranges.lease(None).end == 100


def test_nothing_is_stored_that_a_crash_could_cost_beyond_the_reach():
    ranges = Window(start=0, size=1000, capacity=8 * BLOCK, block=BLOCK, reach=2 * BLOCK)
    lease = ranges.lease(4 * BLOCK)
    lease.cursor = 2 * BLOCK
    ranges.advance(2 * BLOCK)
    assert ranges.room(lease) == lease.cursor

    ranges.durable = BLOCK

    assert ranges.room(lease) == 3 * BLOCK


def test_only_a_single_lease_can_take_the_rest():
    ranges = window()
    first = ranges.lease(BLOCK)
    ranges.take_rest(first)
    assert (first.end, ranges.exhausted) == (1000, True)

    others = window()
    lease = others.lease(BLOCK)
    others.lease(BLOCK)
    with pytest.raises(ValueError, match="single lease"):
        others.take_rest(lease)


def test_the_base_moves_forward_only_and_never_past_what_is_ready():
    ranges = window()
    ranges.lease(BLOCK).cursor = 8
    ranges.advance(8)

    with pytest.raises(ValueError, match="cannot advance"):
        ranges.advance(4)
    with pytest.raises(ValueError, match="cannot advance"):
        ranges.advance(9)


@pytest.mark.parametrize(
    "arguments", [{"start": -1}, {"start": 1001}, {"capacity": BLOCK - 1}], ids=str
)
def test_impossible_windows_are_refused(arguments):
    with pytest.raises(ValueError, match=r"(cannot start|does not hold)"):
        window(**arguments)


def test_an_empty_file_is_done_at_once():
    ranges = window(size=0)

    assert ranges.done
    assert ranges.exhausted
    assert ranges.lease(BLOCK) is None


def test_its_repr_tells_where_it_stands():
    ranges = window()
    assert "0..16 at 0" in repr(ranges.lease(BLOCK))
    assert "ready to 0" in repr(ranges)


class EveryByteIsInOnePlace(RuleBasedStateMachine):
    """Invariant: every byte is fetched exactly once, in whatever order things happen."""

    leases = Bundle("leases")

    @initialize(
        size=st.integers(0, 400),
        capacity=st.integers(BLOCK, 8 * BLOCK),
        reach=st.integers(BLOCK, 8 * BLOCK) | st.none(),
    )
    def begin(self, size, capacity, reach):
        self.window = Window(start=0, size=size, capacity=capacity, block=BLOCK, reach=reach)
        self.fetched = bytearray(size)

    @rule(target=leases, length=st.integers(1, 100) | st.none(), ahead=st.integers(0, 200))
    def lease(self, length, ahead):
        first = next((at for at, count in enumerate(self.fetched) if not count), None)
        lease = self.window.lease(length, ahead)
        if lease is None:
            return Lease(0, 0)
        assert first <= lease.start < self.window.limit() + ahead
        assert lease.start < lease.end
        assert lease.end % BLOCK == 0 or lease.end == self.window.size or self.fetched[lease.end]
        return lease

    @rule(lease=leases, count=st.integers(1, 40))
    def receive(self, lease, count):
        if lease not in self.window.leases:
            return
        end = min(lease.cursor + count, self.window.room(lease))
        assert end <= max(lease.cursor, self.window.limit())
        for offset in range(lease.cursor, end):
            self.fetched[offset] += 1
        lease.cursor = end

    @rule(lease=consumes(leases))
    def give_back(self, lease):
        if lease in self.window.leases:
            self.window.give_back(lease)

    @rule(share=st.floats(0, 1))
    def write(self, share):
        ready = self.window.ready()
        self.window.advance(self.window.base + int((ready - self.window.base) * share))

    @rule(share=st.floats(0, 1))
    def sync(self, share):
        self.window.durable += int((self.window.base - self.window.durable) * share)

    @rule(capacity=st.integers(BLOCK, 8 * BLOCK))
    def resize(self, capacity):
        self.window.capacity = capacity

    @invariant()
    def no_byte_is_fetched_twice(self):
        assert all(count <= 1 for count in self.fetched)

    @invariant()
    def what_is_ready_was_fetched_and_the_next_byte_was_not(self):
        ready = self.window.ready()
        assert all(self.fetched[:ready])
        assert ready == self.window.size or not self.fetched[ready]

    @invariant()
    def the_head_has_room_once_all_that_came_before_it_is_durable(self):
        head, window = self.window.head(), self.window
        if head is not None and window.durable == window.base == window.ready():
            assert window.room(head) > head.cursor

    def teardown(self):
        """Whatever happened, holders that wait for room and take what is free come to an end."""
        window = self.window
        for _ in range(2 * len(self.fetched) + 10):
            if window.done:
                break
            window.advance(window.ready())
            window.durable = window.base
            for lease in window.leases:
                room = window.room(lease)
                waits = room == lease.cursor < lease.end
                if lease.cursor == lease.end or (waits and window.is_behind_a_gap(lease)):
                    window.give_back(lease)
                lease.cursor = room
            if len(window.leases) < 3:
                window.lease(50, ahead=100)
        assert window.done


TestEveryByteIsInOnePlace = EveryByteIsInOnePlace.TestCase


@given(
    st.integers(0, 10**12),
    st.integers(1, 64),
    st.integers(1, 10**9),
    st.integers(0, 10**9),
)
def test_no_holder_is_ever_given_room_beyond_the_limit(start, blocks, length, ahead):
    ranges = window(start=start, size=start + 10**9, capacity=blocks * BLOCK)
    leases = [ranges.lease(length, ahead) for _ in range(4)]

    for lease in filter(None, leases):
        assert ranges.room(lease) <= max(lease.start, ranges.limit())
        assert lease.start < ranges.limit() + ahead
