"""Who looks after the connections: it sees at once, says what it changes, and ends in time."""

import logging
import queue
import re
import threading
import time

import pytest

from engine.transfer import crew as module
from engine.transfer.board import Board
from engine.transfer.crew import Crew
from engine.transfer.download import Engine, OneLink, Request
from engine.transfer.errors import Stopped
from engine.transfer.parallelism import Parallelism
from engine.transfer.ranges import Expected
from engine.transfer.retry import Patience
from engine.transfer.ring import BLOCK, Ring
from engine.transfer.ringsize import RingSize
from engine.transfer.stalls import Stalls
from tests.engine.transfer.conftest import FILM, MIB
from tests.fakes.clock import Clock
from tests.fakes.filehost import FileHost, Pattern

CAP = 16
SLOW_MACHINE = 0.5
"""Seconds: what takes tens of milliseconds may take so long on a machine that is busy."""


@pytest.fixture(autouse=True)
def told(caplog):
    caplog.set_level(logging.INFO, logger="engine.transfer")
    return caplog


def lines(told, pattern):
    return [each for each in told.records if re.search(pattern, each.getMessage())]


# With a clock that stands still, and connections that are only counted.


class Idle:
    """A fetcher that does nothing but end when it is told to."""

    def __init__(self, number):
        self.number, self.lease, self.received = number, None, 0
        self.aborted = threading.Event()
        self.thread = threading.Thread(target=self.aborted.wait, args=(10,), daemon=True)

    def abort(self):
        self.aborted.set()


