"""The disk that can be broken breaks where it was told to, and nowhere else."""

import ctypes
import errno
import mmap
import os

import pytest

from engine.transfer import disk as engine_disk
from tests.fakes.disk import SECTOR, Disk


@pytest.fixture
def disk(tmp_path):
    with Disk(tmp_path) as disk:
        yield disk


@pytest.fixture
def fd(disk):
    fd = os.open(disk.folder / "part", os.O_RDWR | os.O_CREAT)
    yield fd
    os.close(fd)


def code_of(act, *arguments):
    with pytest.raises(OSError, match=r"\w") as raised:
        act(*arguments)
    return raised.value.errno


def test_calls_below_its_folder_are_recorded_and_happen(disk, fd, tmp_path):
    os.pwritev(fd, [b"abc", b"de"], 7)
    os.fdatasync(fd)
    os.fsync(fd)
    os.ftruncate(fd, 10)
    (tmp_path / "sub").mkdir()
    (tmp_path / "part").rename(tmp_path / "sub" / "film")
    (tmp_path / "sub" / "film").unlink()
    (tmp_path / "sub").rmdir()

    kinds = [
        "open",
        "write",
        "fdatasync",
        "fsync",
        "truncate",
        "mkdir",
        "rename",
        "unlink",
        "rmdir",
    ]
    assert [call.kind for call in disk.calls] == kinds
    write, rename = disk.of("write", "rename")
    assert (write.path, write.offset, write.end) == (tmp_path / "part", 7, 12)
    assert rename.target == tmp_path / "sub" / "film"
    assert os.fstat(fd).st_size == 10


def test_calls_elsewhere_are_left_alone(disk, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    disk.read_only()

    (other / "a").mkdir()
    fd = os.open(other / "file", os.O_RDWR | os.O_CREAT)
    os.pwritev(fd, [b"abc"], 0)
    os.close(fd)

    assert disk.calls == []


def test_when_it_is_left_the_calls_are_the_systems_again(tmp_path):
    before = (os.open, os.pwritev, os.fsync, engine_disk._libc)
    with Disk(tmp_path) as disk:
        disk.read_only()
        assert os.open is not before[0]

    assert (os.open, os.pwritev, os.fsync, engine_disk._libc) == before


def test_a_full_disk_takes_what_fits_and_then_nothing(disk, fd):
    fault = disk.full_at(5)

    assert os.pwritev(fd, [b"abc", b"defg"], 0) == 5
    assert code_of(os.pwritev, fd, [b"fg"], 5) == errno.ENOSPC
    assert os.pwritev(fd, [b"abc"], 0) == 3
    assert fault.struck == [2]
    fault.lift()
    assert os.pwritev(fd, [b"fg"], 5) == 2


def test_a_direct_write_that_does_not_fit_takes_whole_sectors(disk, tmp_path):
    fd = os.open(tmp_path / "part", os.O_RDWR | os.O_CREAT | os.O_DIRECT)
    disk.full_at(SECTOR + 5)
    memory = memoryview(mmap.mmap(-1, 2 * SECTOR))

    assert os.pwritev(fd, [memory], 0) == SECTOR
    assert code_of(os.pwritev, fd, [memory], SECTOR) == errno.ENOSPC
    os.close(fd)


def test_a_fault_strikes_from_the_nth_call_as_often_as_it_was_told(disk, fd):
    disk.fails("fdatasync", errno.EIO, nth=2, times=1)

    os.fdatasync(fd)
    assert code_of(os.fdatasync, fd) == errno.EIO
    os.fdatasync(fd)
    os.fsync(fd)


def test_direct_writes_are_refused_at_open_or_at_a_write_and_cached_ones_are_not(disk, tmp_path):
    direct = os.O_RDWR | os.O_CREAT | os.O_DIRECT
    late = disk.refuses_direct_at_write(2)
    fd = os.open(tmp_path / "part", direct)
    memory = mmap.mmap(-1, SECTOR)
    assert os.pwritev(fd, [memory], 0) == SECTOR
    assert code_of(os.pwritev, fd, [memory], SECTOR) == errno.EINVAL
    late.lift()
    os.close(fd)
    disk.refuses_direct_at_open()

    assert code_of(os.open, tmp_path / "part", direct) == errno.EINVAL
    os.close(os.open(tmp_path / "part", os.O_RDWR))


def test_a_read_only_disk_takes_no_change_and_can_be_read(disk, fd, tmp_path):
    disk.read_only()

    assert code_of(os.pwritev, fd, [b"a"], 0) == errno.EROFS
    assert code_of(os.open, tmp_path / "part", os.O_RDWR) == errno.EROFS
    assert code_of((tmp_path / "sub").mkdir) == errno.EROFS
    assert code_of((tmp_path / "part").rename, tmp_path / "film") == errno.EROFS
    os.close(os.open(tmp_path / "part", os.O_RDONLY))
    disk.lift()
    os.pwritev(fd, [b"a"], 0)


def test_calls_that_python_has_not_fail_as_in_c(disk, fd):
    offset, length = ctypes.c_int64(0), ctypes.c_int64(SECTOR)
    assert engine_disk._libc.fallocate(fd, 1, offset, length) == 0
    disk.fails("fallocate", errno.ENOSPC)
    disk.fails("write_out", errno.EIO)

    assert engine_disk._libc.fallocate(fd, 1, offset, length) == -1
    assert ctypes.get_errno() == errno.ENOSPC
    assert engine_disk._libc.sync_file_range(fd, offset, length, 2) == -1
    assert ctypes.get_errno() == errno.EIO
    assert [call.kind for call in disk.calls[1:]] == ["fallocate", "fallocate", "write_out"]


def test_who_watches_sees_a_call_before_and_after_unless_it_failed(tmp_path):
    seen = []
    disk = Disk(
        tmp_path,
        before=lambda call: seen.append(("before", call.kind)),
        after=lambda call: seen.append(("after", call.kind)),
    )
    (tmp_path / "taken").touch()
    with disk:
        (tmp_path / "sub").mkdir()
        names = [os.fsencode(tmp_path / name) for name in ("sub", "taken")]
        assert engine_disk._libc.renameat2(-100, names[0], -100, names[1], 1) == -1
        assert ctypes.get_errno() == errno.EEXIST

    assert seen == [("before", "mkdir"), ("after", "mkdir"), ("before", "rename")]


def test_their_reprs_tell_what_happened(disk, fd):
    disk.full_at(0)
    assert code_of(os.pwritev, fd, [b"a"], 0) == errno.ENOSPC

    assert "2 calls" in repr(disk)
    assert "<Fault write ENOSPC at=0 struck=[1]>" in repr(disk)
