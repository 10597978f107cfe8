"""A container limits memory and writes where the kernel has its limits, and leaves nothing."""

import os

import pytest

from benchmarks.hdd_container import Limits, container, limit_writes, missing

LIMITS = Limits(memory=2 << 30, device="7:3", rate=150_000_000)


@pytest.fixture
def first(tmp_path):
    """A machine with version 1."""
    for name in ("memory/memory.limit_in_bytes", "blkio/blkio.throttle.write_bps_device"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    return tmp_path


@pytest.fixture
def second(tmp_path):
    """A machine with version 2."""
    (tmp_path / "cgroup.subtree_control").write_text("cpu io memory pids\n")
    return tmp_path


def emptied(folder):
    """Stand in for the kernel, which removes a group's files with the group."""
    for file in folder.iterdir():
        file.unlink()


def group_of(made):
    return next(made.glob("alldebrid-client-*"))


def test_version_1_limits_the_memory_of_a_group(first):
    with container(LIMITS, first):
        group = group_of(first / "memory")
        assert (group / "memory.limit_in_bytes").read_text() == str(2 << 30)
        emptied(group)

    assert not group.exists()


def test_version_1_limits_writes_for_everybody_and_takes_the_limit_back(first):
    rule = first / "blkio/blkio.throttle.write_bps_device"

    with limit_writes("7:3", 150_000_000, first):
        assert rule.read_text() == "7:3 150000000"

    assert rule.read_text() == "7:3 0"


def test_version_2_limits_both_in_the_group_of_the_run(second):
    with limit_writes("7:3", 150_000_000, second), container(LIMITS, second):
        group = group_of(second)
        assert (group / "memory.max").read_text() == str(2 << 30)
        assert (group / "io.max").read_text() == "7:3 wbps=150000000"
        emptied(group)

    assert not group.exists()


def test_a_version_2_without_the_controllers_is_none(first):
    (first / "cgroup.subtree_control").write_text("hugetlb\n")

    with container(LIMITS, first):
        group = group_of(first / "memory")
        assert group.exists()
        emptied(group)


def test_the_peak_is_what_the_group_counted(first):
    with container(LIMITS, first) as group:
        folder = group_of(first / "memory")
        assert group.peak() is None
        (folder / "memory.max_usage_in_bytes").write_text("4096\n")
        assert group.peak() == 4096
        emptied(folder)


def test_a_command_joins_before_it_begins(first):
    with container(LIMITS, first) as group:
        folder = group_of(first / "memory")
        command = group.command(["printf", "%s", "a b"])
        emptied(folder)

    assert command[0] == "sh"
    assert str(folder / "cgroup.procs") in command
    assert command[-3:] == ["printf", "%s", "a b"]


def test_the_limit_of_writes_is_taken_back_when_something_goes_wrong(first):
    with pytest.raises(RuntimeError), limit_writes("7:3", 1, first):
        raise RuntimeError

    assert (first / "blkio/blkio.throttle.write_bps_device").read_text() == "7:3 0"


def test_what_is_missing_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert missing(tmp_path) == "root"

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert missing(tmp_path) == "a memory control group"


def test_nothing_is_missing_with_either_version(first, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert missing(first) == ""

    (first / "memory/memory.limit_in_bytes").unlink()
    (first / "cgroup.subtree_control").write_text("io memory")
    assert missing(first) == ""
