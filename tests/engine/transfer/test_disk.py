"""The unfinished file, reading it back, publishing it."""

import ctypes
import errno
import mmap
import os
import shutil
import subprocess
import tempfile
import threading
import types
from pathlib import Path

import pytest

from engine.transfer import disk
from engine.transfer.disk import PartFile, free_space, is_rotational, publish, read_range
from engine.transfer.errors import DiskFull, DiskTrouble

PAGE = 4096


@pytest.fixture
def aligned():
    """Aligned memory of 8 MiB, as the ring has it."""
    memory = mmap.mmap(-1, 8 << 20)
    view = memoryview(memory)
    for start in range(0, len(view), PAGE):
        view[start : start + 8] = start.to_bytes(8, "big")
    yield view
    view.release()


@pytest.fixture(params=["direct", "cached"])
def part(request, tmp_path):
    with PartFile(tmp_path / "part", direct=request.param == "direct") as part:
        yield part


@pytest.fixture
def on_a_disk(tmp_path):
    """A folder whose files have a page cache besides themselves, as those of tmpfs have not."""
    if file_system(tmp_path) != "tmpfs":
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=Path(__file__).parent) as folder:
        yield Path(folder)


def file_system(path):
    command = ["stat", "--file-system", "--format=%T", str(path)]
    return subprocess.check_output(command, text=True).strip()