class Stage:
    """A board and a crew whose looks are made by hand."""

    def __init__(self, parallelism=None, ring_size=None):
        self.clock = Clock()
        self.ring = Ring(64 * MIB)
        self.board = Board(
            start=0,
            expected=Expected(size=1000 * MIB),
            ring=self.ring,
            capacity=16 * MIB,
            reach=64 * MIB,
            cap=CAP,
            patience=Patience(60),
            clock=self.clock,
        )
        self.board.answered = True
        self.hired = []
        self.crew = Crew(
            self.board,
            self._hire,
            parallelism=parallelism or Parallelism(CAP, self.clock()),
            ring_size=ring_size or RingSize(64 * MIB, BLOCK, self.clock()),
            clock=self.clock,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for fetcher in self.hired:
            fetcher.abort()
            fetcher.thread.join()
        self.ring.close()

    def _hire(self, number):
        self.hired.append(Idle(number))
        return self.hired[-1]

    def look(self, seconds=0.05, received=0):
        self.clock.now += seconds
        for fetcher in self.hired:
            fetcher.received += received
        self.crew._look()


class Decided:
    """Stands for a pure part that has decided something."""

    def __init__(self, **known):
        self.cap = CAP
        self.reason = "said so"
        self.becomes = {}
        self.__dict__.update(known)

    def observe(self, *_, **__):
        self.__dict__.update(self.becomes)
        return bool(self.becomes)

    def begin_anew(self, *_):
        pass


def test_a_change_of_the_number_of_connections_is_told_with_its_reason_and_made(told):
    with Stage(parallelism=Decided(target=2, prospect=2, becomes={"target": 5})) as stage:
        stage.look()

        assert lines(told, r"^connections=5 reason='said so'$")
        assert [each.number for each in stage.hired] == [0, 1, 2, 3, 4]


def test_a_change_of_the_ring_is_told_with_its_reason_and_made(told):
    with Stage(ring_size=Decided(becomes={"capacity": 32 * MIB})) as stage:
        stage.look()

        assert lines(told, rf"^ring={32 * MIB} reason='said so'$")
        assert stage.board._window.capacity == 32 * MIB


def test_a_limit_of_the_hosts_is_told_too(told):
    with Stage() as stage:
        stage.board.lower_cap(1)
        stage.look()

        assert lines(told, """^connections=1 reason="host's limit"$""")


def test_what_does_not_change_is_not_told(told):
    with Stage(
        parallelism=Decided(target=2, prospect=2),
        ring_size=Decided(capacity=16 * MIB),
    ) as stage:
        for _ in range(10):
            stage.look()

    assert lines(told, "connections=|ring=") == []


def test_before_the_first_answer_there_is_one_connection():
    with Stage(parallelism=Decided(target=5, prospect=5)) as stage:
        stage.board.answered = False
        stage.look()

        assert len(stage.hired) == 1


def test_a_connection_that_has_ended_is_replaced_and_what_it_received_still_counts():
    with Stage(parallelism=Decided(target=1, prospect=1)) as stage:
        stage.look()
        stage.look(received=1000)
        stage.hired[0].abort()
        stage.hired[0].thread.join()
        stage.look()

        assert [each.number for each in stage.hired] == [0, 0]
        assert stage.crew.received == 1000


def test_a_connection_that_answers_late_is_given_up_by_its_lease(told):
    with Stage() as stage:
        stage.look()
        late, other = stage.hired[0], stage.hired[1] if len(stage.hired) > 1 else None
        late.lease = stage.board.take(0)
        late.lease.asked_at = late.lease.waiting_since = stage.clock()
        for _ in range(100):
            stage.look(0.1)

        assert late.aborted.is_set()
        assert lines(told, "^connection=0 action=replace reason=unanswered$")
        assert other is None or not other.aborted.is_set()


def test_the_speed_follows_what_is_received():
    with Stage(parallelism=Decided(target=1, prospect=1)) as stage:
        stage.look()
        for _ in range(20):
            stage.look(0.1, received=MIB)

        assert stage.crew.speed == pytest.approx(10 * MIB, rel=0.3)


def test_it_looks_more_often_the_quicker_answers_come():
    with Stage() as stage:
        assert stage.crew._tick() == module.TICK
        for _ in range(50):
            stage.board.latency.answered(0.05)
        assert module.SHORTEST_TICK < stage.crew._tick() < module.TICK
        for _ in range(200):
            stage.board.latency.answered(0.0001)
        assert module.SHORTEST_TICK <= stage.crew._tick() <= 2 * module.SHORTEST_TICK


def test_its_repr_tells_how_many_there_are():
    with Stage(parallelism=Decided(target=3, prospect=3)) as stage:
        stage.look()

        assert repr(stage.crew) == "<Crew of 3>"


def test_when_nobody_fetches_the_head_one_of_those_who_wait_for_room_lets_go():
    with Stage() as stage:
        stage.board.resize(target=4, capacity=4 * MIB)
        window = stage.board._window
        head, waiting = window.lease(4 * MIB), [window.lease(MIB, 8 * MIB) for _ in range(4)]
        let_go = queue.SimpleQueue()

        def hold(lease):
            stage.board.claim(lease)
            let_go.put(lease)

        threads = [threading.Thread(target=hold, args=(lease,)) for lease in waiting]
        for thread in threads:
            thread.start()
        while stage.board._starved < len(threads):
            time.sleep(0.001)
        stage.board.give_back(head)
        stage.board.give_back(let_go.get(timeout=5))
        assert stage.board.take(0).start == 0

        assert let_go.empty()
        stage.board.stop()
        for thread in threads:
            thread.join()


# Whole downloads.


class Watched:
    """A fault whose first moment is noted."""

    def __init__(self, fault):
        self.fault, self.struck_at = fault, []
        effect = fault._effect

        def note(answer):
            self.struck_at.append(time.time())
            effect(answer)

        fault._effect = note


def test_an_unanswered_request_is_asked_again_within_tens_of_milliseconds(prepare, host, told):
    host.trickles(10 * MIB)
    late = Watched(host.first_byte_after(8, times=1, nth=4))
    run = prepare(host.url("/film"), connections=4, ring=4 * MIB)

    outcome = run()

    assert run.bytes == FILM.read()
    assert late.fault.hits == 1
    replaced = lines(told, "action=replace reason=unanswered")
    assert any(0 < each.created - late.struck_at[0] < SLOW_MACHINE for each in replaced)
    assert outcome.seconds < 4


def test_a_download_tells_its_changes(told, prepare):
    with FileHost({"/film": Pattern(64 * MIB, seed=2)}) as host:
        host.trickles(20 * MIB)
        prepare(host.url("/film"), connections=4)()

    assert lines(told, r"^connections=4 reason='.+'$")


def test_a_download_whose_connections_all_wait_is_stopped_at_once(host, part):
    host.first_byte_after(30)
    engine = Engine()
    request = Request(path=part, connections=4)
    job = engine.download(request, OneLink(host.url("/film")), save=lambda _: None)
    raised = []

    def run():
        try:
            job.run()
        except Stopped as problem:
            raised.append(problem)

    thread = threading.Thread(target=run)
    thread.start()
    host.wait_for_requests(1)
    began = time.monotonic()
    job.stop()
    thread.join(10)
    engine.close()

    assert raised
    assert time.monotonic() - began < SLOW_MACHINE
    assert not [each for each in threading.enumerate() if each.name in {"crew", "fetch-0"}]


@pytest.mark.parametrize("part_of_it", [Parallelism, RingSize])
def test_a_mistake_in_a_pure_part_ends_the_download_with_it(
    prepare, host, monkeypatch, part_of_it, told
):
    def break_down(*_, **__):
        raise ZeroDivisionError("a mistake")

    monkeypatch.setattr(part_of_it, "observe", break_down)
    host.trickles(MIB)

    with pytest.raises(ZeroDivisionError, match="a mistake"):
        prepare(host.url("/film"))()

    assert lines(told, "^crew=failed$")


def test_a_mistake_in_looking_for_stalls_ends_the_download_with_it(prepare, host, monkeypatch):
    def break_down(*_, **__):
        raise ZeroDivisionError("a mistake")

    monkeypatch.setattr(Stalls, "find", break_down)
    host.trickles(MIB)

    with pytest.raises(ZeroDivisionError, match="a mistake"):
        prepare(host.url("/film"))()
