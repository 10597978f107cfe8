"""Which connection is given up."""

from engine.transfer.stalls import HEAD, OTHERS, QUIET, SLOW_HEAD, Stalls
from engine.transfer.window import Lease


def lease(start, since):
    lease = Lease(start, start + 10)
    lease.waiting_since = since
    return lease


def find(stalls, leases, now, *, full=False, dry=False):
    return stalls.find(tuple(leases), leases[0], now=now, full=full, dry=dry)


def test_a_silent_head_is_given_up_after_seconds_and_others_later():
    head, other = lease(0, 0.0), lease(10, 0.0)

    assert find(Stalls(), [head, other], HEAD) == []
    assert find(Stalls(), [head, other], HEAD + 0.1) == [head]
    assert find(Stalls(), [head, other], OTHERS + 0.1) == [head, other]


def test_a_connection_that_waits_for_us_is_left_alone():
    assert find(Stalls(), [lease(0, None)], 1000) == []


def test_each_replacement_doubles_patience_and_quiet_halves_it_again():
    stalls = Stalls()
    find(stalls, [lease(0, 0.0)], HEAD + 0.1)

    assert find(stalls, [lease(0, 10.0)], 10 + 2 * HEAD) == []
    assert find(stalls, [lease(0, 10.0)], 10 + 2 * HEAD + 0.1)
    later = 20 + 3 * QUIET
    for _ in range(2):  # two doublings are to be forgotten
        later += QUIET + 0.1
        find(stalls, [lease(0, later)], later)
    assert find(stalls, [lease(0, later)], later + HEAD) == []
    assert find(stalls, [lease(0, later)], later + HEAD + 0.1)


def test_a_slow_head_is_given_up_when_everything_waits_for_it():
    stalls = Stalls()
    head, other = lease(0, 0.0), lease(10, None)
    for tick in range(int(SLOW_HEAD * 10) + 1):
        head.waiting_since = tick / 10  # bytes come, one by one
        assert find(stalls, [head, other], tick / 10, full=True, dry=True) == []

    now = SLOW_HEAD + 0.25
    head.waiting_since = now
    assert find(stalls, [head, other], now, full=True, dry=True) == [head]


def test_a_slow_head_is_kept_while_the_disk_has_work_or_nobody_waits():
    for condition in ({"full": True}, {"dry": True}):
        stalls = Stalls()
        head, other = lease(0, 0.0), lease(10, None)
        for tick in range(100):
            head.waiting_since = tick / 10
            assert find(stalls, [head, other], tick / 10, **condition) == []


def test_a_new_head_gets_its_own_time():
    stalls = Stalls()
    for tick in range(100):
        head = lease(tick, tick / 10)
        assert find(stalls, [head, lease(900, None)], tick / 10, full=True, dry=True) == []
