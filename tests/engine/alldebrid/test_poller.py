import asyncio

import pytest

from engine.alldebrid import errors
from engine.alldebrid.client import AllDebrid, Settings
from engine.alldebrid.errors import ApiError, Treatment
from engine.alldebrid.poller import Intervals, Poller
from engine.alldebrid.values import Phase
from engine.alldebrid.wire import Change, StatusAnswer, status_from
from tests.fakes.alldebrid import FakeAllDebrid
from tests.fakes.virtual_time import FastTime, VirtualTime

HASH = "a1" * 20


class Remote:
    """A live-mode server in memory: what it holds, what it was asked, what goes wrong."""

    def __init__(self, time):
        self.time = time
        self.held: dict[int, Change] = {}
        self.sent: dict[int, tuple[int, dict[int, Change]]] = {}
        self.asked: list[tuple[float, int]] = []
        self.confirmed: list[int] = []
        self.hidden: set[int] = set()
        self.failures: list[Exception] = []

    @property
    def full(self):
        return [at for at, counter in self.asked if counter == 0]

    def put(self, magnet_id, **values):
        self.held[magnet_id] = Change(magnet_id, **{"hash": HASH, "code": 0, **values})

    async def changes(self, session, counter):
        self.asked.append((self.time.clock(), counter))
        if self.failures:
            raise self.failures.pop(0)
        now = {key: value for key, value in self.held.items() if key not in self.hidden}
        last, before = self.sent.get(session, (0, {}))
        self.sent[session] = (last + 1, now)
        if counter == 0 or counter != last:
            self.sent[session] = (1, now)
            return StatusAnswer(tuple(now.values()), 1, full=True)
        changed = tuple(value for key, value in now.items() if before.get(key) != value)
        return StatusAnswer(changed, last + 1)

    async def status_of(self, magnet_id):
        self.confirmed.append(magnet_id)
        if self.failures:
            raise self.failures.pop(0)
        if magnet_id not in self.held:
            raise ApiError("MAGNET_INVALID_ID")
        return status_from(self.held[magnet_id])


@pytest.fixture
def time():
    return VirtualTime()


@pytest.fixture
def remote(time):
    return Remote(time)


@pytest.fixture
async def poller(remote, time):
    poller = Poller(remote, clock=time.clock, sleep=time.sleep, random=lambda: 0.5)
    task = asyncio.create_task(poller.run())
    yield poller
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def soon(time, task, seconds=0.0):
    """What a task returns within some seconds."""
    await time.advance(seconds)
    assert task.done()
    return task.result()


async def test_nobody_asking_means_no_request(poller, remote, time):
    await time.advance(3600)
    assert remote.asked == []
    assert poller.by_hash(HASH) is None
    assert poller.by_id(1) is None
    assert "unsynced" in repr(poller)


async def test_the_first_list_comes_on_demand(poller, remote, time):
    remote.put(1, name="A", size=10)
    await soon(time, asyncio.create_task(poller.synced()))
    assert poller.by_hash(HASH.upper()).name == "A"
    assert poller.by_id(1).size == 10
    await soon(time, asyncio.create_task(poller.synced()))
    assert len(remote.asked) == 1


async def test_a_look_at_one_torrent_is_no_list_and_is_told_at_once(poller, remote, time):
    remote.put(1, code=4)
    waiting = asyncio.create_task(poller.next(1, None))

    await poller.look(1)

    assert (await soon(time, waiting)).phase is Phase.READY
    assert remote.confirmed == [1]


async def test_a_look_that_fails_leaves_it_to_the_next_round(poller, remote, time):
    await poller.look(1)  # it is not there yet
    remote.put(1)

    assert await soon(time, asyncio.create_task(poller.next(1, None)), 5)


async def test_a_refresh_is_a_list_asked_for_now(poller, remote, time):
    await soon(time, asyncio.create_task(poller.synced()))
    remote.put(1)
    await soon(time, asyncio.create_task(poller.refresh()), 5)
    assert poller.by_id(1)
    assert len(remote.full) == 2


async def test_what_differs_from_what_was_seen_is_told_at_once(poller, remote, time):
    remote.put(1)
    await soon(time, asyncio.create_task(poller.synced()))
    status = await soon(time, asyncio.create_task(poller.next(1, None)))
    assert status.phase is Phase.WAITING


async def test_changes_are_waited_for_and_merged(poller, remote, time):
    remote.put(1, name="A", size=100)
    first = await soon(time, asyncio.create_task(poller.next(1, None)))
    waiting = asyncio.create_task(poller.next(1, first))
    await time.advance(20)
    assert not waiting.done()
    remote.put(1, name="A", size=100, code=1, downloaded=50)
    second = await soon(time, waiting, 5)
    assert (second.name, second.size, second.progress) == ("A", 100, 0.5)
    assert len(remote.full) == 1


async def test_it_asks_every_five_seconds_while_somebody_waits(poller, remote, time):
    remote.put(1)
    first = await soon(time, asyncio.create_task(poller.next(1, None)))
    waiting = asyncio.create_task(poller.next(1, first))
    before = len(remote.asked)
    await time.advance(60)
    assert len(remote.asked) - before == 12
    waiting.cancel()


async def test_it_asks_every_minute_while_nobody_waits(poller, remote, time):
    await soon(time, asyncio.create_task(poller.synced()))
    await time.advance(300)
    assert len(remote.asked) == 6


async def test_somebody_who_begins_to_wait_shortens_an_idle_rest(poller, remote, time):
    await soon(time, asyncio.create_task(poller.synced()))
    await time.advance(7)
    remote.put(1)
    assert await soon(time, asyncio.create_task(poller.next(1, None)), 5)


