import asyncio
import contextlib
import resource
import threading
import time

import apsw
import psutil
import pytest

from engine.store import events, files, torrents, values
from engine.store.errors import StoreError
from engine.store.store import Store
from tests.engine.store.samples import file, infohash, torrent

MIB = 1024 * 1024


def put(name, value="x"):
    return lambda db: values.put(db, name, value)


def get(name):
    return lambda db: values.get(db, name)


@contextlib.contextmanager
def writer_held(store):
    """Keep the writer busy, so that what is submitted stays in the queue."""
    release = threading.Event()
    held = store.submit(lambda _: release.wait())
    try:
        yield
    finally:
        release.set()
        held.result()


@contextlib.contextmanager
def no_file_longer_than(size):
    """Let the disk refuse to make any file longer than `size` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_what_was_stored_is_there_after_reopening(path):
    with contextlib.closing(Store(path)) as store:
        store.call(put("name", "value"))
    with contextlib.closing(Store(path)) as store:
        assert store.call(get("name")) == "value"


def test_works_run_in_the_order_they_were_submitted_in_one_thread(store):
    seen = []
    futures = [
        store.submit(lambda _, n=n: seen.append((n, threading.get_ident()))) for n in range(100)
    ]
    for future in futures:
        future.result()
    assert [n for n, _ in seen] == list(range(100))
    assert len({ident for _, ident in seen} - {threading.get_ident()}) == 1


def test_a_durable_work_is_synced_and_the_next_one_is_not(store):
    def level(db):
        return db.pragma("synchronous")

    normal, full = 1, 2
    assert store.submit(level, durable=True).result() == full
    assert store.submit(level).result() == normal


def test_a_durable_work_that_raises_leaves_the_next_one_as_it_was(store):
    def fail(_):
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - the work's own
        store.submit(fail, durable=True).result()

    assert store.call(lambda db: db.pragma("synchronous")) == 1


def test_a_work_that_raises_leaves_no_trace_and_takes_no_other_down(store):
    def failing(db):
        values.put(db, "failing", "x")
        raise LookupError("a reason of its own")

    with writer_held(store):
        before, failed, after = (
            store.submit(put("before")),
            store.submit(failing),
            store.submit(put("after")),
        )

    before.result()
    after.result()
    with pytest.raises(LookupError, match="a reason of its own"):
        failed.result()
    assert [store.call(get(name)) for name in ("before", "failing", "after")] == ["x", None, "x"]


def test_a_work_that_breaks_the_rules_of_the_database_raises_a_store_error(store, path):
    with pytest.raises(StoreError, match="FOREIGN KEY") as caught:
        store.call(lambda db: torrents.save_metainfo(db, infohash(1), b"d4:infod1:x1:yee"))
    assert str(path) in str(caught.value)


def test_no_value_gets_into_an_error_message(store):
    with pytest.raises(StoreError) as caught:
        store.call(lambda db: values.put(db, "key", b"secret"))
    assert "secret" not in str(caught.value)
    assert "secret" not in str(caught.value.__cause__)


async def test_the_event_loop_goes_on_while_a_work_runs(store):
    started, release = threading.Event(), threading.Event()

    def work(_):
        started.set()
        return release.wait()

    task = asyncio.create_task(store.run(work))
    await asyncio.to_thread(started.wait)
    assert not task.done()
    release.set()
    assert await task is True


async def test_the_event_loop_gets_what_a_work_raised(store):
    with pytest.raises(StoreError, match="no such table"):
        await store.run(lambda db: db.execute("SELECT * FROM nonsense"))


async def test_a_work_is_done_even_if_nobody_waits_for_it_any_more(store):
    with writer_held(store):
        task = asyncio.create_task(store.run(put("name", "value")))
        await asyncio.sleep(0)  # let it be submitted
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await store.run(get("name")) == "value"


def test_a_work_that_calls_the_store_raises_instead_of_waiting_for_itself(store):
    with pytest.raises(RuntimeError, match="the connection it was given"):
        store.call(lambda _: store.call(get("name")))


def test_close_runs_what_is_queued(path):
    store = Store(path)
    release = threading.Event()
    store.submit(lambda _: release.wait())
    futures = [store.submit(put(str(n))) for n in range(20)]
    closer = threading.Thread(target=store.close)
    closer.start()
    release.set()
    closer.join()

    assert all(future.done() for future in futures)
    with contextlib.closing(Store(path)) as reopened:
        assert reopened.call(get("19")) == "x"


def test_close_leaves_one_file_with_everything_in_it(path):
    store = Store(path)
    store.call(put("name", "value"))
    store.close()

    assert list(path.parent.iterdir()) == [path]


def test_close_may_be_called_again_and_from_several_threads(path):
    store = Store(path)
    closers = [threading.Thread(target=store.close) for _ in range(8)]
    for closer in closers:
        closer.start()
    for closer in closers:
        closer.join()
    store.close()

    assert repr(store) == f"<Store {path} closed>"


def test_submit_after_close_raises(store, path):
    store.close()
    with pytest.raises(StoreError, match="is closed") as caught:
        store.submit(put("name"))
    assert str(path) in str(caught.value)


def test_the_repr_tells_which_database_it_is(store, path):
    assert repr(store) == f"<Store {path} open>"


def test_fifty_stores_leave_no_thread_and_no_file_descriptor(path):
    def cycle():
        with contextlib.closing(Store(path)) as store:
            store.call(put("name"))

    cycle()
    before = (psutil.Process().num_fds(), threading.active_count())
    for _ in range(50):
        cycle()
    assert (psutil.Process().num_fds(), threading.active_count()) == before


def test_reading_writes_nothing(store, path):
    wal = path.with_name(path.name + "-wal")
    store.call(lambda db: torrents.save(db, torrent()))

    before = (wal.stat().st_mtime_ns, wal.read_bytes(), path.read_bytes())
    for _ in range(10):
        store.call(torrents.load_all)
        store.call(files.load_all)
        store.call(lambda db: events.of(db, infohash(1)))
    assert (wal.stat().st_mtime_ns, wal.read_bytes(), path.read_bytes()) == before


def test_the_write_ahead_log_stays_short(store, path):
    wal = path.with_name(path.name + "-wal")
    for n in range(100):
        store.call(put(str(n % 10), "x" * 400_000))
        assert wal.stat().st_size < 9 * MIB


def test_the_write_ahead_log_is_cut_back_after_a_large_transaction(store, path):
    wal = path.with_name(path.name + "-wal")
    store.call(put("large", "x" * 20 * MIB))
    assert wal.stat().st_size > 20 * MIB

    store.call(put("small"))
    assert wal.stat().st_size <= 8 * MIB


def test_a_full_disk_is_named_and_the_store_goes_on_when_there_is_room(store, path):
    store.call(lambda db: db.pragma("max_page_count", db.pragma("page_count") + 2))
    with pytest.raises(StoreError, match="no room") as caught:
        store.call(put("large", "x" * MIB))
    assert str(path) in str(caught.value)

    store.call(put("small", "still works"))
    store.call(lambda db: db.pragma("max_page_count", 2**30))
    store.call(put("large", "x" * MIB))
    assert store.call(get("small")) == "still works"
    assert store.call(get("large")) == "x" * MIB


def test_a_failing_disk_is_named_and_the_store_goes_on_when_it_works_again(store, path):
    with (
        no_file_longer_than(256 * 1024),
        pytest.raises(StoreError, match="the disk failed") as caught,
    ):
        store.call(put("large", "x" * MIB))
    assert str(path) in str(caught.value)

    assert store.call(get("large")) is None
    store.call(put("large", "x" * MIB))
    assert store.call(get("large")) == "x" * MIB


def test_a_lock_that_another_program_keeps_is_named(store, path):
    store.submit(lambda db: db.set_busy_timeout(1)).result()
    with contextlib.closing(apsw.Connection(str(path))) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked by another program"):
            store.call(put("name"))
        other.execute("ROLLBACK")
    store.call(put("name"))


def test_ten_thousand_torrents_load_in_well_under_a_second(store):
    def fill(db):
        for n in range(10_000):
            torrents.save(db, torrent(n))
            files.replace(db, infohash(n), [file(n, 0), file(n, 1)])

    def timed(db):
        started = time.monotonic()
        return torrents.load_all(db), files.load_all(db), time.monotonic() - started

    store.call(fill)
    stored, of_torrents, seconds = store.call(timed)
    assert len(stored) == len(of_torrents) == 10_000
    assert seconds < 1
