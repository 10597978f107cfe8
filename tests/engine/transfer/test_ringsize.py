"""The ring grows when growth pays, and only then."""

from engine.transfer.ringsize import START, RingSize

MIB = 1 << 20


def sized(cap=512 * MIB):
    return RingSize(cap, MIB, now=0.0)


def run(size, seconds, *, starved, dry, begin=0.0):
    for tick in range(int(seconds * 10)):
        size.observe(begin + (tick + 1) / 10, starved=starved, dry=dry)


def test_it_begins_small_whatever_the_cap():
    assert sized().capacity == START
    assert sized(8 * MIB).capacity == 8 * MIB


def test_a_head_that_holds_up_all_others_makes_it_grow():
    size = sized()
    run(size, 1.5, starved=0.75, dry=True)

    assert size.capacity == START * 3 // 2
    assert "dry" in size.reason


def test_a_connection_that_waits_now_and_then_does_not():
    size = sized()
    for second in range(60):
        run(size, 0.5, starved=0.25, dry=True, begin=second)
        run(size, 0.5, starved=0, dry=True, begin=second + 0.5)

    assert size.capacity == START


def test_a_slow_disk_alone_never_does():
    size = sized()
    run(size, 20, starved=1, dry=False)

    assert size.capacity == START


def test_a_slow_line_alone_never_does():
    size = sized()
    run(size, 20, starved=0, dry=True)

    assert size.capacity == START


def test_a_burst_that_overfilled_it_counts_when_the_disk_is_dry_soon_after():
    size = sized()
    run(size, 2, starved=1, dry=False)
    run(size, 2, starved=0, dry=True, begin=2)

    assert size.capacity > START


def test_it_never_exceeds_the_cap():
    size = sized(100 * MIB)
    run(size, 30, starved=1, dry=True)

    assert size.capacity == 100 * MIB


def test_it_gives_back_after_a_calm_time_but_not_below_the_start():
    size = sized()
    run(size, 10, starved=1, dry=True)
    grown = size.capacity
    run(size, 35, starved=0, dry=False, begin=10)
    assert START <= size.capacity < grown

    run(size, 600, starved=0, dry=False, begin=45)
    assert size.capacity == START