async def test_everybody_who_waits_is_woken(poller, remote, time):
    remote.put(1)
    remote.put(2, hash="b2" * 20)
    waiting = [asyncio.create_task(poller.next(magnet_id, None)) for magnet_id in (1, 2, 1)]
    await time.advance(0)
    assert [task.result().id for task in waiting] == [1, 2, 1]
    assert len(remote.asked) == 1


async def test_the_whole_list_is_asked_for_every_ten_minutes(poller, remote, time):
    remote.put(1)
    first = await soon(time, asyncio.create_task(poller.next(1, None)))
    waiting = asyncio.create_task(poller.next(1, first))
    await time.advance(1800)
    assert [at - remote.full[0] for at in remote.full] == [0, 600, 1200, 1800]
    assert len(remote.sent) == 1
    waiting.cancel()


async def test_a_deleted_torrent_is_gone_only_when_asked_for_by_id(poller, remote, time):
    remote.put(1)
    first = await soon(time, asyncio.create_task(poller.next(1, None)))
    waiting = asyncio.create_task(poller.next(1, first))
    del remote.held[1]
    await time.advance(590)
    assert not waiting.done()
    await time.advance(15)
    assert remote.confirmed == [1]
    error = waiting.exception()
    assert (error.code, error.treatment) == ("MAGNET_INVALID_ID", Treatment.GONE)


async def test_a_torrent_the_list_lacks_is_looked_for_in_a_new_list_first(poller, remote, time):
    await soon(time, asyncio.create_task(poller.synced()))
    waiting = asyncio.create_task(poller.next(7, None))
    await time.advance(0)
    assert remote.confirmed == []
    await time.advance(5)
    assert len(remote.full) == 2
    assert remote.confirmed == [7]
    assert waiting.exception().treatment is Treatment.GONE


async def test_a_torrent_only_its_id_finds_is_there(poller, remote, time):
    remote.put(7, name="hidden")
    remote.hidden.add(7)
    first = await soon(time, asyncio.create_task(poller.next(7, None)), 5)
    assert first.name == "hidden"
    waiting = asyncio.create_task(poller.next(7, first))
    await time.advance(30)
    assert not waiting.done()
    waiting.cancel()


async def test_a_torrent_that_cannot_be_confirmed_is_not_gone(poller, remote, time):
    await soon(time, asyncio.create_task(poller.synced()))
    waiting = asyncio.create_task(poller.next(7, None))
    await time.advance(4.9)
    real = remote.changes

    async def then_fail(session, counter):
        answer = await real(session, counter)
        remote.failures.append(ApiError(errors.UNREACHABLE))
        remote.changes = real
        return answer

    remote.changes = then_fail
    await time.advance(1)
    assert remote.confirmed == [7]
    assert not waiting.done()
    remote.put(7)
    assert (await soon(time, waiting, 10)).id == 7


async def test_trouble_is_survived_and_told_once(poller, remote, time, caplog):
    caplog.set_level("INFO")
    remote.put(1)
    first = await soon(time, asyncio.create_task(poller.next(1, None)))
    remote.failures = [ApiError(errors.UNREACHABLE)] * 5 + [RuntimeError("oops")]
    waiting = asyncio.create_task(poller.next(1, first))
    await time.advance(20)
    assert errors.UNREACHABLE in repr(poller)
    await time.advance(20)
    remote.put(1, code=4)
    assert (await soon(time, waiting, 5)).phase is Phase.READY
    assert caplog.text.count(errors.UNREACHABLE) == 1
    assert caplog.text.count("poll=recovered") == 1


async def test_somebody_who_waits_during_trouble_keeps_the_pace(poller, remote, time):
    remote.failures = [ApiError(errors.UNREACHABLE)] * 3
    remote.put(1)
    waiting = asyncio.create_task(poller.next(1, None))
    assert (await soon(time, waiting, 15)).id == 1


async def test_a_change_of_a_torrent_never_seen_leads_to_the_whole_list(poller, remote, time):
    remote.put(1)
    first = await soon(time, asyncio.create_task(poller.next(1, None)))
    waiting = asyncio.create_task(poller.next(1, first))
    real = remote.changes

    async def half_a_torrent(session, counter):
        await real(session, counter)
        remote.changes = real
        return StatusAnswer((Change(2, speed=5),), 2)

    remote.changes = half_a_torrent
    await time.advance(10)
    assert len(remote.full) == 2
    waiting.cancel()


# Against the fake's live mode


async def test_it_follows_a_torrent_from_the_queue_to_gone():
    time = FastTime()
    with FakeAllDebrid() as fake:
        client = AllDebrid(
            lambda: fake.key, Settings(base_url=fake.url), clock=time.clock, sleep=time.sleep
        )
        poller = Poller(client, Intervals(full=100), clock=time.clock, sleep=time.sleep)
        task = asyncio.create_task(poller.run())
        fake.hold(HASH, "A", {"a.mkv": 1000}, ready=False)
        uploaded = await client.upload_magnet(HASH)
        status = await poller.next(uploaded.id, None)
        assert (status.phase, status.name, status.size) == (Phase.WAITING, "A", 1000)
        fake.progresses(HASH, 0.5)
        status = await poller.next(uploaded.id, status)
        assert (status.phase, status.progress, status.name) == (Phase.FETCHING, 0.5, "A")
        fake.forgets_sessions()
        fake.becomes_ready(HASH)
        status = await poller.next(uploaded.id, status)
        assert status.phase is Phase.READY
        fake.loses_torrent(HASH)
        with pytest.raises(ApiError) as caught:
            await poller.next(uploaded.id, status)
        assert caught.value.treatment is Treatment.GONE
        task.cancel()
        await client.close()
