import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.qbittorrent.parameters import (
    BadParameter,
    Parameters,
    Upload,
    boolean,
    bounded_limit,
    choice,
    digits,
    hashes,
    minutes_limit,
    ratio_limit,
    real,
    speed_limit,
    whole,
)

# A machine that is busy is no failure.
unhurried = settings(deadline=None)

A, B = "a" * 40, "b" * 40


@pytest.mark.parametrize("text", ["True", "true", "TRUE", "1", "yes", "on", " true "])
def test_every_spelling_of_true_is_true(text):
    assert boolean(text, default=False)


@pytest.mark.parametrize("text", ["False", "false", "FALSE", "0", "no", "off", " false "])
def test_every_spelling_of_false_is_false(text):
    assert not boolean(text, default=True)


@pytest.mark.parametrize("text", ["", "maybe", "2", "-1"])
def test_what_is_no_boolean_counts_as_not_given(text):
    assert boolean(text, default=True)
    assert not boolean(text, default=False)
    assert choice(text) is None


def test_a_choice_tells_what_was_said():
    parameters = Parameters([("a", "True"), ("b", "0"), ("c", "")])
    assert [parameters.choice(name) for name in "abcd"] == [True, False, None, None]


@pytest.mark.parametrize(
    ("text", "value"),
    [("1440", 1440), ("1440.0", 1440), ("-2", -2), (" 7 ", 7), ("1e3", 1000), ("9" * 400, 5)],
)
def test_whole_numbers_are_read_with_and_without_a_fraction(text, value):
    assert whole(text, 5) == value


@pytest.mark.parametrize("text", ["", "x", "nan", "inf", "-inf", "1,5"])
def test_what_is_no_number_counts_as_not_given(text):
    assert whole(text, 5) == 5
    assert real(text, 1.5) == 1.5


def test_large_numbers_are_cut_to_what_json_and_sqlite_carry():
    assert whole("1e300", 0) == 2**53
    assert whole("-1e300", 0) == -(2**53)


@unhurried
@given(st.text())
def test_no_text_makes_a_reader_raise(text):
    assert -(2**53) <= whole(text, 0) <= 2**53
    assert isinstance(real(text, 0.0), float)
    assert isinstance(boolean(text, default=False), bool)
    assert all(len(one) == 40 for one in hashes(text) or [])


def test_hashes_are_lower_cased_and_each_taken_once():
    assert hashes(f"{A.upper()}|{B}| {A} |") == [A, B]
    assert hashes("") == []
    assert hashes(f"nonsense|{B}|{B}0") == [B]


def test_all_means_all_in_any_case():
    assert hashes("all") is None
    assert hashes(" ALL ") is None


@pytest.mark.parametrize(
    ("given_", "taken"), [(-2, -2), (-1, -1), (-1.5, -1), (-7, -1), (0, 0), (1.5, 1.5), (1e9, 9999)]
)
def test_ratio_limits_are_those_that_qbittorrent_knows(given_, taken):
    assert ratio_limit(given_) == taken


@pytest.mark.parametrize(
    ("given_", "taken"), [(-2, -2), (-1, -1), (-7, -1), (0, 0), (60, 60), (2**53, 525_600)]
)
def test_time_limits_are_those_that_qbittorrent_knows(given_, taken):
    assert minutes_limit(given_) == taken


@pytest.mark.parametrize(("text", "number"), [("7", 7), (" -7 ", -7), ("+0", 0)])
def test_digits_are_a_number(text, number):
    assert digits(text) == number


@pytest.mark.parametrize("text", ["", "1.0", "1e3", "1_0", "--1", "x", "٣", "9" * 5000])
def test_anything_else_is_no_number(text):
    assert digits(text) is None


@pytest.mark.parametrize(
    ("given_", "taken"), [(-1, 0), (0, 0), (1, 1), (2**31 - 1, 2**31 - 1), (2**31, 0)]
)
def test_speed_limits_are_those_that_qbittorrent_has_a_number_for(given_, taken):
    assert bounded_limit(given_) == taken
    assert speed_limit(str(given_)) == taken


def test_a_field_given_twice_counts_as_given_last():
    assert Parameters([("a", "1"), ("a", "2")]).text("a") == "2"


def test_a_field_that_is_empty_differs_from_one_that_is_missing():
    parameters = Parameters([("category", "")])
    assert parameters.get("category") == ""
    assert parameters.get("tag") is None
    assert parameters.required("category") == ""
    with pytest.raises(BadParameter, match=r"^Bad Request$"):
        parameters.required("tag")


def test_lists_are_read_without_blanks():
    parameters = Parameters([("urls", "one\r\n\n two \n"), ("tags", "a, b,,c ")])
    assert parameters.lines("urls") == ["one", "two"]
    assert parameters.commas("tags") == ["a", "b", "c"]
    assert parameters.lines("none") == []


def test_the_repr_names_fields_and_hides_values():
    shown = repr(Parameters([("password", "secret")], [Upload("torrents", "x", b"")]))
    assert shown == "<Parameters ['password'] files=1>"
