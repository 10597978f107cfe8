"""The hard disk of our own making: it is there, it turns, it is slow, and it is gone."""

import subprocess
import tempfile
from pathlib import Path

import pytest

from benchmarks import hdd, hdd_trace
from benchmarks.disk_cache import resident
from benchmarks.disk_extents import Map, extents, turns
from benchmarks.hdd import Disk, dd, device_size, virtual_disk
from benchmarks.hdd_container import Limits, container
from benchmarks.hdd_trace import tracing
from engine.transfer.disk import is_rotational

LACKING = hdd.missing() or hdd_trace.missing()
MIB = 1 << 20

needs_a_disk = pytest.mark.skipif(bool(LACKING), reason=f"no disk of our own without {LACKING}")


@pytest.fixture
def memory():
    """A folder that is no part of the disk below `tmp_path`, in memory where there is one."""
    home = "/dev/shm" if Path("/dev/shm").is_dir() else None
    folder = Path(tempfile.mkdtemp(dir=home))
    yield folder
    folder.rmdir()  # what is left in it is a failure


@needs_a_disk
def test_it_turns_is_limited_tells_its_requests_and_leaves_nothing(memory, tmp_path):
    with virtual_disk(memory, tmp_path, 64 * MIB, rate=100_000_000) as disk:
        assert is_rotational(disk.folder) is True
        command, target = dd(disk, 32 * MIB, direct=True)
        with container(disk.limits) as group, tracing(disk.number) as trace:
            subprocess.run(group.command(command), check=True)
        found = turns(trace.requests, Map({"dd": extents(target)}))
        assert resident(target) == 0

    assert sum(turn.bytes for turn in found) == 32 * MIB
    # The first slice of a tenth of a second is free.
    assert found[-1].ended - found[0].began > (32 * MIB / 100e6) - 0.15
    assert list(tmp_path.iterdir()) == []
    assert disk.device not in subprocess.check_output(["losetup", "--list"], text=True)


@needs_a_disk
def test_whatever_goes_wrong_it_is_gone_afterwards(memory, tmp_path):
    def fail():
        with virtual_disk(memory, tmp_path, MIB) as disk:
            (disk.folder / "left").write_bytes(b"behind")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()

    assert list(tmp_path.iterdir()) == []


def test_there_is_room_for_the_file_and_the_file_system_s_own():
    assert device_size(4 << 30) > (4 << 30) + 128 * MIB


@pytest.mark.parametrize(("direct", "how"), [(True, "oflag=direct"), (False, "conv=fsync")])
def test_dd_writes_as_many_bytes_as_it_is_told(tmp_path, direct, how):
    disk = Disk(tmp_path, "/dev/loop0", "7:0", MIB, Limits(MIB))

    command, target = dd(disk, 64 * MIB, direct=direct)

    words = dict(word.split("=", 1) for word in command[1:] if "=" in word)
    assert int(words["bs"]) * int(words["count"]) == 64 * MIB
    assert words["of"] == str(target)
    assert how in command


def test_what_is_missing_is_named(monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")

    assert hdd.missing() == ", ".join(hdd.TOOLS)
