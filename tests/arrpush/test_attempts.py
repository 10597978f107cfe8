"""The log of attempts: one line each, with the fields that were asked for, whatever is in them."""

import ast
import logging
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrpush import attempts
from arrpush.answer import Outcome
from arrpush.attempts import Attempt
from arrpush.payload import Target

LINE = re.compile(
    r"(?P<at>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ) target=(?P<target>\S+) code=(?P<code>\d+)"
    r" duration=(?P<duration>\d+\.\d{3}) payload=(?P<payload>\d+) id=(?P<id>\S+)"
    r" outcome=(?P<outcome>\S+) title=(?P<title>.*) said=(?P<said>.*)"
)
QUOTED = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
TEXTS = st.text(st.characters())


def attempt(**changes):
    fields = {
        "at": 1_769_860_800.0,
        "target": "sonarr",
        "id": "0123456789abcdef",
        "title": "A Show",
        "code": 200,
        "duration": 0.2126,
        "payload": 412,
        "outcome": "approved",
        "said": "Sonarr approved the release",
    }
    return Attempt(**{**fields, **changes})


def test_a_line_has_time_target_status_duration_and_size():
    assert attempts.line(attempt()) == (
        "2026-01-31T12:00:00Z target=sonarr code=200 duration=0.213 payload=412"
        " id=0123456789abcdef outcome=approved title='A Show' said='Sonarr approved the release'"
    )


def test_no_answer_is_status_0_and_what_was_not_accepted_has_no_id():
    line = attempts.line(attempt(code=0, id=""))

    assert " code=0 " in line
    assert " id=- " in line


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_is_one_word(outcome):
    found = LINE.fullmatch(attempts.line(attempt(outcome=outcome.value)))

    assert found
    assert found["outcome"].replace("_", " ") == outcome.value


@given(
    st.builds(
        Attempt,
        at=st.floats(0, 2**33),
        target=st.sampled_from([one.value for one in Target]),
        id=st.sampled_from(["", "0123456789abcdef"]),
        title=TEXTS,
        code=st.integers(0, 999),
        duration=st.floats(0, 1e6),
        payload=st.integers(0, 2**40),
        outcome=st.sampled_from([one.value for one in Outcome]),
        said=TEXTS,
    )
)
def test_whatever_is_in_an_attempt_it_is_one_line_that_can_be_read_back(one):
    line = attempts.line(one)
    found = LINE.fullmatch(line)

    assert line.splitlines() == [line]
    assert line.isprintable()
    assert line.encode("utf-8")
    assert found
    assert (found["target"], int(found["code"])) == (one.target, one.code)
    assert int(found["payload"]) == one.payload
    assert float(found["duration"]) == pytest.approx(one.duration, abs=0.001)


@given(TEXTS | st.text("'\"\\\n= said"), TEXTS | st.text("'\"\\\n= said"))
def test_a_title_cannot_be_taken_for_another_field(title, said):
    line = attempts.line(attempt(title=title, said=said))
    found = re.search(rf" title=({QUOTED}) said=({QUOTED})$", line)

    assert found
    assert [ast.literal_eval(text) for text in found.groups()] == [title, said]


def test_attempts_are_logged_as_lines_to_a_log_of_their_own(caplog):
    with caplog.at_level(logging.INFO, logger="arrpush.attempts"):
        attempts.log(attempt(title="100 %s of %d"))

    (record,) = caplog.records
    assert (record.name, record.levelno) == ("arrpush.attempts", logging.INFO)
    assert record.getMessage() == attempts.line(attempt(title="100 %s of %d"))
