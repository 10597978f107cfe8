import asyncio

import pytest

from engine.alldebrid.errors import ApiError
from engine.jobs.errands import LONGEST_DELAY, Errands
from engine.store.errors import StoreError
from engine.store.records import RemovalRecord
from tests.fakes.virtual_time import VirtualTime

ONE = RemovalRecord(magnet_id=7, torrent="hash")
OTHER = RemovalRecord(magnet_id=8, torrent="other hash")


class Account:
    """An account that removes magnets, unless it has trouble, and who remembers what is left."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.trouble: Exception | None = None
        self.answers = asyncio.Event()
        self.answers.set()
        self.left = [ONE, OTHER]
        self.full = False
        self.time = VirtualTime()
        self.errands = Errands(
            self.delete, done=self.done, pending=self.pending, sleep=self.time.sleep
        )

    async def delete(self, magnet_id: int) -> None:
        self.asked.append(magnet_id)
        await self.answers.wait()
        if self.trouble is not None:
            raise self.trouble

    async def done(self, removal: RemovalRecord) -> None:
        if self.full:
            raise StoreError("there is no room left to write the database")
        self.left.remove(removal)

    def pending(self, infohash: str) -> list[RemovalRecord]:
        return [removal for removal in self.left if removal.torrent == infohash]


@pytest.fixture
async def account():
    account = Account()
    yield account
    await account.errands.close()


async def test_the_magnet_is_taken_off_and_that_is_stored(account):
    account.errands.take_off(ONE)
    account.errands.take_off(ONE)
    await account.time.settle()

    assert (account.asked, account.left) == ([7], [OTHER])
    assert repr(account.errands) == "<Errands 0 under way>"


async def test_trouble_is_tried_again_more_and_more_slowly_until_it_is_over(account):
    account.trouble = ApiError("GENERIC")
    account.errands.take_off(ONE)
    await account.time.advance(59)
    assert account.asked == [7]
    await account.time.advance(1 + 120 + 240)
    assert account.asked == [7] * 4

    await account.time.advance(48 * LONGEST_DELAY)
    assert len(account.asked) > 48
    account.trouble = None
    await account.time.advance(LONGEST_DELAY)

    assert account.left == [OTHER]


async def test_what_could_not_be_stored_is_done_once_more(account):
    account.full = True
    account.errands.take_off(ONE)
    await account.time.settle()
    account.full = False
    await account.time.advance(60)

    assert (account.asked, account.left) == ([7, 7], [OTHER])


async def test_nothing_is_taken_off_while_it_is_withheld_and_what_is_left_is_afterwards(account):
    account.trouble = ApiError("GENERIC")
    account.errands.take_off(ONE)
    account.errands.take_off(OTHER)
    await account.time.settle()
    account.trouble = None

    async with account.errands.withheld("hash"):
        await account.time.advance(3600)
        assert account.asked == [7, 8, 8]
    await account.time.settle()

    assert account.asked == [7, 8, 8, 7]
    assert account.left == []


async def test_what_is_wanted_again_meanwhile_is_not_taken_off(account):
    account.trouble = ApiError("GENERIC")
    account.errands.take_off(ONE)
    await account.time.settle()

    async with account.errands.withheld("hash"):
        account.left.remove(ONE)
    await account.time.advance(3600)

    assert account.asked == [7]


async def test_a_request_on_its_way_is_seen_through_before_anything_is_withheld(account):
    account.answers.clear()
    account.errands.take_off(ONE)
    await account.time.settle()
    entered = asyncio.Event()

    async def withhold() -> None:
        async with account.errands.withheld("hash"):
            entered.set()

    task = asyncio.create_task(withhold())
    await account.time.settle()
    assert not entered.is_set()

    account.answers.set()
    await task

    assert (account.asked, account.left) == ([7], [OTHER])


async def test_closing_ends_what_is_under_way(account):
    account.answers.clear()
    account.errands.take_off(ONE)
    await account.time.settle()

    await account.errands.close()

    assert repr(account.errands) == "<Errands 0 under way>"
    assert account.left == [ONE, OTHER]


async def test_a_bug_is_logged_and_ends_only_its_errand(account, caplog):
    account.trouble = ZeroDivisionError("oops")
    account.errands.take_off(ONE)
    await account.time.settle()

    assert "errand=failed" in caplog.text
    assert repr(account.errands) == "<Errands 0 under way>"
