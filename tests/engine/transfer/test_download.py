"""One URL to one exact file, when nothing goes wrong but the user's patience."""

import gc
import os
import threading

import psutil
import pytest

from engine.transfer import download as module
from engine.transfer.download import Checkpoint, Engine, OneLink, Request
from engine.transfer.errors import DiskFull, DiskTrouble, FileChanged, Stopped, Unusable
from engine.transfer.turns import Disks
from tests.fakes.filehost import FileHost, Pattern

MIB = 1 << 20
FILM = Pattern(20 * MIB + 12_345, seed=1)
SIZES = [0, 1, 511, 512, 4095, 4096, 4097, MIB - 1, MIB, MIB + 1, 3 * MIB + 511]


@pytest.fixture
def host():
    with FileHost({"/film": FILM}) as host:
        yield host


@pytest.mark.parametrize("size", SIZES)
def test_every_tail_arrives_as_it_is(prepare, size):
    content = Pattern(size, seed=size)
    with FileHost({"/film": content}) as host:
        run = prepare(host.url("/film"))

        outcome = run()

    assert run.bytes == content.read()
    assert outcome.size == size
    assert host.served_again("/film") == 0


def test_over_https_with_a_certificate_that_is_trusted(prepare):
    with FileHost({"/film": FILM}, tls=True) as host:
        run = prepare(host.url("/film"), ca_file=host.ca_file)
        run()

    assert run.bytes == FILM.read()


@pytest.mark.parametrize("connections", [1, 2, 16])
def test_with_any_number_of_connections(prepare, host, connections):
    run = prepare(host.url("/film"), connections=connections, ring=8 * MIB)

    outcome = run()

    assert run.bytes == FILM.read()
    assert host.peak_active <= connections
    assert outcome.connections_peak <= connections
    assert outcome.received == FILM.size


def test_one_connection_asks_for_the_rest_at_once(prepare, host):
    prepare(host.url("/film"), connections=1)()

    assert len(host.requests) == 2  # the first block, which tells the size, and the rest
    assert host.connections == 1


def test_over_ipv6(prepare):
    with FileHost({"/film": FILM}, ipv6=True) as host:
        run = prepare(host.url("/film", name="::1"))
        run()

    assert run.bytes == FILM.read()


def test_a_dead_address_of_several_is_passed_over(prepare, host):
    # localhost is ::1 and 127.0.0.1; the host listens on 127.0.0.1 only.
    run = prepare(host.url("/film", name="localhost"))
    run()

    assert run.bytes == FILM.read()


def test_the_observer_sees_every_byte_once_in_order(prepare, host):
    run = prepare(host.url("/film"), observe=True)
    run()

    assert bytes(run.seen) == FILM.read()
    assert run.begins == sorted(run.begins)
    assert run.begins[0] == 0


def test_what_the_observer_refuses_is_not_written_and_ends_the_download(prepare, host):
    class Refused(Exception):
        pass

    def refuse(offset, views):
        if offset + sum(len(view) for view in views) > 8 * MIB:
            raise Refused

    run = prepare(host.url("/film"), batch=4 * MIB)
    run.download._observe = refuse

    with pytest.raises(Refused):
        run()

    assert run.path.stat().st_size <= 8 * MIB


def test_it_goes_on_where_it_was_stopped(prepare, host):
    run = prepare(host.url("/film"), batch=4 * MIB, ring=8 * MIB)
    run.download._observe = lambda offset, _: offset and run.download.stop()
    with pytest.raises(Stopped):
        run()
    stopped = run.saved[-1]
    assert 0 < stopped.flushed < FILM.size
    before = host.served

    again = prepare(host.url("/film"), resume=stopped, observe=True)
    outcome = again()

    assert again.bytes == FILM.read()
    assert outcome.resumed_from == stopped.flushed
    assert outcome.received == FILM.size - stopped.flushed
    assert bytes(again.seen) == FILM.read(stopped.flushed)
    assert host.served - before == FILM.size - stopped.flushed


def test_stopping_before_anything_was_asked_leaves_nothing_behind(prepare, host):
    run = prepare(host.url("/film"))
    run.download.stop()

    with pytest.raises(Stopped):
        run()

    assert run.saved == []


def test_a_whole_prefix_asks_for_nothing(prepare, host, part):
    part.write_bytes(FILM.read())
    run = prepare(host.url("/film"), resume=Checkpoint(FILM.size, FILM.size))

    outcome = run()

    assert outcome.received == 0
    assert host.requests == []


def test_an_unaligned_prefix_is_taken_back_to_the_last_aligned_byte(prepare, host, part):
    part.write_bytes(FILM.read(0, 5000))
    outcome = prepare(host.url("/film"), resume=Checkpoint(5000, FILM.size))()

    assert outcome.resumed_from == 4096
    assert part.read_bytes() == FILM.read()


