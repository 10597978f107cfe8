"""What the model of a turning disk promises."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.hdd_model import SECTOR, Disk, Request, cost, elevator, runs, stretched

DISK = Disk()
BLOCK = (16 << 10) // SECTOR


def writes(*places, sectors=BLOCK):
    return [Request(float(number), "W", place, sectors) for number, place in enumerate(places)]


requests = st.lists(
    st.builds(
        Request,
        st.just(0.0),
        st.sampled_from("WWWWRDF"),
        st.integers(0, DISK.sectors - 1),
        st.integers(1, 4096),
    ),
    max_size=60,
)


def test_a_sequential_trace_costs_its_transfer_and_nothing_else():
    found = cost(writes(*(number * BLOCK for number in range(1000))), DISK)

    assert found.seeks == 0
    assert found.seconds == pytest.approx(1000 * (16 << 10) / DISK.rate)


def test_random_small_writes_cost_a_mean_seek_and_half_a_turn_each():
    # Places of a low-discrepancy sequence: their distances are those of random ones.
    golden = 0.6180339887498949
    jump = 0.7548776662466927
    places = [
        int(((number * golden) % 1 if number % 2 else (number * jump) % 1) * DISK.sectors)
        for number in range(4000)
    ]
    found = cost(writes(*places), DISK)

    assert found.seeks == 3999
    assert found.seconds / 4000 == pytest.approx(12.7e-3 + BLOCK * SECTOR / DISK.rate, rel=0.03)


def test_the_full_stroke_takes_what_data_sheets_say():
    assert DISK.seek(DISK.sectors) == pytest.approx(15e-3, rel=0.02)
    assert DISK.seek(10 * DISK.sectors) == DISK.seek(DISK.sectors)
    assert DISK.seek(0) == DISK.settle


def test_a_small_gap_ahead_passes_under_the_head():
    gap = 64
    found = cost(writes(0, BLOCK + gap), DISK)

    assert found.seeks == 0
    assert found.seconds == pytest.approx((2 * BLOCK + gap) * SECTOR / DISK.rate)


def test_a_step_back_is_a_seek_however_small():
    found = cost(writes(1000, 999), DISK)

    assert found.seeks == 1
    assert found.seconds > DISK.turn / 2


def test_a_flush_costs_a_turn():
    quiet = writes(0, BLOCK)
    found = cost([quiet[0], Request(0.0, "F", 0, 0), quiet[1]], DISK)

    assert found.flushes == 1
    assert found.seconds == pytest.approx(cost(quiet, DISK).seconds + DISK.turn)


def test_who_keeps_the_disk_waiting_is_done_later():
    first, last = writes(0, BLOCK)
    late = Request(60.0, "W", last.sector, last.sectors)
    transfer = DISK.transfer(BLOCK)

    assert cost([first, last], DISK).done == pytest.approx(1.0 + transfer)
    assert cost([first, late], DISK).done == pytest.approx(60.0 + transfer)
    assert cost([first, late], DISK).seconds == pytest.approx(2 * transfer)


def test_a_disk_that_cannot_keep_up_is_done_when_it_has_worked_through():
    trace = [Request(0.0, "W", place, BLOCK) for place in (0, 10**9, 0)]
    found = cost(trace, DISK)

    assert found.done == pytest.approx(found.seconds)


def test_a_discard_moves_no_arm():
    first, last = writes(0, BLOCK)
    found = cost([first, Request(0.0, "D", 10**9, 8), last], DISK)

    assert found == cost([first, last], DISK)


def test_a_stretched_disk_is_crossed_by_its_whole_device():
    small = stretched(DISK, 1 << 30)

    assert small.seek((1 << 30) // SECTOR) == DISK.seek(DISK.sectors)


@given(requests)
def test_nothing_is_quicker_than_its_transfer_or_slower_than_a_full_seek_each(trace):
    found = cost(trace, DISK)
    moved = sum(each.sectors for each in trace if each.op in "RW")
    flushes = sum(each.op == "F" for each in trace)

    assert found.sectors == moved
    assert found.flushes == flushes
    least = DISK.transfer(moved) + flushes * DISK.turn
    assert found.seconds >= least - 1e-9
    assert found.seconds <= least + len(trace) * (DISK.seek(DISK.sectors) + DISK.turn / 2) + 1e-9
    assert found.seeks <= max(0, len(trace) - 1)


@given(requests, requests)
def test_more_requests_cost_more(first, second):
    assert cost(first + second, DISK).seconds >= cost(first, DISK).seconds - 1e-9


@given(requests, st.integers(1, 40))
def test_the_elevator_loses_nothing_and_passes_no_flush(trace, queue):
    sorted_ = list(elevator(trace, queue))

    assert sorted(map(repr, sorted_)) == sorted(map(repr, trace))
    assert stages(sorted_) == stages(trace)


def stages(trace):
    """What lies between flushes, whatever its order."""
    found = [[]]
    for each in trace:
        if each.op == "F":
            found.append([])
        else:
            found[-1].append(repr(each))
    return [sorted(stage) for stage in found]


def test_the_elevator_puts_two_streams_in_order():
    far = DISK.sectors // 2
    trace = writes(*(place for n in range(64) for place in (n * BLOCK, far + n * BLOCK)))

    assert cost(trace, DISK).seeks == 127
    assert cost(elevator(trace), DISK).seeks < 20


def test_the_elevator_leaves_a_sequential_trace_alone():
    trace = writes(*(number * BLOCK for number in range(100)))

    assert list(elevator(trace)) == trace


def test_runs_are_unbroken_stretches_of_one_kind():
    trace = [*writes(0, BLOCK, 5000), Request(0.0, "R", 9000, 8)]

    assert runs(trace) == [(0, 2 * BLOCK), (5000, BLOCK)]
    assert runs(trace, "R") == [(9000, 8)]
    assert runs(writes(0, BLOCK + 8), near=8) == [(0, 2 * BLOCK + 8)]
