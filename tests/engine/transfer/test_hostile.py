"""What servers, disks and systems do that no test of ours had thought of."""

import ctypes
import errno
import os
import socket

import pytest

from engine.transfer import disk, parallelism, wire
from engine.transfer.disk import PartFile
from engine.transfer.download import Checkpoint, Engine, OneLink, Request
from engine.transfer.errors import (
    DiskFull,
    DiskTrouble,
    FileChanged,
    ServerBusy,
)
from engine.transfer.retry import Patience
from tests.engine.transfer.conftest import FILM, MIB, Renewable
from tests.fakes.filehost import FileHost, Pattern

pytestmark = pytest.mark.usefixtures("quick")


# The disk.


def test_bytes_that_a_failed_sync_has_lost_are_not_believed_by_the_next(prepare, host, monkeypatch):
    real, calls = os.fdatasync, []

    def fdatasync(fd):
        calls.append(fd)
        if len(calls) == 2:  # as NFS and quotas do: told once, the next call says all is well
            raise OSError(errno.ENOSPC, "No space left on device")
        real(fd)

    monkeypatch.setattr(disk.os, "fdatasync", fdatasync)
    run = prepare(host.url("/film"), ring=4 * MIB, batch=2 * MIB)

    with pytest.raises(DiskFull):
        run()

    assert [checkpoint.flushed for checkpoint in run.saved] == [2 * MIB]


class BrokenWriteOut:
    """libc, but what was taken cannot be written out."""

    def __init__(self, code):
        self._libc = disk._libc
        self._code = code

    def __getattr__(self, name):
        return getattr(self._libc, name)

    def sync_file_range(self, *_):
        ctypes.set_errno(self._code)
        return -1


def test_an_error_told_while_windows_are_written_out_is_not_lost(tmp_path, monkeypatch):
    monkeypatch.setattr(disk, "_libc", BrokenWriteOut(errno.EIO))
    block = memoryview(bytearray(16 * MIB))

    with PartFile(tmp_path / "film", direct=False) as part:
        with pytest.raises(DiskTrouble):
            part.write(0, [block])
        with pytest.raises(DiskTrouble):
            part.sync()


def test_a_system_without_that_call_is_no_error(tmp_path, monkeypatch):
    monkeypatch.setattr(disk, "_libc", BrokenWriteOut(errno.ENOSYS))
    block = memoryview(bytearray(16 * MIB))

    with PartFile(tmp_path / "film", direct=False) as part:
        for number in range(3):
            part.write(number * len(block), [block])
        part.sync()


