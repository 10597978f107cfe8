"""Work that goes on for ever: what it survives, what ends it, and what wakes it."""

import asyncio
import logging

import pytest

from arrpush.line import Timing
from arrpush.steady import BUG_DELAY, STORE_DELAY, pause, steadily
from engine.store.errors import StoreError
from tests.arrpush.outbox_desk import logged
from tests.fakes.virtual_time import VirtualTime

logger = logging.getLogger("tests.steady")


@pytest.fixture
def time():
    return VirtualTime()


@pytest.fixture
def timing(time):
    return Timing(now=time.clock, monotonic=time.clock, sleep=time.sleep)


class Steps:
    """Steps that go as the test says, and then stand still for ever."""

    def __init__(self, time, *outcomes) -> None:
        self.time = time
        self.outcomes = list(outcomes)
        self.taken_at = []

    async def __call__(self):
        self.taken_at.append(self.time.now)
        if not self.outcomes:
            await asyncio.Event().wait()
        outcome = self.outcomes.pop(0)
        if outcome is not None:
            raise outcome


async def run(steps, timing, seconds):
    task = asyncio.create_task(steadily(steps, timing, logger, "target=x"))
    await steps.time.advance(seconds)
    return task


async def end(task):
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_one_step_follows_the_other_without_a_pause(time, timing):
    steps = Steps(time, None, None, None)
    task = await run(steps, timing, 0)

    assert steps.taken_at == [time.now] * 4
    await end(task)


async def test_a_store_that_fails_is_waited_for_and_said_in_one_line(time, timing):
    start = time.now
    steps = Steps(time, StoreError("no room"), StoreError("no room"), None)
    with logged("tests.steady") as lines:
        task = await run(steps, timing, 10 * STORE_DELAY)

    assert [at - start for at in steps.taken_at] == [
        *(0, STORE_DELAY, 2 * STORE_DELAY, 2 * STORE_DELAY)
    ]
    assert lines == ["target=x store=failed reason='no room'"] * 2
    await end(task)


@pytest.mark.parametrize("bug", [ZeroDivisionError("a bug"), RecursionError(), AssertionError()])
async def test_a_bug_neither_ends_the_work_nor_makes_it_spin(time, timing, bug):
    start = time.now
    steps = Steps(time, bug, None)
    with logged("tests.steady") as lines:
        task = await run(steps, timing, 10 * BUG_DELAY)

    assert [at - start for at in steps.taken_at] == [0, BUG_DELAY, BUG_DELAY]
    assert lines == ["target=x step=failed"]
    await end(task)


@pytest.mark.parametrize("outcome", [None, StoreError("no room"), ZeroDivisionError()])
async def test_whoever_ends_the_work_ends_it_wherever_it_is(time, timing, outcome):
    """In a step, or in the pause after one that failed."""
    task = await run(Steps(time, outcome), timing, 1)

    assert not task.done()
    await end(task)


async def test_what_a_step_is_told_of_its_end_is_no_failure(time, timing):
    with logged("tests.steady") as lines:
        task = await run(Steps(time, asyncio.CancelledError()), timing, 10 * BUG_DELAY)

    assert task.cancelled()
    assert lines == []


def others():
    return asyncio.all_tasks() - {asyncio.current_task()}


class TestPause:
    async def start(self, time, timing, woken, seconds):
        self.before = others()
        task = asyncio.create_task(pause(woken, seconds, timing))
        await time.settle()
        return task

    @pytest.mark.parametrize("seconds", [None, 5.0])
    async def test_it_is_over_when_somebody_wakes_it(self, time, timing, seconds):
        woken, start = asyncio.Event(), time.now
        task = await self.start(time, timing, woken, seconds)
        assert not task.done()
        woken.set()
        await task

        assert time.now == start
        assert others() == self.before

    @pytest.mark.parametrize("seconds", [None, 0.0, 5.0])
    async def test_who_was_woken_before_does_not_pause(self, time, timing, seconds):
        woken = asyncio.Event()
        woken.set()
        task = await self.start(time, timing, woken, seconds)

        assert task.done()
        assert others() == self.before

    async def test_it_is_over_when_its_time_is(self, time, timing):
        task = await self.start(time, timing, asyncio.Event(), 5.0)
        await time.advance(4.9)
        assert not task.done()
        await time.advance(0.1)

        assert task.done()
        assert others() == self.before

    async def test_no_time_is_over_at_once(self, time, timing):
        task = await self.start(time, timing, asyncio.Event(), 0.0)
        await time.advance(0)

        assert task.done()

    async def test_without_a_time_it_lasts_for_ever(self, time, timing):
        woken = asyncio.Event()
        task = await self.start(time, timing, woken, None)
        await time.advance(1e9)

        assert not task.done()
        woken.set()
        await task

    @pytest.mark.parametrize("seconds", [None, 5.0])
    async def test_who_is_cancelled_meanwhile_leaves_nothing_behind(self, time, timing, seconds):
        woken = asyncio.Event()
        task = await self.start(time, timing, woken, seconds)
        await end(task)

        assert others() == self.before
        assert not woken.is_set()

    async def test_a_time_that_has_passed_is_no_pause(self, timing):
        real = Timing(now=timing.now, monotonic=timing.monotonic)
        await pause(asyncio.Event(), -5.0, real)

    async def test_the_event_is_left_as_it_is(self, time, timing):
        woken = asyncio.Event()
        woken.set()
        await (await self.start(time, timing, woken, 5.0))

        assert woken.is_set()
