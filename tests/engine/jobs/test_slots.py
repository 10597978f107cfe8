import asyncio

from engine.jobs.slots import Slots
from tests.fakes.virtual_time import VirtualTime


class Line:
    """Torrents that ask for a slot until there is one; `asked` is who asked, in order."""

    def __init__(self, *names: str) -> None:
        self.time = VirtualTime()
        self.places = {name: place for place, name in enumerate(names)}
        self.slots = Slots(
            self.places.__getitem__, sleep=self.time.sleep, uniform=lambda low, _: low
        )
        self.free = 0
        self.asked: list[str] = []
        self.got: list[str] = []
        self.tasks = {name: asyncio.create_task(self._ask(name)) for name in names}

    async def _ask(self, name: str) -> None:
        async with self.slots.line(name) as turn:
            while True:
                await turn()
                self.asked.append(name)
                if self.free:
                    self.free -= 1
                    self.got.append(name)
                    return

    async def close(self) -> None:
        for task in self.tasks.values():
            task.cancel()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)


async def test_only_the_first_asks_and_then_about_every_minute():
    line = Line("a", "b", "c")
    await line.time.advance(0)
    assert line.asked == ["a"]

    await line.time.advance(59)
    assert line.asked == ["a"]
    await line.time.advance(61)

    assert line.asked == ["a", "a", "a"]
    await line.close()


async def test_who_was_first_asks_no_more_when_one_before_it_has_come():
    line = Line("a", "b")
    line.tasks.pop("a").cancel()
    await line.time.advance(0)
    assert line.asked == ["b"]

    line.tasks["a"] = asyncio.create_task(line._ask("a"))
    await line.time.advance(61)

    assert line.asked == ["b", "a"]
    await line.close()


async def test_when_one_gets_its_slot_the_next_asks_at_once():
    line = Line("a", "b", "c")
    await line.time.advance(1)
    line.free = 2

    await line.time.advance(60)

    assert line.got == ["a", "b"]
    assert line.asked[-1] == "c"
    await line.close()


async def test_a_freed_slot_is_asked_for_at_once():
    line = Line("a", "b")
    await line.time.advance(1)
    line.free = 1

    line.slots.freed()
    await line.time.advance(0)

    assert line.got == ["a"]
    await line.close()


async def test_the_order_is_the_queues_as_it_is_now():
    line = Line("a", "b")
    await line.time.advance(1)
    line.places["b"] = -1
    line.free = 1

    line.slots.freed()
    await line.time.advance(0)

    assert line.got == ["b"]
    await line.close()


async def test_one_that_leaves_the_line_hands_it_on():
    line = Line("a", "b")
    await line.time.advance(1)

    line.tasks["a"].cancel()
    await line.time.advance(0)

    assert line.asked == ["a", "b"]
    await line.close()
    assert repr(line.slots) == "<Slots 0 waiting>"