def test_a_prefix_that_is_not_on_the_disk_is_refused(prepare, host, part):
    part.write_bytes(b"x" * 4096)
    run = prepare(host.url("/film"), resume=Checkpoint(8192, FILM.size))

    with pytest.raises(DiskTrouble, match="4096 bytes where 8192"):
        run()


def test_a_size_known_beforehand_has_to_be_the_resumed_ones(prepare, host):
    run = prepare(host.url("/film"), size=10, resume=Checkpoint(0, FILM.size))

    with pytest.raises(FileChanged, match="10 bytes now"):
        run()


def test_a_server_that_sends_another_size_than_was_known_is_not_believed(prepare, host):
    with pytest.raises(FileChanged):
        prepare(host.url("/film"), size=FILM.size - 1)()


def test_checkpoints_only_ever_grow_and_end_with_the_size(prepare, host):
    run = prepare(host.url("/film"), ring=8 * MIB)
    run()

    prefixes = [checkpoint.flushed for checkpoint in run.saved]
    assert prefixes == sorted(set(prefixes))
    assert prefixes[-1] == FILM.size
    assert all(flushed % 4096 == 0 for flushed in prefixes[:-1])
    assert {checkpoint.etag for checkpoint in run.saved} == {'"1-1"'}


def test_a_crash_never_costs_more_than_the_ring(prepare, host):
    ring = 4 * MIB
    run = prepare(host.url("/film"), ring=ring, flush_interval=1000)
    lost = []

    def look(*_):
        progress = run.download.progress()
        durable = run.saved[-1].flushed if run.saved else 0
        lost.append(progress.received - durable)

    run.download._observe = look
    run()

    assert max(lost) <= ring


def test_progress_can_be_asked_at_any_time(prepare, host):
    run = prepare(host.url("/film"), ring=4 * MIB)
    seen = []
    run.download._observe = lambda *_: seen.append(run.download.progress())
    run()

    assert seen[0].size == FILM.size
    assert seen[0].connections >= 1
    assert 0 < seen[0].ring <= 4 * MIB
    assert run.download.progress().flushed == FILM.size


def test_the_ring_stays_within_its_cap(prepare, host):
    outcome = prepare(host.url("/film"), ring=8 * MIB)()

    assert outcome.ring_peak <= 8 * MIB


def test_a_limit_holds(prepare, host):
    outcome = prepare(host.url("/film"), limit=FILM.size * 2)()

    assert 0.38 <= outcome.seconds < 1.5  # half a second, less the burst at the start


def test_idle_connections_are_used_again_by_the_next_file(host, tmp_path):
    engine = Engine()
    for name in ("one", "two", "three"):
        request = Request(path=tmp_path / name, connections=1)
        engine.download(request, OneLink(host.url("/film")), save=lambda _: None).run()
    engine.close()

    assert host.connections == 1


def test_a_hundred_downloads_leave_no_threads_or_descriptors_behind(tmp_path):
    process = psutil.Process()
    small = Pattern(100_000, seed=3)
    with FileHost({"/small": small}) as host:
        engine = Engine()
        request = Request(path=tmp_path / "small")

        def fetch():
            engine.download(request, OneLink(host.url("/small")), save=lambda _: None).run()

        fetch()
        before = process.num_fds()
        for _ in range(100):
            fetch()
        engine.close()
        host.wait_until_idle()
        gc.collect()

        assert not [each for each in threading.enumerate() if each.name.startswith("fetch-")]
        assert process.num_fds() < before + 10  # the host's own come and go; a leak would be 100


def test_a_file_of_certificates_that_is_none_is_named(tmp_path):
    with pytest.raises(Unusable, match=r"missing\.pem"):
        Engine(ca_file=str(tmp_path / "missing.pem"))


def test_a_folder_that_is_not_there_is_named(prepare, host, tmp_path):
    with pytest.raises(DiskTrouble, match="nowhere"):
        prepare(host.url("/film"), path=tmp_path / "nowhere" / "film")()


def test_its_repr_is_an_operators_view_without_secrets(prepare, host):
    run = prepare(host.url("/film") + "?passkey=secret")
    text = repr(run.download) + repr(run.download._route) + repr(run.download._crew._fetchers)

    assert "film.part" in text
    assert "secret" not in text


def test_writes_are_long_aligned_and_follow_each_other(prepare, host, monkeypatch):
    writes = []
    real = os.pwritev

    def record(fd, buffers, offset):
        count = real(fd, buffers, offset)
        writes.append((offset, count))
        return count

    monkeypatch.setattr("engine.transfer.disk.os.pwritev", record)
    prepare(host.url("/film"), ring=16 * MIB)()

    assert [offset for offset, _ in writes] == [
        sum(count for _, count in writes[:number]) for number in range(len(writes))
    ]
    whole = [count for _, count in writes[:-2]]  # the last are what was left
    assert all(count >= 4 * MIB and count % 4096 == 0 for count in whole)


