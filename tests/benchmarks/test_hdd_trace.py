"""The trace of a block device is read as the kernel writes it."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import hdd_trace
from benchmarks.hdd_model import Request
from benchmarks.hdd_trace import TraceLost, parse

HEAD = """\
# tracer: nop
#
# entries-in-buffer/entries-written: 180/180   #P:2
#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION
"""

LINE = (
    "     kworker/0:1-11      [000] .....   700.820058: block_rq_issue: "
    "7,0 WS 1310720 () 4259968 + 2560 be,0,4 [kworker/0:1]"
)


def line(t, flags, sector, sectors):
    return (
        f"              dd-11113   [000] .N...   {t:.6f}: block_rq_issue: "
        f"7,0 {flags} {sectors * 512} () {sector} + {sectors} be,0,4 [dd]"
    )


def test_a_line_says_when_what_and_where():
    assert parse([*HEAD.splitlines(), LINE]) == [Request(700.820058, "W", 4259968, 2560)]


def test_lines_of_other_events_are_skipped():
    other = LINE.replace("block_rq_issue", "block_rq_complete")

    assert parse(["", "garbage", other]) == []


def test_a_flush_is_a_request_of_its_own_kind():
    assert parse([line(1, "FF", 0, 0)]) == [Request(1.0, "F", 0, 0)]
    assert parse([line(1, "FWFS", 8, 16)]) == [Request(1.0, "F", 0, 0), Request(1.0, "W", 8, 16)]


@pytest.mark.parametrize(
    ("flags", "kind"), [("W", "W"), ("WFS", "W"), ("WSM", "W"), ("R", "R"), ("RA", "R"), ("D", "D")]
)
def test_marks_behind_the_kind_do_not_change_it(flags, kind):
    assert [each.op for each in parse([line(1, flags, 8, 16)])] == [kind]


def test_a_command_name_with_blanks_and_brackets_confuses_nobody():
    strange = LINE.replace("kworker/0:1", "a b [c] (d)")

    assert len(parse([strange])) == 1


def test_a_lossy_trace_is_refused():
    with pytest.raises(TraceLost):
        parse(["CPU:1 [LOST 372 EVENTS]", LINE])
    with pytest.raises(TraceLost):
        parse(["# entries-in-buffer/entries-written: 100/180   #P:2", LINE])


@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 2**40), st.integers(1, 2**20))),
)
def test_every_request_is_found_in_its_order(told):
    lines = [line(t, "WS", sector, sectors) for t, sector, sectors in told]

    assert parse(lines) == [Request(float(t), "W", sector, sectors) for t, sector, sectors in told]


@given(st.text())
def test_no_line_breaks_the_reader(text):
    try:
        parse(text.splitlines())
    except TraceLost:
        assert "LOST" in text or "entries" in text


def test_without_root_it_says_so(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    assert hdd_trace.missing() == "root"
