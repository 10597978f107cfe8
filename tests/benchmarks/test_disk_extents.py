"""Whose bytes a request writes, and how files take turns on a device."""

import itertools
import struct

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.disk_extents import Extent, Map, Turn, contested, offsets, parse_fiemap, turns
from benchmarks.hdd_model import SECTOR, Request

FILES = Map(
    {
        "a": [Extent(1000, 100, 0), Extent(5000, 100, 100)],
        "b": [Extent(1100, 50, 0)],
    }
)


def write(sector, sectors=8, t=0.0):
    return Request(t, "W", sector, sectors)


def test_a_sector_has_a_file_and_a_place_in_it():
    assert FILES.find(1000) == ("a", 0)
    assert FILES.find(1099) == ("a", 99 * SECTOR)
    assert FILES.find(1100) == ("b", 0)
    assert FILES.find(5001) == ("a", 101 * SECTOR)


def test_a_sector_of_no_file_has_none():
    for sector in (0, 999, 1150, 5100):
        assert FILES.find(sector) is None
    assert Map({}).find(0) is None


def test_writes_to_one_file_in_a_row_are_a_turn_also_across_its_extents():
    trace = [write(1000, t=1), write(5000, t=2), write(1100, t=3), write(1008, t=4)]

    assert turns(trace, FILES) == [
        Turn("a", 1, 2, 16 * SECTOR),
        Turn("b", 3, 3, 8 * SECTOR),
        Turn("a", 4, 4, 8 * SECTOR),
    ]


def test_the_journal_ends_no_turn():
    trace = [write(1000), write(0), Request(0, "F", 0, 0), Request(0, "R", 1100, 8), write(1008)]

    assert turns(trace, FILES) == [Turn("a", 0, 0, 16 * SECTOR)]


def test_the_last_turn_of_each_file_is_nobody_s_to_judge():
    found = [Turn(name, 0, 0, 1) for name in "ababab"]

    assert [turn.name for turn in contested(found)] == list("abab")
    assert contested([Turn("a", 0, 0, 1)]) == []


def test_offsets_say_where_in_the_file_the_device_was():
    trace = [write(1000, t=1), write(0, t=2), write(5000, t=3)]

    assert offsets(trace, FILES) == [(1, 8 * SECTOR), (3, 108 * SECTOR)]


@given(st.lists(st.sampled_from([1000, 1050, 1100, 5000, 0]), max_size=50))
def test_no_byte_is_lost_or_counted_twice(places):
    trace = [write(place) for place in places]

    found = turns(trace, FILES)

    assert sum(turn.bytes for turn in found) == 8 * SECTOR * sum(place > 0 for place in places)
    assert all(one.name != other.name for one, other in itertools.pairwise(found))


def test_the_kernel_s_answer_is_read_extent_by_extent():
    head = struct.pack("=QQLLLL", 0, 0, 1, 2, 512, 0)
    first = struct.pack("=QQQQQLLLL", 0, 512 * 1000, 512 * 100, 0, 0, 0, 0, 0, 0)
    last = struct.pack("=QQQQQLLLL", 512 * 100, 512 * 5000, 512 * 100, 0, 0, 1, 0, 0, 0)
    room = bytes(56 * 10)

    assert parse_fiemap(head + first + last + room) == (
        [Extent(1000, 100, 0), Extent(5000, 100, 100)],
        True,
    )