def test_a_reservation_that_fails_half_way_gives_back_what_it_got(tmp_path, monkeypatch):
    class HalfFull(BrokenWriteOut):
        def fallocate(self, fd, mode, offset, size):
            if self._libc.fallocate(fd, mode, offset, ctypes.c_int64(size.value // 2)):
                return -1
            ctypes.set_errno(errno.ENOSPC)  # as ext4 does: it keeps what it had found
            return -1

    monkeypatch.setattr(disk, "_libc", HalfFull(0))
    with PartFile(tmp_path / "film") as part:
        with pytest.raises(DiskFull):
            part.reserve(8 * MIB)

        assert part.path.stat().st_blocks == 0


# Wrong bytes.


def test_bytes_beyond_the_announced_range_are_not_taken(prepare, host):
    def too_long(answer):
        whole(answer)
        del answer.headers["Content-Length"]
        answer.headers["Transfer-Encoding"] = "chunked"
        answer.chunk = 1000

    fault = host.answers(
        206, {"Content-Range": f"bytes 0-99/{FILM.size}"}, FILM.read(0, 100) + bytes(5000)
    )
    whole, fault._effect = fault._effect, too_long
    run = prepare(host.url("/film"))

    run()

    assert fault.hits == 1
    assert run.bytes == FILM.read()


def test_a_whole_file_in_answer_to_if_range_is_another_file_unless_it_says_not(prepare, host, part):
    part.write_bytes(FILM.read(0, 4 * MIB))
    host.changes_file("/film", Pattern(FILM.size, seed=8))
    host.sends_no_validators()
    run = prepare(host.url("/film"), resume=Checkpoint(4 * MIB, FILM.size, '"1-1"'))

    with pytest.raises(FileChanged):
        run()

    assert run.bytes == FILM.read(0, 4 * MIB)


def test_an_answer_nobody_asked_for_is_not_the_next_files(tmp_path):
    extra = b"HTTP/1.1 206 OK\r\nContent-Range: bytes 0-999/1000\r\nContent-Length: 1000\r\n\r\n"
    headers = {"Content-Range": "bytes 0-999/1000", "Content-Length": "1000"}
    with FileHost({"/a": b"a" * 1000, "/b": b"b" * 1000}, tls=True) as host:
        host.answers(206, headers, b"a" * 1000 + extra + b"x" * 1000, path="/a")
        engine = Engine(ca_file=host.ca_file)
        for name in ("a", "b"):  # the second goes by the connection of the first
            request = Request(path=tmp_path / name)
            engine.download(request, OneLink(host.url(f"/{name}")), save=lambda _: None).run()
        engine.close()

    assert (tmp_path / "b").read_bytes() == b"b" * 1000


def test_a_file_of_unknown_size_that_comes_back_shorter_has_changed(prepare, host):
    host.ignores_ranges()
    host.sends_until_close(times=1)
    host.sends_no_validators()
    host.resets_after(10 * MIB)
    run = prepare(host.url("/film"), ring=4 * MIB)
    run.download._observe = lambda offset, _: offset or host.changes_file("/film", b"short")

    with pytest.raises(FileChanged, match="shorter"):
        run()


# Patience.


@pytest.mark.parametrize("connections", [1, 4])
def test_every_byte_is_progress_not_only_every_block(prepare, host, connections):
    host.closes_after(100_000, times=None)
    run = prepare(host.url("/film"), connections=connections)

    run()

    assert run.bytes == FILM.read()


def test_a_host_that_is_busy_for_ever_uses_patience_up():
    patience = Patience(60, draw=lambda _, most: most)
    busy = ServerBusy("busy", 20)

    told = [patience.failed(busy, now) for now in (0, 20, 40, 60, 80)]

    assert told[-1] is None


def test_one_connection_too_many_does_not_end_a_download_that_runs():
    patience = Patience(60)
    patience.progressed()

    assert patience.failed(ServerBusy("one too many", 100), 0) is not None


def test_a_complaint_at_the_start_does_not_leave_one_connection_for_ever(
    prepare, host, monkeypatch
):
    monkeypatch.setattr(parallelism, "PERIOD", 0.05)
    monkeypatch.setattr("engine.transfer.hosts.RECOVERY", 0.1)
    host.busy(1)
    host.trickles(8 * MIB)

    prepare(host.url("/film"), connections=8)()

    assert host.peak_active > 1


# Servers without ranges, and such as seem to be.


def test_a_whole_file_after_parts_is_refused_as_any_bad_answer(prepare, host):
    host.resets_after(0, times=2, covering=0)
    host.ignores_ranges(times=1, nth=3, covering=0)
    host.trickles(8 * MIB)
    run = prepare(host.url("/film"), connections=4)

    run()

    assert run.bytes == FILM.read()


def test_a_short_text_with_status_200_does_not_cost_a_resumed_file_its_ranges(prepare, host, part):
    part.write_bytes(FILM.read(0, 8 * MIB))
    host.answers(200, {}, b"too many requests")
    run = prepare(host.url("/film"), resume=Checkpoint(8 * MIB, FILM.size, '"1-1"'))

    run()

    assert run.bytes == FILM.read()
    assert host.served == FILM.size - 8 * MIB


# Links.


def test_a_link_that_redirects_to_where_nothing_is_any_more_is_renewed(prepare, host):
    for name in ("/old", "/gone"):
        host.adds_file(name, b"x")
    host.redirects(host.url("/gone"), path="/old")
    host.answers(404, times=None, path="/gone")
    links = Renewable(host.url("/old"), host.url("/film"))
    run = prepare(links)

    run()

    assert run.bytes == FILM.read()
    assert links.asked == 1


def test_one_404_is_tried_again_where_no_other_link_is_to_be_had(prepare, host):
    host.answers(404, nth=3)
    run = prepare(host.url("/film"))

    run()

    assert run.bytes == FILM.read()


# Sockets.


def test_an_address_of_a_family_the_system_lacks_is_passed_over(prepare, host, monkeypatch):
    class WithoutIpv6(socket.socket):
        def __init__(self, family=-1, *args, **kwargs):
            if family == socket.AF_INET6:
                raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
            super().__init__(family, *args, **kwargs)

    found = [
        (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", host.port, 0, 0)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", host.port)),
    ]
    monkeypatch.setattr(wire.socket, "getaddrinfo", lambda *_, **__: found)
    monkeypatch.setattr(wire.socket, "socket", WithoutIpv6)
    run = prepare(host.url("/film"))

    run()

    assert run.bytes == FILM.read()


def test_idle_connections_to_hosts_that_nobody_asks_again_are_closed(tmp_path):
    now = 1000.0
    engine = Engine(clock=lambda: now)
    for _ in range(5):
        with FileHost({"/small": b"small"}) as host:
            request = Request(path=tmp_path / "small")
            engine.download(request, OneLink(host.url("/small")), save=lambda _: None).run()
        now += wire.IDLE_LIMIT + 1

    assert sum(map(len, engine._network.pool._idle.values())) == 1
    engine.close()


def test_a_connection_given_back_after_the_end_is_closed(host, tmp_path):
    engine = Engine()
    request = Request(path=tmp_path / "film")
    engine.close()
    engine.download(request, OneLink(host.url("/film")), save=lambda _: None).run()

    assert not engine._network.pool._idle
