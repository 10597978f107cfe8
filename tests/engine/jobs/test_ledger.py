import asyncio
import random

import pytest
from msgspec.structs import replace

from engine.jobs.errors import Forgotten
from engine.jobs.ledger import Ledger
from engine.jobs.states import IllegalMove, State
from engine.store.records import FileRecord, RemovalRecord, TorrentRecord
from engine.store.store import Store

A, B, C = "a" * 40, "b" * 40, "c" * 40


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "store.db")
    yield store
    store.close()


@pytest.fixture
async def ledger(store):
    ledger = Ledger(store, lambda: 1000.0)
    await ledger.load()
    for infohash in (A, B, C):
        await ledger.insert(record(infohash), b"", "as a magnet")
    return ledger


def record(infohash: str) -> TorrentRecord:
    return TorrentRecord(
        hash=infohash, name=infohash, state=State.ADDED, save_path="/complete", added_at=1
    )


def file(index: int, flushed: int = 0) -> FileRecord:
    return FileRecord(torrent=A, index=index, path=f"root/{index}", size=10_000, flushed=flushed)


async def stored(store) -> Ledger:
    """What the next start would read."""
    again = Ledger(store, lambda: 1000.0)
    await again.load()
    return again


async def test_what_is_added_is_stored_and_stands_at_the_end_of_the_queue(ledger, store):
    assert [one.record.position for one in ledger.entries()] == [1, 2, 3]

    again = await stored(store)

    assert [one.record for one in again.entries()] == [one.record for one in ledger.entries()]


async def test_a_move_is_stored_with_its_event(ledger, store):
    await ledger.move(A, State.PREPARING, magnet_id=7)
    await ledger.move(A, State.ERROR, reason="nobody shares it")

    entry = (await stored(store)).entry(A)
    assert (entry.state, entry.record.reason) == (State.ERROR, "nobody shares it")
    assert entry.record.magnet_id == 7
    assert [event.detail for event in await ledger.events(A)] == [
        "as a magnet",
        "preparing",
        "error: nobody shares it",
    ]


async def test_what_would_cost_a_download_to_forget_survives_a_power_cut(store, monkeypatch):
    ledger = Ledger(store, lambda: 1000.0)
    await ledger.load()
    await ledger.insert(record(A), b"", "as a magnet")
    synced = []
    real = store.run

    async def run(work, *, durable=False):
        synced.append(durable)
        return await real(work, durable=durable)

    monkeypatch.setattr(store, "run", run)
    for state in (State.QUEUED, State.DOWNLOADING, State.MOVING, State.COMPLETED):
        await ledger.move(A, state)

    assert synced == [False, False, True, True]


async def test_an_illegal_move_changes_nothing(ledger, store):
    with pytest.raises(IllegalMove):
        await ledger.move(A, State.COMPLETED)

    assert ledger.entry(A).state is State.ADDED
    assert (await stored(store)).entry(A).state is State.ADDED


async def test_a_change_that_cannot_be_stored_is_not_shown(ledger, store):
    store.close()

    with pytest.raises(Exception, match="closed"):
        await ledger.change(A, name="new")

    assert ledger.record(A).name == A


async def test_changes_from_two_sides_do_not_lose_each_other(ledger):
    await asyncio.gather(
        ledger.change(A, category="x"), ledger.move(A, State.PAUSED), ledger.change(A, name="n")
    )

    assert (ledger.record(A).category, ledger.record(A).name) == ("x", "n")
    assert ledger.entry(A).state is State.PAUSED


async def test_a_change_that_has_begun_is_made_even_if_its_asker_is_cancelled(ledger, store):
    asker = asyncio.create_task(ledger.change(A, name="new"))
    await asyncio.sleep(0)
    asker.cancel()
    await asyncio.gather(asker, return_exceptions=True)

    await ledger.settled()

    assert ledger.record(A).name == "new"
    assert (await stored(store)).record(A).name == "new"


async def test_whatever_is_cancelled_memory_and_store_agree_in_the_end(ledger, store):
    chance = random.Random(7)
    tasks = []
    for number in range(200):
        infohash = chance.choice([A, B, C])
        change = chance.choice(
            [
                lambda one=infohash, n=number: ledger.change(one, name=f"name {n}"),
                lambda one=infohash, n=number: ledger.change(one, category=f"{n}"),
                lambda one=infohash: ledger.put_first([one]),
                lambda one=infohash: ledger.put_last([one]),
            ]
        )
        tasks.append(asyncio.create_task(change()))
        if chance.random() < 0.3:
            await asyncio.sleep(0)
            chance.choice(tasks).cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await ledger.settled()

    again = await stored(store)

    assert [one.record for one in again.entries()] == [one.record for one in ledger.entries()]
    assert sorted(one.record.position for one in ledger.entries()) == [1, 2, 3]


async def test_files_are_found_by_index_whatever_their_place(ledger, store):
    await ledger.change(A, records=[file(0, 10_000), file(3, 5)])

    entry = ledger.entry(A)

    assert entry.file(3).flushed == 5
    assert entry.on_disk == 10_005
    assert (await stored(store)).entry(A).files == entry.files


async def test_a_checkpoint_from_a_thread_is_stored_and_shown(ledger, store):
    await ledger.change(A, records=[file(0), file(3)])

    await asyncio.to_thread(ledger.checkpoint, file(3, 4096))

    assert ledger.entry(A).file(3).flushed == 4096
    assert ledger.entry(A).on_disk == 4096
    assert (await stored(store)).entry(A).on_disk == 4096