@pytest.mark.parametrize("known", [True, False])
def test_room_is_reserved_without_changing_the_size(prepare, host, monkeypatch, known):
    reserved = []
    real = module.PartFile.reserve

    def record(self, size):
        real(self, size)
        reserved.append((size, self.path.stat().st_size, self.path.stat().st_blocks * 512))

    monkeypatch.setattr(module.PartFile, "reserve", record)
    prepare(host.url("/film"), size=FILM.size if known else None)()

    [(size, length, blocks)] = reserved
    assert (size, length) == (FILM.size, 0)
    assert blocks >= FILM.size


def test_a_full_disk_is_what_is_told_even_if_nothing_can_be_saved_either(
    prepare, host, monkeypatch
):
    run = prepare(host.url("/film"), batch=4 * MIB)
    real = module.PartFile.write

    def write(self, offset, views):
        if offset:
            raise DiskFull("no room")
        real(self, offset, views)

    def save(_):
        raise OSError("nor here")

    monkeypatch.setattr(module.PartFile, "write", write)
    run.download._save = save
    with pytest.raises(DiskFull, match="no room"):
        run()


def test_it_syncs_in_a_thread_of_its_own_and_saves_in_that_of_the_run(prepare, host, monkeypatch):
    threads = {"sync": set(), "save": set()}
    real = module.PartFile.sync

    def sync(self):
        threads["sync"].add(threading.current_thread())
        real(self)

    monkeypatch.setattr(module.PartFile, "sync", sync)
    run = prepare(host.url("/film"), ring=4 * MIB)
    run.download._save = lambda _: threads["save"].add(threading.current_thread())
    run()

    assert threads["save"] == {threading.current_thread()}
    assert len(threads["sync"]) == 1
    assert not threads["sync"] & threads["save"]
    assert not any(thread.is_alive() for thread in threads["sync"])


def test_a_sync_that_fails_beside_the_writes_ends_the_download(prepare, host, monkeypatch):
    syncs = []

    def sync(_):
        syncs.append(None)
        raise DiskTrouble("EIO")

    monkeypatch.setattr(module.PartFile, "sync", sync)
    run = prepare(host.url("/film"), ring=4 * MIB)
    with pytest.raises(DiskTrouble, match="EIO"):
        run()

    assert run.saved == []
    assert len(syncs) == 1


@pytest.fixture
def disks():
    return Disks(rotates=lambda _: True)


def test_downloads_on_one_disk_do_not_write_at_once(prepare, host, tmp_path, monkeypatch, disks):
    writing, at_once = [], []
    real = module.PartFile.write

    def write(self, offset, views):
        writing.append(self)
        real(self, offset, views)
        at_once.append(len(writing))
        writing.remove(self)

    monkeypatch.setattr(module.PartFile, "write", write)
    runs = [prepare(host.url("/film"), path=tmp_path / name, batch=4 * MIB) for name in "abc"]
    threads = []
    for run in runs:
        run.download._disks = disks
        threads.append(threading.Thread(target=run))
        threads[-1].start()
    for thread in threads:
        thread.join()

    assert set(at_once) == {1}
    assert all(run.bytes == FILM.read() for run in runs)
    assert "{}" in repr(disks)


def test_stopped_while_it_waits_for_its_turn_it_writes_what_it_has_as_soon_as_it_may(
    prepare, host, tmp_path, disks
):
    run = prepare(host.url("/film"))
    run.download._disks = disks
    ended = []

    def work():
        with pytest.raises(Stopped):
            run()
        ended.append(True)

    with disks.join(tmp_path) as other, disks.join(tmp_path) as third:
        assert other.ask(MIB)
        assert not third.ask(MIB)
        thread = threading.Thread(target=work)
        thread.start()
        while run.download.progress().received < FILM.size:
            thread.join(0.01)
        run.download.stop()
        thread.join(0.05)
        assert not ended
        other.wrote(MIB, 0.1)
        thread.join(10)

    assert ended
    assert run.bytes == FILM.read()
    assert run.saved[-1].flushed == FILM.size


def test_a_download_that_fails_gives_up_its_turn(prepare, host, tmp_path, disks):
    def fail(*_):
        raise ZeroDivisionError

    failing, waiting = prepare(host.url("/film")), prepare(host.url("/film"), path=tmp_path / "b")
    for run in (failing, waiting):
        run.download._disks = disks
    failing.download._observe = fail
    with pytest.raises(ZeroDivisionError):
        failing()
    waiting()

    assert waiting.bytes == FILM.read()
