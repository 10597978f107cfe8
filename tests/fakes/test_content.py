import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.content import PERIOD, Blob, Pattern, as_content

MIB = 1024 * 1024


@given(st.integers(0, 3 * PERIOD), st.integers(0, 3 * PERIOD))
def test_a_pattern_reads_the_same_in_parts_and_as_a_whole(start, end):
    whole = Pattern(3 * PERIOD, seed=1).read()

    assert Pattern(3 * PERIOD, seed=1).read(start, end) == whole[start:end]
    assert b"".join(Blob(whole).views(start, end)) == whole[start:end]


def test_a_pattern_of_many_gigabytes_costs_nothing():
    pattern = Pattern(1 << 50)

    assert len(pattern.read((1 << 50) - 5)) == 5
    assert len(pattern.read((1 << 50) - 5, 1 << 51)) == 5


def test_places_that_differ_by_whole_mebibytes_hold_other_bytes():
    pattern = Pattern(1 << 40)
    first = pattern.read(0, 64)

    assert all(pattern.read(count * MIB, count * MIB + 64) != first for count in range(1, 300))


def test_patterns_of_other_seeds_are_other_bytes():
    assert Pattern(100, seed=1).read() != Pattern(100, seed=2).read()


def test_the_hash_is_that_of_the_bytes():
    pattern = Pattern(2 * PERIOD + 5, seed=3)

    assert pattern.sha256() == hashlib.sha256(pattern.read()).hexdigest()


@pytest.mark.parametrize("size", [0, 1])
def test_small_patterns(size):
    assert len(Pattern(size).read()) == size


def test_bytes_become_content():
    assert as_content(b"abc").size == 3
    pattern = Pattern(5)
    assert as_content(pattern) is pattern
    assert (repr(as_content(b"abc")), repr(pattern)) == ("Blob(3)", "Pattern(5, seed=0)")