async def test_what_is_removed_is_gone_and_nothing_can_be_done_with_it(ledger, store):
    await ledger.remove(A)
    await ledger.remove(A)

    assert A not in ledger
    assert A not in await stored(store)
    with pytest.raises(Forgotten):
        await ledger.change(A, name="x")
    with pytest.raises(Forgotten):
        await ledger.move(A, State.PAUSED)


async def test_the_order_of_the_queue_leaves_out_those_that_do_not_queue(ledger):
    await ledger.change(B, position=0)

    await ledger.put_first([C, B])

    positions = {one.record.hash: one.record.position for one in ledger.entries()}
    assert positions == {A: 2, B: 0, C: 1}
    assert ledger.next_position() == 3


async def test_repr_tells_what_there_is(ledger):
    assert repr(ledger) == "<Ledger 3 torrents, 0 changes under way>"
    assert repr(ledger.entry(A)) == f"<Entry {A} added 0/0>"


def removal(magnet_id: int, infohash: str = A) -> RemovalRecord:
    return RemovalRecord(magnet_id=magnet_id, torrent=infohash)


async def test_a_magnet_to_take_off_is_stored_with_the_removal_of_its_torrent(ledger, store):
    await ledger.remove(A, take_off=7)
    await ledger.remove(B)

    again = await stored(store)

    assert again.removals() == ledger.removals() == [removal(7)]
    assert ledger.removals(A) == [removal(7)]
    assert ledger.removals(B) == []


async def test_a_magnet_that_a_torrent_lets_go_of_is_stored_with_that(ledger, store):
    await ledger.change(A, magnet_id=7)
    await ledger.change(A, magnet_id=0, take_off=7)

    again = await stored(store)

    assert (again.record(A).magnet_id, again.removals()) == (0, [removal(7)])


async def test_a_magnet_that_a_torrent_gets_again_is_not_to_be_taken_off_any_more(ledger, store):
    await ledger.remove(A, take_off=7)
    await ledger.insert(record(A), b"", "as a magnet")

    await ledger.move(A, State.PREPARING, magnet_id=8)
    assert ledger.removals() == [removal(7)]
    await ledger.change(A, magnet_id=7)

    assert ledger.removals() == (await stored(store)).removals() == []


async def test_that_a_magnet_is_off_is_stored_with_its_torrent_if_there_is_one(ledger, store):
    await ledger.change(A, magnet_id=7)
    await ledger.remove(B, take_off=8)
    await ledger.change(C, magnet_id=9)

    for one in (removal(7, A), removal(8, B), removal(10, C)):
        await ledger.taken_off(one)

    again = await stored(store)
    assert again.removals() == ledger.removals() == []
    assert [one.record.magnet_id for one in again.entries()] == [0, 9]
    assert [one.record.magnet_id for one in ledger.entries()] == [0, 9]
    assert [event.kind for event in await ledger.events(A)] == ["added", "magnet_deleted"]


async def test_who_replaces_files_does_not_take_back_how_much_they_are_wanted(ledger, store):
    await ledger.change(A, records=[file(0), file(1), file(2)])
    read_before = ledger.entry(A).files

    await ledger.prioritise(A, [0, 2], 0)
    await ledger.change(A, records=[replace(one, flushed=5000) for one in read_before])

    for one in (ledger, await stored(store)):
        assert [(each.flushed, each.priority) for each in one.entry(A).files] == [
            (5000, 0),
            (5000, 1),
            (5000, 0),
        ]
    assert [event.kind for event in await ledger.events(A)] == ["added", "file_priority"]


async def test_other_files_with_the_same_index_are_wanted_as_they_come(ledger):
    await ledger.change(A, records=[file(0)])
    await ledger.prioritise(A, [0], 0)
    await ledger.change(A, records=[replace(file(0), size=77)])
    assert ledger.entry(A).file(0).priority == 1


async def test_a_checkpoint_leaves_alone_how_much_a_file_is_wanted(ledger, store):
    await ledger.change(A, records=[file(0), file(1)])
    await ledger.prioritise(A, [1], 0)
    for index, flushed in ((0, 100), (1, 200), (1, 300)):
        await asyncio.to_thread(ledger.checkpoint, file(index, flushed))
    await asyncio.sleep(0)

    entry = ledger.entry(A)
    assert [each.priority for each in entry.files] == [1, 0]
    assert (entry.on_disk, entry.skipped, entry.skipped_on_disk) == (400, 10_000, 300)
    assert entry.done == 100
    again = (await stored(store)).entry(A)
    assert (again.on_disk, again.skipped, again.skipped_on_disk) == (400, 10_000, 300)


async def test_a_file_that_is_not_there_has_no_priority(ledger, store):
    await ledger.change(A, records=[file(0)])
    with pytest.raises(KeyError):
        await ledger.prioritise(A, [0, 7], 0)
    with pytest.raises(Forgotten):
        await ledger.prioritise("d" * 40, [0], 0)
    assert (await stored(store)).entry(A).file(0).priority == 1


async def test_each_torrent_that_is_complete_is_told_once_it_is_stored(store):
    told = []
    ledger = Ledger(store, lambda: 1000.0, finished=told.append)
    await ledger.load()
    await ledger.insert(record(A), b"", "as a magnet")
    for state in (State.QUEUED, State.DOWNLOADING, State.MOVING):
        await ledger.move(A, state)
    assert told == []
    await ledger.move(A, State.COMPLETED, size=7)

    assert told == [(await stored(store)).entry(A).record]
