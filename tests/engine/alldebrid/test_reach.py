import logging

import pytest

from engine.alldebrid.errors import SERVER_TROUBLE, UNREACHABLE, ApiError
from engine.alldebrid.reach import NO_ANSWER, SHOWN_FOR, Reach
from tests.fakes.clock import Clock


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def reach(clock, caplog):
    caplog.set_level(logging.INFO, "engine.alldebrid.reach")
    return Reach(clock)


@pytest.mark.parametrize("code", sorted(NO_ANSWER))
def test_the_second_failed_try_of_a_call_is_told_once_and_so_is_the_end(reach, caplog, code):
    error = ApiError(code)
    reach.failed("user", error, 0)
    assert reach.trouble == ""
    for attempt in range(1, 9):
        reach.failed("user", error, attempt)
    assert reach.trouble == str(error)
    reach.answered("user")
    reach.answered("user")
    assert reach.trouble == ""
    assert caplog.messages == [
        f"alldebrid=trouble endpoint=user reason={str(error)!r}",
        "alldebrid=answers endpoint=user",
    ]


def test_the_first_failed_tries_of_many_calls_are_everyday(reach, caplog):
    for _ in range(9):
        reach.failed("user", ApiError(UNREACHABLE), 0)
    assert (reach.trouble, caplog.messages) == ("", [])


def test_a_refusal_is_an_answer(reach):
    reach.failed("user", ApiError(UNREACHABLE), 1)
    reach.failed("user", ApiError("MAGNET_INVALID_ID"), 2)
    assert reach.trouble == ""


def test_an_endpoint_that_answers_says_nothing_about_another(reach, caplog):
    reach.failed("magnet/upload", ApiError(SERVER_TROUBLE), 1)
    for attempt in range(2, 9):
        reach.answered("magnet/status")
        reach.failed("magnet/upload", ApiError(SERVER_TROUBLE), attempt)
    assert reach.trouble == str(ApiError(SERVER_TROUBLE))
    assert len(caplog.messages) == 1
    assert repr(reach) == "<Reach failing=['magnet/upload']>"


def test_trouble_that_nobody_meets_any_more_is_not_shown_for_ever(reach, clock):
    reach.failed("user", ApiError(UNREACHABLE), 1)
    clock.now += SHOWN_FOR
    assert reach.trouble
    clock.now += 1
    assert reach.trouble == ""
    reach.failed("user", ApiError(UNREACHABLE), 0)
    assert reach.trouble
