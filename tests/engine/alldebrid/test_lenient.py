import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.alldebrid import lenient
from tests.fakes.any_json import JSON


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5, 5),
        (-5, -5),
        ("5", 5),
        (" 42 ", 42),
        ("-7", -7),
        ("1e3", 1000),
        ("12.9", 12),
        (5.9, 5),
        (True, 1),
        (None, 0),
        ("", 0),
        ("five", 0),
        ("nan", 0),
        ("inf", 0),
        (math.nan, 0),
        (math.inf, 0),
        ("9" * 30, 0),
        ("٣", 3),
        ([], 0),
        ({}, 0),
    ],
)
def test_numbers(value, expected):
    assert lenient.number(value) == expected


def test_a_number_may_have_another_default():
    assert lenient.number(None, 7) == 7
    assert lenient.number("x", 7) == 7
    assert lenient.number(math.nan, 7) == 7


def test_sizes_are_not_negative():
    assert lenient.size("-5") == 0
    assert lenient.size("5") == 5


@pytest.mark.parametrize(
    ("value", "expected"), [("a", "a"), (5, "5"), (True, ""), (None, ""), ([], ""), ({}, "")]
)
def test_texts(value, expected):
    assert lenient.text(value) == expected


@pytest.mark.parametrize("value", [True, 1, 2.0, "true", "TRUE", "1", "yes"])
def test_flags_that_are_set(value):
    assert lenient.flag(value)


@pytest.mark.parametrize("value", [False, 0, None, "", "false", "0", "no", [], {}, [1]])
def test_flags_that_are_not(value):
    assert not lenient.flag(value)


@pytest.mark.parametrize("value", [[], None, "", 5, [1]])
def test_what_is_no_object_is_an_empty_one(value):
    assert lenient.mapping(value) == {}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([{"id": 1}, {"id": 2}], [{"id": 1}, {"id": 2}]),
        ([{"id": 1}, None, 5, "x"], [{"id": 1}]),
        ({"id": 1, "files": {}}, [{"id": 1, "files": {}}]),
        ({"id": {}}, [{"id": {}}]),
        ({"7": {"a": 1}, "8": {"id": 9}}, [{"a": 1, "id": "7"}, {"id": 9}]),
        ({"a": 1}, [{"a": 1}]),
        ({}, []),
        ([], []),
        (None, []),
        ("", []),
    ],
)
def test_lists_come_as_arrays_objects_and_maps(value, expected):
    assert list(lenient.objects(value, "id")) == expected


@given(JSON)
def test_nothing_fails_whatever_comes(value):
    assert isinstance(lenient.number(value), int)
    assert lenient.size(value) >= 0
    assert isinstance(lenient.text(value), str)
    assert isinstance(lenient.flag(value), bool)
    assert all(isinstance(item, dict) for item in lenient.objects(value, "id"))


@given(st.integers(-(10**18), 10**18))
def test_a_number_is_the_same_as_a_digit_string(value):
    assert lenient.number(str(value)) == lenient.number(value) == value
