import asyncio
import threading

import pytest

from engine.alldebrid.errors import ApiError, Treatment
from engine.alldebrid.values import Unlocked
from engine.jobs.errors import UselessLink
from engine.jobs.fetch import FileLinks, as_transfer_error, in_thread
from engine.transfer.download import Link
from engine.transfer.errors import (
    ConnectionTrouble,
    Gone,
    ServerBusy,
    ServerTrouble,
    Stopped,
    Unusable,
)


class Unlocking:
    """Gives links when it is told to."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.called = asyncio.Event()
        self.answer = asyncio.Event()
        self.problem: ApiError | None = None

    async def get(self, link):
        return await self.renew(link, "")

    async def renew(self, link, stale_url):
        self.asked.append((link, stale_url))
        self.called.set()
        await self.answer.wait()
        if self.problem is not None:
            raise self.problem
        return Unlocked(f"http://127.0.0.1/{len(self.asked)}", max_connections=3)


def links(unlocking, deadline: float = 5.0) -> FileLinks:
    return FileLinks(unlocking, "page", asyncio.get_running_loop(), deadline)


async def test_links_are_made_on_the_loop_for_whoever_asks_from_a_thread():
    unlocking = Unlocking()
    unlocking.answer.set()
    file = links(unlocking)

    first = await asyncio.to_thread(file.current)
    second = await asyncio.to_thread(file.refresh, first)

    assert (first, second) == (Link("http://127.0.0.1/1", 3), Link("http://127.0.0.1/2", 3))
    assert unlocking.asked == [("page", ""), ("page", "http://127.0.0.1/1")]


async def test_a_thread_that_waits_for_a_link_is_woken_when_no_more_are_given():
    unlocking = Unlocking()
    file = links(unlocking)
    waiting = asyncio.create_task(asyncio.to_thread(file.current))
    await unlocking.called.wait()

    file.close()

    with pytest.raises(Stopped):
        await waiting
    with pytest.raises(Stopped):
        await asyncio.to_thread(file.current)


async def test_a_link_that_does_not_come_in_time_is_trouble_on_the_line():
    file = links(Unlocking(), deadline=0.01)

    with pytest.raises(ConnectionTrouble):
        await asyncio.to_thread(file.current)


async def test_what_alldebrid_refuses_reaches_the_engine_in_its_own_terms():
    unlocking = Unlocking()
    unlocking.answer.set()
    unlocking.problem = ApiError("LINK_DOWN")

    with pytest.raises(Gone, match="no longer has the content"):
        await asyncio.to_thread(links(unlocking).current)


@pytest.mark.parametrize(
    ("problem", "kind"),
    [
        (ApiError("LINK_DOWN"), Gone),
        (ApiError("LINK_PASS_PROTECTED"), UselessLink),
        (ApiError("LINK_ERROR", treatment=Treatment.PERMANENT), Unusable),
        (ApiError("LINK_HOST_FULL"), ServerBusy),
        (ApiError("LINK_ERROR"), ServerTrouble),
        (ApiError("X", treatment=Treatment.SLOT), ServerTrouble),
    ],
)
def test_every_treatment_has_its_transfer_error(problem, kind):
    translated = as_transfer_error(problem)

    assert type(translated) is kind
    assert str(translated) == str(problem)


async def test_work_in_a_thread_returns_or_raises_what_it_does():
    assert await in_thread(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        await in_thread(divmod, 7, 0)


async def test_cancelling_stops_the_work_and_ends_with_it_however_often_it_is_cancelled():
    stop, stopped, over = threading.Event(), threading.Event(), threading.Event()

    def work():
        stop.wait(5)
        stopped.set()
        over.wait(5)

    task = asyncio.create_task(in_thread(work, stop=stop.set))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.to_thread(stopped.wait, 5)
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()

    over.set()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert "work" not in [thread.name for thread in threading.enumerate()]


async def test_an_error_of_stopped_work_is_not_mistaken_for_the_cancellation():
    stop = threading.Event()

    def work():
        stop.wait(5)
        raise Stopped("stopped")

    task = asyncio.create_task(in_thread(work, stop=stop.set))
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
