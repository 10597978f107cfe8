from hypothesis import given
from hypothesis import strategies as st

from api.qbittorrent.bans import Bans, household


class Clock:
    def __init__(self):
        self.time = 0.0

    def __call__(self):
        return self.time


def banned(bans, address, failures):
    for _ in range(failures):
        bans.failed(address)
    return bans.banned(address)


def test_the_fifth_failure_bans_and_says_so():
    bans = Bans(clock=Clock())
    assert [bans.failed("1.2.3.4") for _ in range(6)] == [False] * 4 + [True, False]
    assert bans.banned("1.2.3.4")
    assert not bans.banned("1.2.3.5")


def test_success_forgets_failures():
    bans = Bans(clock=Clock())
    assert not banned(bans, "1.2.3.4", 4)
    bans.succeeded("1.2.3.4")
    assert not banned(bans, "1.2.3.4", 4)
    bans.succeeded("unknown")


def test_a_ban_is_over_in_time_and_so_are_failures():
    clock = Clock()
    bans = Bans(limit=2, duration=10, clock=clock)
    assert banned(bans, "1.2.3.4", 2)
    clock.time = 9.9
    assert bans.banned("1.2.3.4")
    clock.time = 10
    assert not bans.banned("1.2.3.4")
    bans.failed("1.2.3.4")
    clock.time = 20
    assert not banned(bans, "1.2.3.4", 1)
    assert repr(bans) == "<Bans 1 addresses>"


def test_ipv6_counts_by_networks_and_mapped_ipv4_by_addresses():
    bans = Bans(limit=2, clock=Clock())
    bans.failed("2001:db8::1")
    bans.failed("2001:db8::ffff:1")
    assert bans.banned("2001:db8::2")
    assert not bans.banned("2001:db8:0:1::1")
    assert banned(bans, "::ffff:1.2.3.4", 2)
    assert bans.banned("1.2.3.4")
    assert not bans.banned("::ffff:1.2.3.5")


def test_what_is_no_address_counts_as_it_stands():
    assert household("?") == "?"
    assert household("fe80::1%eth0") == "fe80::"
    assert household("") == ""


def test_memory_is_bounded_and_the_oldest_failure_is_forgotten_first():
    bans = Bans(limit=1, clock=Clock(), room=3)
    for number in range(5):
        bans.failed(f"2001:db8:0:{number}::1")
    assert repr(bans) == "<Bans 3 addresses>"
    assert [bans.banned(f"2001:db8:0:{n}::9") for n in range(5)] == [False, False, True, True, True]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["fail", "pass", "wait"]))))
def test_who_is_banned_failed_often_enough_in_a_row_and_not_long_ago(story):
    clock = Clock()
    bans = Bans(limit=3, duration=5, clock=clock)
    failures = {name: [] for name in "abc"}
    for name, what in story:
        if what == "wait":
            clock.time += 2
        elif what == "pass":
            bans.succeeded(name)
            failures[name] = []
        else:
            if failures[name] and failures[name][-1] + 5 <= clock.time:
                failures[name] = []
            bans.failed(name)
            failures[name].append(clock.time)
        for each, times in failures.items():
            expected = len(times) >= 3 and times[-1] + 5 > clock.time
            assert bans.banned(each) is expected
