"""The ring grows when growth pays, and only then."""

from engine.transfer.ringsize import START, RingSize

MIB = 1 << 20


def sized(cap=512 * MIB):
    return RingSize(cap, MIB, now=0.0)


def run(size, seconds, *, full, dry, begin=0.0):
    for tick in range(int(seconds * 10)):
        size.observe(begin + (tick + 1) / 10, full=full, dry=dry)


def test_it_begins_small_whatever_the_cap():
    assert sized().capacity == START
    assert sized(8 * MIB).capacity == 8 * MIB


def test_a_disk_that_runs_dry_behind_a_full_ring_makes_it_grow():
    size = sized()
    run(size, 1.5, full=True, dry=True)

    assert size.capacity == START * 3 // 2
    assert "dry" in size.reason


def test_a_slow_disk_alone_never_does():
    size = sized()
    run(size, 20, full=True, dry=False)

    assert size.capacity == START


def test_a_slow_line_alone_never_does():
    size = sized()
    run(size, 20, full=False, dry=True)

    assert size.capacity == START


def test_a_burst_that_overfilled_the_ring_counts_when_the_disk_is_dry_after_it():
    size = sized()
    size.observe(0.4, full=True, dry=False)
    size.observe(0.8, full=False, dry=True)
    size.observe(1.1, full=False, dry=True)

    assert size.capacity > START


def test_it_never_exceeds_the_cap():
    size = sized(100 * MIB)
    run(size, 30, full=True, dry=True)

    assert size.capacity == 100 * MIB


def test_it_gives_back_after_a_calm_time_but_not_below_the_start():
    size = sized()
    run(size, 10, full=True, dry=True)
    grown = size.capacity
    run(size, 31, full=False, dry=False, begin=10)
    assert START <= size.capacity < grown

    run(size, 600, full=False, dry=False, begin=41)
    assert size.capacity == START
