import asyncio

import msgspec

from engine.jobs.queue import Candidate, Limits
from engine.jobs.turns import Turns

LIMITS = Limits(max_concurrent=1, large_ones_alone=True)
MEDIUM = 10_000_000_000


class Line:
    """A few torrents that want their turn; each holds it until it is told to end."""

    def __init__(self, *names: str) -> None:
        self.torrents = {
            name: Candidate(hash=name, position=place, size=MEDIUM)
            for place, name in enumerate(names, 1)
        }
        self.turns = Turns(LIMITS, self.torrents.__getitem__)
        self.running: list[str] = []
        self.ends = {name: asyncio.Event() for name in names}
        self.tasks = {name: asyncio.create_task(self._download(name)) for name in names}

    async def _download(self, name: str) -> None:
        async with self.turns.turn(name):
            self.running.append(name)
            try:
                await self.ends[name].wait()
            finally:
                self.running.remove(name)

    async def settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    async def close(self) -> None:
        for task in self.tasks.values():
            task.cancel()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)


async def test_the_next_one_starts_when_the_one_before_it_ends():
    line = Line("a", "b")
    await line.settle()
    assert line.running == ["a"]

    line.ends["a"].set()
    await line.settle()

    assert line.running == ["b"]
    await line.close()


async def test_one_that_is_cancelled_while_it_waits_leaves_the_line():
    line = Line("a", "b", "c")
    await line.settle()

    line.tasks["b"].cancel()
    line.ends["a"].set()
    await line.settle()

    assert line.running == ["c"]
    assert repr(line.turns) == "<Turns [1 running, 0 waiting]>"
    await line.close()


async def test_one_that_is_cancelled_in_the_moment_of_its_admission_gives_the_turn_back():
    line = Line("a", "b", "c")
    await line.settle()

    line.tasks["a"].cancel()
    line.tasks["b"].cancel()
    await line.settle()

    assert line.running == ["c"]
    await line.close()


async def test_a_review_after_a_change_of_force_admits_at_once():
    line = Line("a", "b")
    await line.settle()

    line.torrents["b"] = msgspec.structs.replace(line.torrents["b"], forced=True)
    line.turns.review()
    await line.settle()

    assert line.running == ["a", "b"]
    await line.close()
    assert repr(line.turns) == "<Turns [0 running, 0 waiting]>"
