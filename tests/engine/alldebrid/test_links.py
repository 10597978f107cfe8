import asyncio

import pytest

from engine.alldebrid.errors import ApiError
from engine.alldebrid.links import VALID_FOR, LinkCache
from engine.alldebrid.values import Unlocked
from tests.fakes.clock import Clock
from tests.fakes.links import MemoryLinks

LINK = "https://alldebrid.com/f/a"


class Unlocker:
    """Unlocks when told to; each link gets a new URL unless `url` says otherwise."""

    def __init__(self):
        self.asked = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.failure = None
        self.url = ""

    async def __call__(self, link):
        self.asked.append(link)
        number = len(self.asked)
        await self.may_answer.wait()
        if self.failure:
            raise self.failure
        url = self.url or f"https://x.example/{number}"
        return Unlocked(url, filename="a", size=5, max_connections=3)


@pytest.fixture
def unlocker():
    return Unlocker()


@pytest.fixture
def clock():
    return Clock(1_800_000_000.0)


@pytest.fixture
def keeper():
    return MemoryLinks()


@pytest.fixture
def cache(unlocker, keeper, clock):
    return LinkCache(unlocker, keeper, clock=clock)


async def test_a_link_is_unlocked_once_in_a_day(cache, unlocker, clock):
    first = await cache.get(LINK)
    clock.now += VALID_FOR - 1
    second = await cache.get(LINK)
    assert (second.url, second.max_connections) == (first.url, 3)
    assert len(unlocker.asked) == 1
    clock.now += 1
    assert (await cache.get(LINK)).url != first.url
    assert len(unlocker.asked) == 2


async def test_a_forgotten_link_is_unlocked_anew_and_others_are_not(cache, unlocker):
    await cache.get(LINK)
    await cache.get("another")
    await cache.forget([LINK, "", "never unlocked"])
    await cache.get(LINK)
    await cache.get("another")
    assert unlocker.asked == [LINK, "another", LINK]


async def test_a_link_from_the_future_is_not_trusted(cache, unlocker, clock):
    await cache.get(LINK)
    clock.now -= 10
    await cache.get(LINK)
    assert len(unlocker.asked) == 2


async def test_a_link_survives_a_restart_in_its_keeper(cache, unlocker, keeper, clock):
    first = await cache.get(LINK)
    again = await LinkCache(unlocker, keeper, clock=clock).get(LINK)
    assert again.url == first.url
    assert len(unlocker.asked) == 1


async def test_many_who_ask_at_once_unlock_once(cache, unlocker):
    unlocker.may_answer.clear()
    tasks = [asyncio.create_task(cache.get(LINK)) for _ in range(10)]
    other = asyncio.create_task(cache.get("https://alldebrid.com/f/b"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert "unlocking=2" in repr(cache)
    unlocker.may_answer.set()
    assert len({unlocked.url for unlocked in await asyncio.gather(*tasks)}) == 1
    await other
    assert len(unlocker.asked) == 2


async def test_one_who_gives_up_does_not_stop_the_others(cache, unlocker):
    unlocker.may_answer.clear()
    first, second = (asyncio.create_task(cache.get(LINK)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    unlocker.may_answer.set()
    assert (await second).url
    assert len(unlocker.asked) == 1


async def test_a_failure_reaches_everybody_and_is_not_kept(cache, unlocker):
    unlocker.failure = ApiError("LINK_DOWN")
    tasks = [asyncio.create_task(cache.get(LINK)) for _ in range(3)]
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in results] == [ApiError] * 3
    assert len(unlocker.asked) == 1
    unlocker.failure = None
    assert (await cache.get(LINK)).url


async def test_a_failure_nobody_waits_for_any_more_is_silent(cache, unlocker):
    unlocker.may_answer.clear()
    unlocker.failure = ApiError("LINK_DOWN")
    task = asyncio.create_task(cache.get(LINK))
    await asyncio.sleep(0)
    task.cancel()
    unlocker.may_answer.set()
    for _ in range(10):
        await asyncio.sleep(0)
    assert "unlocking=0" in repr(cache)


async def test_a_stale_link_is_unlocked_again(cache, unlocker):
    stale = await cache.get(LINK)
    fresh = await cache.renew(LINK, stale.url)
    assert fresh.url != stale.url
    assert (await cache.get(LINK)).url == fresh.url
    assert len(unlocker.asked) == 2


async def test_many_who_renew_the_same_stale_link_unlock_once(cache, unlocker):
    stale = await cache.get(LINK)
    renewed = await asyncio.gather(*(cache.renew(LINK, stale.url) for _ in range(8)))
    assert len({unlocked.url for unlocked in renewed}) == 1
    assert (await cache.renew(LINK, stale.url)).url == renewed[0].url
    assert len(unlocker.asked) == 2


async def test_many_who_renew_a_link_that_stays_the_same_unlock_once(cache, unlocker):
    unlocker.url = "https://x.example/same"
    stale = await cache.get(LINK)
    renewed = await asyncio.gather(*(cache.renew(LINK, stale.url) for _ in range(8)))
    assert {unlocked.url for unlocked in renewed} == {stale.url}
    assert len(unlocker.asked) == 2


async def test_renewing_does_not_settle_for_a_look_up_of_the_stale_link(cache):
    stale = await cache.get(LINK)
    looking = asyncio.create_task(cache.get(LINK))
    await asyncio.sleep(0)
    fresh = await cache.renew(LINK, stale.url)
    assert (await looking).url == stale.url
    assert fresh.url != stale.url


async def test_renewing_takes_what_an_unlocking_under_way_brings(cache, unlocker):
    unlocker.may_answer.clear()
    first = asyncio.create_task(cache.get(LINK))
    await asyncio.sleep(0)
    renewing = asyncio.create_task(cache.renew(LINK, "https://x.example/older"))
    await asyncio.sleep(0)
    unlocker.may_answer.set()
    assert (await renewing).url == (await first).url
    assert len(unlocker.asked) == 1


async def test_closing_ends_what_is_under_way(cache, unlocker):
    unlocker.may_answer.clear()
    task = asyncio.create_task(cache.get(LINK))
    await asyncio.sleep(0)
    await cache.close()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_repr_hides_the_links(cache, keeper):
    unlocked = await cache.get(LINK)
    kept = await keeper.get(LINK)
    for said in (repr(cache), repr(keeper), repr(kept), repr(unlocked)):
        assert "example" not in said
        assert "/f/a" not in said
