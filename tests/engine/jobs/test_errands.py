import asyncio

from engine.alldebrid.errors import ApiError
from engine.jobs.errands import TRIES, Errands
from tests.fakes.virtual_time import FastTime


class Account:
    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.asked: list[int] = []

    async def delete(self, magnet_id: int) -> None:
        self.asked.append(magnet_id)
        if len(self.asked) <= self.failures:
            raise ApiError("GENERIC")


async def run(failures: int) -> tuple[Account, list[float], list[str]]:
    account, time, done = Account(failures), FastTime(), []
    errands = Errands(account.delete, sleep=time.sleep)

    async def then() -> None:
        done.append("then")

    errands.take_off("hash", 7, then)
    await errands.settled("hash")
    assert repr(errands) == "<Errands 0 under way>"
    return account, time.slept, done


async def test_the_magnet_is_taken_off_and_then_it_is_said():
    account, slept, done = await run(0)

    assert (account.asked, slept, done) == ([7], [], ["then"])


async def test_trouble_is_tried_again_a_few_times_more_and_more_slowly():
    account, slept, done = await run(2)

    assert (account.asked, slept, done) == ([7, 7, 7], [60, 120], ["then"])


async def test_it_is_given_up_in_the_end_and_not_said():
    account, _, done = await run(99)

    assert (len(account.asked), done) == (TRIES, [])


async def test_closing_ends_what_is_under_way():
    async def never(_: int) -> None:
        await asyncio.Event().wait()

    errands = Errands(never, sleep=FastTime().sleep)
    errands.take_off("hash", 7)

    await errands.close()
    await errands.settled("hash")

    assert repr(errands) == "<Errands 0 under way>"
