import asyncio

from tests.fakes.virtual_time import FastTime, VirtualTime


async def test_fast_time_moves_instead_of_sleeping():
    time = FastTime(10.0)
    await time.sleep(3600)
    assert time.clock() == 3610.0
    assert time.slept == [3600]


async def test_virtual_time_wakes_sleepers_in_the_order_of_their_deadlines():
    time = VirtualTime(0.0)
    woken = []

    async def sleeper(seconds):
        await time.sleep(seconds)
        woken.append((seconds, time.clock()))

    tasks = [asyncio.create_task(sleeper(seconds)) for seconds in (3, 1, 2)]
    await time.advance(2.5)
    assert woken == [(1, 1.0), (2, 2.0)]
    await time.advance(1)
    assert woken[-1] == (3, 3.0)
    assert time.clock() == 3.5
    await asyncio.gather(*tasks)


async def test_virtual_time_wakes_who_sleeps_again_on_the_way():
    time = VirtualTime(0.0)
    ticks = []

    async def ticker():
        while True:
            await time.sleep(1)
            ticks.append(time.clock())

    task = asyncio.create_task(ticker())
    await time.advance(3)
    assert ticks == [1.0, 2.0, 3.0]
    task.cancel()


async def test_a_cancelled_sleeper_stays_asleep():
    time = VirtualTime(0.0)
    task = asyncio.create_task(time.sleep(1))
    await time.settle()
    task.cancel()
    await time.advance(2)
    assert task.cancelled()
