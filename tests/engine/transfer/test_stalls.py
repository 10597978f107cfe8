"""Which connection is given up, and why: what is unusual, not what is slow for everybody."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.transfer.latency import Latency
from engine.transfer.stalls import ALL, HEAD, OTHERS, QUIET, SEEN, SLOWER, Stalls
from engine.transfer.window import Lease

MB = 1_000_000
USUAL = 0.03


def usual(wait=USUAL, speed=10 * MB):
    """Return what is known of a server that has answered steadily."""
    latency = Latency()
    for _ in range(30):
        latency.answered(wait)
    latency.fetched(int(speed), 1.0)
    return latency


def lease(start=0, *, asked=0.0, began=None, heard=None, got=0, length=10 * MB):
    """Return a lease asked for at `asked`, answered at `began`, that last heard at `heard`."""
    lease = Lease(start, start + length)
    lease.cursor += got
    lease.asked_at, lease.began_at = asked, began
    lease.waiting_since = asked if heard is None else heard
    return lease


def find(leases, now, *, latency=None, stalls=None, heard_at=None, head=None):
    """Return the reasons by place; others hear something all the time if not told otherwise."""
    found = (stalls or Stalls()).find(
        tuple(leases),
        head or leases[0],
        latency or usual(),
        now=now,
        heard_at=now if heard_at is None else heard_at,
    )
    return {leases.index(each): why for each, why in found}


# Unanswered.


def test_a_request_is_given_up_after_longer_than_answers_take():
    limit = usual().limit

    assert find([lease()], limit * 0.99) == {}
    assert find([lease()], limit * 1.01) == {0: "unanswered"}


def test_it_need_not_be_the_heads():
    answered = lease(0, began=0.0, heard=0.1, got=9 * MB)

    assert find([answered, lease(1)], 0.1) == {1: "unanswered"}


def test_the_first_request_of_all_is_given_as_long_as_a_line_may_pause():
    assert find([lease()], ALL * 0.99, latency=Latency(), heard_at=0.0) == {}
    assert find([lease()], ALL * 1.01, latency=Latency(), heard_at=0.0) == {0: "unanswered"}


def test_the_silence_of_those_who_wait_for_room_is_no_pause_of_the_line():
    limit = usual().limit
    late, full = lease(), lease(1, began=0.0)
    full.waiting_since = None

    assert find([late, full], limit * 1.01, heard_at=0.0) == {0: "unanswered"}
    silent = lease(began=0.0, heard=0.0)
    assert find([silent, full], HEAD * 1.01, heard_at=0.0) == {0: "silent"}


def test_two_that_wait_together_are_witnesses_of_a_pause():
    answered = lease(1, began=0.0, heard=0.0)

    assert find([lease(), answered], ALL * 0.99, heard_at=0.0) == {}


def test_what_nobody_has_asked_for_yet_is_not_waited_for():
    dialling = lease(asked=None)

    assert find([dialling], 1000) == {}


def test_several_unanswered_ones_are_not_all_given_up_at_once():
    late = [lease(number) for number in range(8)]
    latency = usual()

    assert len(find(late, latency.limit * 1.1, latency=latency)) == 1


# Silent.


def test_a_head_that_falls_silent_is_given_up_sooner_than_others():
    silent = [lease(number, began=0.0, heard=0.0, got=9 * MB) for number in range(2)]

    assert find(silent, HEAD * 0.99) == {}
    assert find(silent, HEAD * 1.01) == {0: "silent"}
    assert find(silent, OTHERS * 1.01) == {0: "silent", 1: "silent"}


def test_while_nobody_hears_anything_it_is_the_line_that_pauses():
    silent = [lease(number, began=0.0, heard=1.0, got=9 * MB) for number in range(4)]
    unanswered = [lease(4 + number, asked=0.9) for number in range(4)]
    everybody = silent + unanswered

    assert find(everybody, 0.9 + ALL * 0.99, heard_at=0.8) == {}


def test_a_pause_of_all_is_taken_for_a_stall_in_the_end():
    silent = [lease(number, began=0.0, heard=1.0, got=9 * MB) for number in range(2)]

    assert find(silent, 1 + ALL * 1.01, heard_at=1.0) == {0: "silent"}


# Slow.


def crawling(seen, speed, length=10 * MB):
    """Return a lease that hears something all the time, but at `speed`, for `seen` seconds."""
    return lease(began=0.0, heard=seen, got=int(speed * seen), length=length)


def test_a_connection_is_given_up_when_another_would_bring_the_rest_several_times_sooner():
    assert find([crawling(1, 1 * MB)], 1) == {0: "slow"}


def test_a_connection_somewhat_slower_than_usual_is_kept():
    assert find([crawling(1, 10 * MB / SLOWER * 1.5)], 1) == {}


def test_a_slow_connection_that_is_nearly_done_is_kept():
    assert find([crawling(1, 1 * MB, length=1_050_000)], 1) == {}


def test_the_first_moment_says_nothing_about_speed():
    moment = max(SEEN, usual().limit) * 0.9

    assert find([crawling(moment, 1)], moment) == {}


def test_before_any_speed_is_known_nobody_is_slow():
    latency = Latency()
    latency.answered(USUAL)

    assert find([crawling(10, 1)], 10, latency=latency) == {}


def test_each_slow_one_doubles_the_bar_for_the_next_and_quiet_time_lowers_it_again():
    stalls, latency = Stalls(), usual()
    slow = 10 * MB / SLOWER / 1.5
    assert find([crawling(1, slow)], 1, latency=latency, stalls=stalls) == {0: "slow"}

    assert find([crawling(2, slow)], 2, latency=usual(), stalls=stalls) == {}
    late = crawling(1, slow)
    late.began_at = QUIET + 1.1
    now = late.waiting_since = QUIET + 2.1
    assert find([late], now, latency=usual(), stalls=stalls) == {0: "slow"}


def test_a_slow_one_that_was_given_up_lowers_what_is_taken_for_usual():
    latency = usual()
    find([crawling(1, 1 * MB)], 1, latency=latency)

    assert latency.speed < 10 * MB


# Nobody's fault but ours.


@pytest.mark.parametrize("kind", [{}, {"began": 0.0}, {"began": 0.0, "got": 5}])
def test_a_connection_that_waits_for_us_is_left_alone(kind):
    held_up = lease(**kind)
    held_up.waiting_since = None

    assert find([held_up], 1000) == {}


@given(
    st.lists(
        st.tuples(st.floats(0, 20), st.none() | st.floats(0, 20), st.floats(0, 20), st.booleans()),
        min_size=1,
        max_size=16,
    ),
    st.floats(0, 20),
)
def test_nobody_is_given_up_who_has_had_less_than_the_shortest_patience(histories, heard_at):
    leases, now = [], 20.0
    for number, (asked, answer, last, ours) in enumerate(histories):
        began = None if answer is None else min(now, asked + answer)
        heard = None if began is None else max(began, last)
        leases.append(lease(number, asked=asked, began=began, heard=heard, got=9 * MB))
        if ours:
            leases[-1].waiting_since = None
    limit = usual().limit

    for place, why in find(leases, now, heard_at=heard_at).items():
        late = leases[place]
        waited = now - (late.waiting_since if why == "silent" else late.asked_at)
        assert not histories[place][3]
        assert waited > (HEAD if why == "silent" else limit)


# A line in virtual time.


class Line:
    """Connections that fetch one lease after the other, looked at by Stalls all the time."""

    STEP = 0.01

    def __init__(self, connections, wait, speed, *, length=4 * MB):
        self.wait, self.speed, self.length = wait, speed, length
        self.latency, self.stalls = Latency(), Stalls()
        self.now = self.heard_at = 0.0
        self.given_up = []
        """(when, number of the request, seconds since it was sent, reason)"""
        self.fetched = self.asked = self.position = 0
        self.due = {}
        self.leases = []
        for _ in range(connections):
            self._take()

    def run(self, seconds):
        end = self.now + seconds
        while self.now < end:
            self.now += self.STEP
            for lease in list(self.leases):
                self._receive(lease)
            self._look()
        return self

    def reasons(self, since=0.0):
        return [why for at, _, _, why in self.given_up if at > since]

    def _take(self, start=None, end=None):
        if start is None:
            start, self.position = self.position, self.position + self.length
            end = self.position
        lease = Lease(start, end)
        lease.asked_at = lease.waiting_since = self.now
        self.asked += 1
        self.due[lease] = (self.asked, self.now + self.wait(self.asked, self.now))
        self.leases.append(lease)

    def _receive(self, lease):
        number, due = self.due[lease]
        if lease.began_at is None:
            if self.now < due:
                return
            lease.began_at = self.now
            self.latency.answered(self.now - lease.asked_at)
            self.heard_at = lease.waiting_since = self.now
            return
        count = int(self.speed(number, self.now) * self.STEP)
        if not count:
            return
        count = min(count, lease.end - lease.cursor)
        lease.cursor += count
        self.fetched += count
        self.heard_at = lease.waiting_since = self.now
        if lease.cursor == lease.end:
            self.latency.fetched(lease.end - lease.start, self.now - lease.began_at)
            self.leases.remove(lease)
            self._take()

    def _look(self):
        head = min(self.leases, key=lambda each: each.start)
        found = self.stalls.find(
            tuple(self.leases), head, self.latency, now=self.now, heard_at=self.heard_at
        )
        for lease, why in found:
            number, _ = self.due[lease]
            self.given_up.append((self.now, number, self.now - lease.asked_at, why))
            self.leases.remove(lease)
            self._take(lease.cursor, lease.end)


def jitter(seed=1, spread=0.2):
    draw = random.Random(seed)
    return lambda value: value * draw.uniform(1 - spread, 1 + spread)


def steady(value):
    vary = jitter()
    return lambda _number, _now: vary(value)


def changing(before, after, at):
    """Return a value that changes once, for everybody."""
    vary = jitter()
    return lambda _number, now: vary(before if now < at else after)


def test_on_a_steady_line_nobody_is_given_up():
    line = Line(8, steady(USUAL), steady(10 * MB)).run(60)

    assert line.given_up == []


def test_one_request_in_fifty_that_stalls_is_given_up_at_once_and_no_other():
    vary = jitter()

    def wait(number, _):
        return 3.0 if number % 50 == 0 else vary(USUAL)

    line = Line(8, wait, steady(10 * MB)).run(60)

    assert line.asked > 1000
    assert {number % 50 for _, number, _, _ in line.given_up} == {0}
    assert len(line.given_up) == line.asked // 50
    assert max(waited for _, _, waited, _ in line.given_up) < 4 * USUAL
    assert line.fetched > 0.9 * 8 * 10 * MB * 60


@pytest.mark.parametrize("factor", [3, 10, 50])
def test_a_server_whose_answers_all_become_slower_is_learned(factor):
    line = Line(8, changing(USUAL, USUAL * factor, at=5), steady(10 * MB)).run(65)

    assert len(line.given_up) <= 8
    assert line.reasons(since=15) == []


def test_slow_answers_are_learned_while_one_long_body_is_still_heard():
    line = Line(8, changing(USUAL, 100 * USUAL, at=1), steady(MB), length=MB // 2).run(0.9)
    line.leases[0].end = 1000 * MB
    line.run(60)

    assert len(line.given_up) <= 8
    assert line.reasons(since=10) == []


@pytest.mark.parametrize("factor", [3, 10, 50])
def test_connections_that_all_become_slower_are_learned(factor):
    line = Line(8, steady(USUAL), changing(10 * MB, 10 * MB / factor, at=5)).run(90)

    assert len(line.given_up) <= 16
    assert line.reasons(since=50) == []


def test_a_line_that_pauses_now_and_then_gives_nobody_up():
    def speed(_, now):
        return 0 if now % 10 > 7 else 10 * MB

    vary = jitter()

    def wait(_, now):
        begins = max(0.0, 10 - now % 10) if now % 10 > 7 - USUAL else 0.0
        return begins + vary(USUAL)

    line = Line(8, wait, speed).run(60)

    assert line.given_up == []


def test_one_slow_connection_among_many_is_replaced_and_the_others_are_kept():
    def speed(number, _):
        return MB / 10 if number == 20 else 10 * MB

    line = Line(8, steady(USUAL), speed).run(20)

    assert [(number, why) for _, number, _, why in line.given_up] == [(20, "slow")]


def test_its_repr_tells_how_readily_the_slow_are_given_up():
    assert repr(Stalls()) == f"<Stalls slower={SLOWER}>"
