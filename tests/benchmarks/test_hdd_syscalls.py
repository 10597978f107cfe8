"""Writes are read from what strace says, and judged by what a disk likes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.hdd_syscalls import ALIGNMENT, SMALLEST, TIMER, Write, judge, parse, read, strace

FILE = "/disk/film.bin"
MIB = 1 << 20


def in_order(*counts, step=0.1):
    found, at = [], 0
    for number, count in enumerate(counts):
        found.append(Write(number * step, at, count))
        at += count
    return found


@pytest.mark.parametrize(
    ("call", "offset"),
    [
        ('pwrite64(4<{}>, ""..., 4194304, 8388608) = 4194304', 8388608),
        ("pwritev(4<{}>, [{{iov_base=..., iov_len=1048576}}, ...], 4, 4096) = 4194304", 4096),
        ("pwritev2(4<{}>, [...], 14, 16777216, 0) = 4194304", 16777216),
        ('write(4<{}>, ""..., 4194304) = 4194304', 0),
    ],
)
def test_each_call_says_where_and_how_much(call, offset):
    assert parse([f"12.500000 {call.format(FILE)}"], "film.bin") == [Write(12.5, offset, 4194304)]


def test_a_plain_write_goes_where_the_last_call_left_it():
    lines = [
        f"1.0 lseek(5<{FILE}>, 4096, SEEK_SET) = 4096",
        f'2.0 write(5<{FILE}>, ""..., 100) = 100',
        f'3.0 write(5<{FILE}>, ""..., 50) = 50',
    ]

    assert parse(lines, "film.bin") == [Write(2.0, 4096, 100), Write(3.0, 4196, 50)]


def test_other_files_and_failed_calls_are_no_writes():
    lines = [
        '1.0 pwrite64(4</disk/film.bin.resume>, ""..., 100, 0) = 100',
        f'2.0 pwrite64(4<{FILE}>, ""..., 100, 0) = -1 ENOSPC (No space left on device)',
        "3.0 +++ exited with 0 +++",
    ]

    assert parse(lines, "film.bin") == []


def test_threads_are_put_together_by_time(tmp_path):
    (tmp_path / "calls.12").write_text(f'2.0 pwrite64(4<{FILE}>, ""..., 10, 10) = 10\n')
    (tmp_path / "calls.13").write_text(f'1.0 pwrite64(4<{FILE}>, ""..., 10, 0) = 10\n')

    found = parse(read(tmp_path / "calls"), "film.bin")

    assert [write.offset for write in found] == [0, 10]


def test_long_writes_in_order_are_good_and_the_end_may_be_as_it_is():
    writes = in_order(4 * MIB, 6 * MIB, 4 * MIB, MIB, 777)

    verdict = judge(writes, sum(write.count for write in writes))

    assert verdict.good
    assert verdict.wrong == 0
    assert verdict.told() == "5 writes, none small, unaligned or out of order"


def test_a_small_write_is_told_unless_the_timer_made_it():
    writes = [Write(0.0, 0, 4 * MIB), Write(1.0, 4 * MIB, MIB)]
    late = [writes[0], Write(TIMER, 4 * MIB, MIB)]

    assert judge(writes, 64 * MIB).small == (writes[1],)
    assert judge(late, 64 * MIB).good


def test_an_odd_length_and_an_odd_place_are_told():
    writes = in_order(4 * MIB + 1, 4 * MIB)

    assert len(judge(writes, 64 * MIB).unaligned) == 2


def test_gaps_steps_back_and_repeats_are_told():
    writes = [Write(0, 4 * MIB, 4 * MIB), Write(1, 0, 4 * MIB), Write(2, 0, 4 * MIB)]

    assert judge(writes, 64 * MIB).out_of_order == tuple(writes)
    assert "3 out of order" in judge(writes, 64 * MIB).told()


@given(st.lists(st.integers(SMALLEST // ALIGNMENT, 16 * SMALLEST // ALIGNMENT), max_size=20))
def test_whatever_the_lengths_long_aligned_writes_in_order_are_good(blocks):
    writes = in_order(*(count * ALIGNMENT for count in blocks))

    assert judge(writes, sum(write.count for write in writes) + ALIGNMENT).good


def test_the_command_runs_under_strace_with_a_file_for_each_thread(tmp_path):
    command = strace(["true", "-x"], tmp_path / "calls")

    assert command[0] == "strace"
    assert "-ff" in command
    assert command[-2:] == ["true", "-x"]