def cached(path):
    """Bytes of a file that are in the page cache: mincore(2)."""
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        pages = -(-len(memory) // PAGE)
        resident = (ctypes.c_ubyte * pages)()
        first = ctypes.c_char.from_buffer(memory)
        address = ctypes.c_void_p(ctypes.addressof(first))
        status = ctypes.CDLL(None).mincore(address, ctypes.c_size_t(len(memory)), resident)
        del first
    assert status == 0
    return sum(page & 1 for page in resident) * PAGE


def raises(code):
    def fail(*_, **__):
        raise OSError(code, os.strerror(code))

    return fail


@pytest.mark.parametrize("tail", [0, 1, 511, 512, 4095, 4096])
def test_what_is_written_is_there_whatever_the_tail(part, aligned, tail):
    size = (1 << 20) + tail
    part.write(0, [aligned[: 1 << 19], aligned[1 << 19 : size]])
    part.finish(size)

    assert part.path.read_bytes() == bytes(aligned[:size])


def test_writes_continue_each_other(part, aligned):
    part.write(0, [aligned[:PAGE]])
    part.write(PAGE, [aligned[PAGE : 3 * PAGE], aligned[3 * PAGE : 4 * PAGE + 5]])

    assert part.path.read_bytes() == bytes(aligned[: 4 * PAGE + 5])


def test_finishing_cuts_the_file_to_its_size(part, aligned):
    part.write(0, [aligned[: 2 * PAGE]])
    part.finish(5000)

    assert part.path.stat().st_size == 5000


def test_more_buffers_than_one_call_takes(part, aligned):
    views = [aligned[number * PAGE : (number + 1) * PAGE] for number in range(1500)]
    part.write(0, views)

    assert part.path.read_bytes() == bytes(aligned[: 1500 * PAGE])


def test_a_file_system_that_refuses_direct_at_open_is_written_through_the_cache(
    tmp_path, aligned, monkeypatch
):
    real = os.open

    def refuse(path, flags, *rest):
        if flags & os.O_DIRECT:
            raise OSError(errno.EINVAL, "refused")
        return real(path, flags, *rest)

    monkeypatch.setattr(disk.os, "open", refuse)
    with PartFile(tmp_path / "part") as part:
        part.write(0, [aligned[:PAGE]])
        assert not part.direct

    assert (tmp_path / "part").read_bytes() == bytes(aligned[:PAGE])


def test_a_file_system_that_refuses_direct_at_the_first_write_is_too(
    tmp_path, aligned, monkeypatch
):
    real_open, real = os.open, os.pwritev
    calls = []

    def pretend(path, flags, *rest):
        return real_open(path, flags & ~os.O_DIRECT, *rest)

    def refuse_once(fd, views, offset):
        calls.append(offset)
        if len(calls) == 1:
            raise OSError(errno.EINVAL, "refused")
        return real(fd, views, offset)

    monkeypatch.setattr(disk.os, "open", pretend)
    with PartFile(tmp_path / "part") as part:
        assert part.direct
        monkeypatch.setattr(disk.os, "pwritev", refuse_once)
        part.write(0, [aligned[: 3 * PAGE]])
        assert not part.direct

    assert calls == [0, 0]
    assert (tmp_path / "part").read_bytes() == bytes(aligned[: 3 * PAGE])


@pytest.mark.parametrize("portion", [PAGE, 512])
def test_short_writes_are_gone_on_with(part, aligned, monkeypatch, portion):
    real = os.pwritev

    def short(fd, views, offset):
        return real(fd, [views[0][:portion]], offset)

    monkeypatch.setattr(disk.os, "pwritev", short)
    part.write(0, [aligned[: 4 * PAGE]])

    assert part.path.read_bytes() == bytes(aligned[: 4 * PAGE])


@pytest.mark.parametrize("direct", [True, False])
def test_the_page_cache_is_left_clean(on_a_disk, aligned, direct):
    path = on_a_disk / "part"
    with PartFile(path, direct=direct) as part:
        for step in range(8):
            part.write(step * len(aligned), [aligned])
        part.sync()

        assert cached(path) == 0


def test_the_page_cache_stays_small_on_the_way(on_a_disk, aligned):
    path = on_a_disk / "part"
    with PartFile(path, direct=False) as part:
        for step in range(12):
            part.write(step * len(aligned), [aligned])
            assert cached(path) <= 2 * disk.CACHE_WINDOW + len(aligned)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_from_a_broken_one(part, aligned, monkeypatch, code):
    monkeypatch.setattr(disk.os, "pwritev", raises(code))

    with pytest.raises(DiskFull, match="cannot write"):
        part.write(0, [aligned[:PAGE]])


@pytest.mark.parametrize("code", [errno.EIO, errno.EROFS])
def test_a_broken_disk_is_named(part, aligned, monkeypatch, code):
    monkeypatch.setattr(disk.os, "pwritev", raises(code))

    with pytest.raises(DiskTrouble, match=str(part.path)):
        part.write(0, [aligned[:PAGE]])


def test_a_sync_that_fails_is_not_repeated(part, monkeypatch):
    calls = []
    monkeypatch.setattr(disk.os, "fdatasync", lambda fd: calls.append(fd) or raises(errno.EIO)())

    with pytest.raises(DiskTrouble):
        part.sync()
    assert len(calls) == 1


def test_a_write_that_takes_no_byte_is_not_repeated_for_ever(part, aligned, monkeypatch):
    monkeypatch.setattr(disk.os, "pwritev", lambda *_: 0)

    with pytest.raises(DiskTrouble, match="cannot write"):
        part.write(0, [aligned[:PAGE]])


def test_after_a_sync_that_failed_none_is_said_to_have_worked(part, aligned, monkeypatch):
    part.write(0, [aligned[:PAGE]])
    with monkeypatch.context() as broken:
        broken.setattr(disk.os, "fdatasync", raises(errno.EIO))
        with pytest.raises(DiskTrouble):
            part.sync()

    with pytest.raises(DiskTrouble, match="lost"):
        part.sync()
    with pytest.raises(DiskTrouble, match="lost"):
        part.finish(PAGE)


def test_after_a_failed_write_out_none_is_said_to_have_worked(tmp_path, aligned, monkeypatch):
    class Broken:
        @staticmethod
        def sync_file_range(*_):
            ctypes.set_errno(errno.EIO)
            return -1

    monkeypatch.setattr(disk, "CACHE_WINDOW", PAGE)
    with PartFile(tmp_path / "part", direct=False) as part:
        with monkeypatch.context() as broken:
            broken.setattr(disk, "_libc", Broken)
            with pytest.raises(DiskTrouble):
                part.write(0, [aligned[:PAGE]])

        with pytest.raises(DiskTrouble, match="lost"):
            part.sync()


def test_the_first_sync_makes_the_name_survive_too(part, monkeypatch):
    synced = []
    monkeypatch.setattr(disk, "sync_folder", synced.append)

    part.sync()
    part.sync()

    assert synced == [part.path.parent]


# A thread of its own for syncs.


@pytest.fixture
def syncing(part, monkeypatch):
    """A sync under way in another thread: it goes on when `go_on` is set, and ends in `ended`."""
    syncing = types.SimpleNamespace(
        begun=threading.Event(), go_on=threading.Event(), flushed=threading.Event(), ended=[]
    )

    def flush(_):
        syncing.begun.set()
        assert syncing.go_on.wait(10)
        syncing.flushed.set()

    def run():
        try:
            part.sync()
        except DiskTrouble as problem:
            syncing.ended.append(problem)
        else:
            syncing.ended.append(None)

    monkeypatch.setattr(disk.os, "fdatasync", flush)
    thread = threading.Thread(target=run)
    thread.start()
    assert syncing.begun.wait(10)
    syncing.join = thread.join
    yield syncing
    syncing.go_on.set()
    thread.join()


def test_the_writer_goes_on_while_a_sync_is_under_way(part, aligned, syncing):
    part.check(0)
    part.write(0, [aligned[: 5 * PAGE + 1]])

    assert syncing.ended == []
    assert part.path.read_bytes() == bytes(aligned[: 5 * PAGE + 1])


def test_a_file_is_closed_after_the_sync_that_is_under_way(part, syncing):
    closing = threading.Thread(target=part.close)
    closing.start()
    closing.join(0.05)  # as long as it would need to go wrong
    assert closing.is_alive()

    syncing.go_on.set()
    closing.join()

    syncing.join()
    assert syncing.ended == [None]


def test_a_closed_file_cannot_be_synced(part):
    part.close()

    with pytest.raises(DiskTrouble, match="cannot sync"):
        part.sync()


def test_what_the_writer_is_told_of_a_lost_byte_is_not_missed_by_a_sync(
    part, aligned, syncing, monkeypatch
):
    class Broken:
        """The kernel tells once: the writer is asking when the sync finds all well."""

        @staticmethod
        def sync_file_range(*_):
            syncing.go_on.set()
            assert syncing.flushed.wait(10)
            syncing.join(0.05)  # as long as it would need to say that all is well
            ctypes.set_errno(errno.EIO)
            return -1

    monkeypatch.setattr(disk, "CACHE_WINDOW", PAGE)
    monkeypatch.setattr(disk, "_libc", Broken)
    part._named = True

    with pytest.raises(OSError, match="Input/output"):
        part._write_cached(0, [aligned[:PAGE]])
    syncing.join()

    assert "lost" in str(syncing.ended[0])


def test_room_that_is_not_there_cannot_be_reserved(part, monkeypatch):
    class Full:
        @staticmethod
        def fallocate(*_):
            ctypes.set_errno(errno.ENOSPC)
            return -1

    monkeypatch.setattr(disk, "_libc", Full)

    with pytest.raises(DiskFull, match="no room for 4096 bytes"):
        part.reserve(4096)


def test_a_file_that_no_file_system_holds_is_told_from_a_full_disk(part):
    with pytest.raises(DiskTrouble, match="too large"):
        part.reserve(1 << 62)


def test_a_file_that_was_deleted_is_noticed(part):
    part.path.unlink()

    with pytest.raises(DiskTrouble, match="deleted"):
        part.check(0)


def test_a_file_that_was_cut_is_noticed(part, aligned):
    part.write(0, [aligned[:PAGE]])
    part.check(PAGE)
    os.truncate(part.path, 10)

    with pytest.raises(DiskTrouble, match="10 bytes where 4096"):
        part.check(PAGE)


@pytest.mark.parametrize("replace", [False, True])
def test_a_file_that_was_moved_away_is_noticed(part, aligned, replace):
    part.write(0, [aligned[:PAGE]])
    part.path.rename(part.path.with_name("kept"))
    if replace:
        part.path.write_bytes(b"another")

    with pytest.raises(DiskTrouble, match="replaced" if replace else "deleted"):
        part.check(PAGE)


def test_a_file_system_that_numbers_a_file_anew_for_each_look_is_borne(part, monkeypatch):
    monkeypatch.setattr(disk.os.path, "samestat", lambda *_: False)

    part.check(0)


def test_a_file_that_was_cut_gets_no_hole_and_no_zeros(part, aligned):
    part.write(0, [aligned[: 2 * PAGE]])
    os.truncate(part.path, PAGE)

    with pytest.raises(DiskTrouble, match="4096 bytes where 8192"):
        part.write(2 * PAGE, [aligned[:PAGE]])
    with pytest.raises(DiskTrouble, match="4096 bytes where 8192"):
        part.finish(2 * PAGE)
    assert part.path.stat().st_size == PAGE


def test_a_folder_cannot_be_written(tmp_path):
    with pytest.raises(DiskTrouble, match="cannot open"):
        PartFile(tmp_path)


def test_ranges_are_read_back_exactly(tmp_path):
    content = os.urandom(9_000_001)
    (tmp_path / "file").write_bytes(content)

    for start, end in [(0, 9_000_001), (5, 5), (4_999_999, 9_000_000)]:
        read = b"".join(bytes(view) for view in read_range(tmp_path / "file", start, end))
        assert read == content[start:end]


def test_a_file_that_ends_early_or_is_missing_is_told(tmp_path):
    (tmp_path / "file").write_bytes(b"abc")

    with pytest.raises(DiskTrouble, match="ends at byte 3"):
        list(read_range(tmp_path / "file", 0, 5))
    with pytest.raises(DiskTrouble, match="cannot read"):
        list(read_range(tmp_path / "missing", 0, 5))


def test_publishing_moves_a_file_and_makes_the_folders_it_needs(tmp_path):
    (tmp_path / "part").write_bytes(b"film")

    publish(tmp_path / "part", tmp_path / "complete" / "radarr" / "film.mkv")

    assert (tmp_path / "complete/radarr/film.mkv").read_bytes() == b"film"
    assert not (tmp_path / "part").exists()


def test_publishing_makes_the_names_in_a_tree_survive_too(tmp_path, monkeypatch):
    synced = []
    real = os.fsync

    def record(fd):
        synced.append(Path(f"/proc/self/fd/{fd}").readlink())
        real(fd)

    monkeypatch.setattr(disk.os, "fsync", record)
    (tmp_path / "new" / "Film" / "Subs").mkdir(parents=True)
    (tmp_path / "new" / "Film" / "Subs" / "en.srt").write_bytes(b"")

    publish(tmp_path / "new" / "Film", tmp_path / "complete" / "Film")

    before = set(synced[:-2])  # the rename comes between these and the last two
    assert {tmp_path, tmp_path / "new/Film", tmp_path / "new/Film/Subs"} == before
    assert {tmp_path / "complete", tmp_path / "new"} == set(synced[-2:])


def test_a_new_folder_survives_with_those_above_it(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(disk, "sync_folder", synced.append)

    disk.make_folder(tmp_path / "complete" / "radarr")
    disk.make_folder(tmp_path / "complete" / "radarr")

    assert set(synced) == {tmp_path / "complete", tmp_path}


def test_a_file_in_the_way_of_a_folder_is_told_from_a_finished_file(tmp_path):
    (tmp_path / "radarr").write_bytes(b"")
    (tmp_path / "part").write_bytes(b"film")

    with pytest.raises(DiskTrouble, match="radarr: a file is in its way"):
        publish(tmp_path / "part", tmp_path / "radarr" / "film.mkv")
    with pytest.raises(DiskTrouble, match="a file is in its way"):
        disk.make_folder(tmp_path / "radarr")


def test_a_full_disk_may_have_no_room_for_a_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "mkdir", raises(errno.ENOSPC))

    with pytest.raises(DiskFull, match="cannot make the folder"):
        disk.make_folder(tmp_path / "complete")


def test_publishing_never_replaces_anything(tmp_path):
    (tmp_path / "part").write_bytes(b"new")
    (tmp_path / "film").write_bytes(b"old")

    with pytest.raises(FileExistsError):
        publish(tmp_path / "part", tmp_path / "film")

    assert (tmp_path / "film").read_bytes() == b"old"
    assert (tmp_path / "part").read_bytes() == b"new"


def test_publishing_where_the_kernel_cannot_promise_it_looks_first(tmp_path, monkeypatch):
    class Libc:
        @staticmethod
        def renameat2(*_):
            return -1

    monkeypatch.setattr(disk, "_libc", Libc)
    monkeypatch.setattr(disk.ctypes, "get_errno", lambda: errno.EINVAL)
    (tmp_path / "part").write_bytes(b"new")
    publish(tmp_path / "part", tmp_path / "film")
    (tmp_path / "part").write_bytes(b"newer")

    with pytest.raises(FileExistsError):
        publish(tmp_path / "part", tmp_path / "film")


def test_publishing_to_another_file_system_copies_whole_trees(tmp_path):
    source = tmp_path / "Film"
    (source / "Subs").mkdir(parents=True)
    (source / "film.mkv").write_bytes(os.urandom(100_001))
    (source / "Subs" / "en.srt").write_bytes(b"subtitle")
    content = (source / "film.mkv").read_bytes()
    other = Path("/dev/shm") / f"publish-{os.getpid()}"  # a file system of its own on Linux
    assert Path("/dev/shm").stat().st_dev != tmp_path.stat().st_dev
    try:
        (other / "Film.moving").mkdir(parents=True)  # what an interrupted move leaves behind
        publish(source, other / "Film")

        assert (other / "Film" / "film.mkv").read_bytes() == content
        assert (other / "Film" / "Subs" / "en.srt").read_bytes() == b"subtitle"
        assert not (other / "Film.moving").exists()
        assert not source.exists()
    finally:
        shutil.rmtree(other)


def test_free_space_and_rotation_are_asked_of_the_system(tmp_path):
    assert free_space(tmp_path) > 0
    assert is_rotational(tmp_path) in {True, False, None}
    assert is_rotational(Path("/dev/shm")) is None
    assert is_rotational(tmp_path / "missing") is None
    with pytest.raises(DiskTrouble):
        free_space(tmp_path / "missing")


def test_its_repr_tells_how_it_writes(part):
    assert ("direct" if part.direct else "cached") in repr(part)
