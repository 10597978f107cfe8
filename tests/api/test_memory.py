import os
import resource
from pathlib import Path

import pytest

from api import memory

GIB = 1 << 30


@pytest.fixture
def system(tmp_path):
    """A /proc and /sys of one's own, with 8 GiB of memory."""

    def write(path, text):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    write("proc/meminfo", f"MemTotal:       {8 * GIB // 1024} kB\nMemFree:  1 kB\n")
    write.root = tmp_path
    return write


def test_resident_memory_is_between_nothing_and_the_peak():
    assert 0 < memory.resident() <= memory.peak()


def test_resident_memory_grows_with_what_is_used():
    before = memory.resident()
    held = bytearray(os.urandom(1) * (32 << 20))

    assert memory.resident() >= before + (24 << 20)
    assert len(held) == 32 << 20


def test_resident_memory_counts_pages(system):
    system("proc/self/statm", "5000 1000 200 1 0 300 0\n")

    assert memory.resident(system.root) == 1000 * os.sysconf("SC_PAGE_SIZE")


def test_without_proc_the_kernel_s_own_count_of_the_peak_is_taken(tmp_path):
    assert memory.peak(tmp_path) == resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    assert memory.resident(tmp_path) == memory.peak(tmp_path)


def test_the_peak_is_this_program_s_and_not_its_parent_s(system):
    system("proc/self/status", "Name:\tpython\nVmPeak:\t  9 kB\nVmHWM:\t   4321 kB\n")

    assert memory.peak(system.root) == 4321 * 1024


def test_without_groups_the_limit_is_the_machine_s(system):
    assert memory.limit(system.root) == 8 * GIB


def test_the_limit_of_a_container_counts(system):
    system("proc/self/cgroup", "0::/\n")
    system("sys/fs/cgroup/memory.max", f"{2 * GIB}\n")

    assert memory.limit(system.root) == 2 * GIB


def test_a_limit_above_the_own_group_counts(system):
    system("proc/self/cgroup", "0::/system.slice/client.service\n")
    system("sys/fs/cgroup/system.slice/client.service/memory.max", "max\n")
    system("sys/fs/cgroup/system.slice/memory.max", f"{GIB}\n")

    assert memory.limit(system.root) == GIB


def test_the_limit_of_version_1_groups_counts(system):
    system("proc/self/cgroup", "5:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n")
    system("sys/fs/cgroup/memory/memory.limit_in_bytes", f"{3 * GIB}\n")

    assert memory.limit(system.root) == 3 * GIB


def test_a_limit_larger_than_the_machine_is_none(system):
    system("proc/self/cgroup", "4:memory:/\n")
    system("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n")

    assert memory.limit(system.root) == 8 * GIB


def test_where_nothing_is_known_the_limit_is_nothing(tmp_path):
    assert memory.limit(tmp_path) == 0


def test_the_limit_of_this_machine_is_known():
    assert memory.limit(Path("/")) > 0
