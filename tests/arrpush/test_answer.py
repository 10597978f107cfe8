"""What the answer to a push means, and what is told of it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrpush.answer import LONGEST_REASON, MOST_REASONS, Outcome, of_answer, of_trouble
from arrpush.arr import Arr, ArrTrouble
from engine.http.exchange import TIMEOUT, Answer, HttpTrouble

JSON = {"content-type": "application/json"}
SECRET = "marked0123456789abcdef0123456789"
TYPES = {
    "type": "https://tools.ietf.org/html/rfc9110#section-15.5.1",
    "title": "One or more validation errors occurred.",
    "status": 400,
    "traceId": "00-1-2-00",
    "errors": {"$.size": ["The JSON value could not be converted. Path: $.size | LineNumber: 0"]},
}


def judged(approved=False, temporarily=False, rejected=False, rejections=(), status=200):
    said = {
        "approved": approved,
        "temporarilyRejected": temporarily,
        "rejected": rejected,
        "rejections": list(rejections),
        "title": "A.Show",
    }
    return of_answer("Sonarr", Answer(status, JSON, json.dumps([said]).encode()))


async def told(status, body=b"", headers=JSON, problem=None):
    """What a push is told when the program answers so, through the client that asks it."""

    async def exchange(*_, **__):
        if problem:
            raise problem
        return Answer(
            status, headers, body if isinstance(body, bytes) else json.dumps(body).encode()
        )

    try:
        answer = await Arr("Sonarr", "http://sonarr", "key", exchange=exchange).post("/x", {})
    except ArrTrouble as trouble:
        return of_trouble("Sonarr", trouble)
    return of_answer("Sonarr", answer)


@pytest.mark.parametrize("status", [200, 202])
def test_t_01_a_release_that_is_taken_is_approved(status):
    reply = judged(approved=True, status=status)

    assert (reply.outcome, reply.sentence) == (Outcome.APPROVED, "Sonarr approved the release")


def test_t_01_a_202_that_says_nothing_is_taken_as_well():
    assert of_answer("Sonarr", Answer(202, {}, b"")).outcome is Outcome.APPROVED


def test_rejected_for_now_is_no_error():
    reply = judged(temporarily=True, rejections=["Waiting for better quality release"])

    assert reply.outcome is Outcome.LATER
    assert reply.sentence == (
        "Sonarr rejected the release for now and takes it later: Waiting for better quality release"
    )


def test_rejected_says_why():
    reply = judged(rejected=True, rejections=["Unknown Series", {"reason": "Sample"}, None])

    assert reply.outcome is Outcome.REJECTED
    assert reply.reasons == ("Unknown Series", "Sample")
    assert reply.sentence == "Sonarr rejected the release: Unknown Series; Sample"


def test_rejected_counts_before_rejected_for_now():
    assert judged(rejected=True, temporarily=True).outcome is Outcome.REJECTED


async def test_a_400_that_is_a_list_is_read():
    failure = {"propertyName": "Title", "errorMessage": "Unable to parse", "severity": "error"}
    reply = await told(400, [failure | {"attemptedValue": SECRET}])

    assert (reply.outcome, reply.reasons) == (Outcome.BAD_PAYLOAD, ("Title: Unable to parse",))
    assert reply.sentence == (
        "Sonarr does not understand the release (HTTP 400): Title: Unable to parse"
    )


async def test_a_400_that_is_an_object_is_read():
    reply = await told(400, TYPES)

    assert reply.outcome is Outcome.BAD_PAYLOAD
    assert reply.reasons == ("$.size: The JSON value could not be converted.",)


@pytest.mark.parametrize("body", [b"", b"<html>", b"1", b"[1]", b"{}", b'{"errors": [1]}', b"\xff"])
async def test_a_400_of_no_known_shape_is_one_all_the_same(body):
    assert (await told(400, body)).outcome is Outcome.BAD_PAYLOAD


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (401, Outcome.WRONG_KEY),
        (403, Outcome.WRONG_KEY),
        (404, Outcome.REFUSED),
        (409, Outcome.REFUSED),
        (415, Outcome.REFUSED),
        (408, Outcome.TRY_AGAIN),
        (429, Outcome.TRY_AGAIN),
        (500, Outcome.TRY_AGAIN),
        (502, Outcome.TRY_AGAIN),
        (503, Outcome.TRY_AGAIN),
        (307, Outcome.WRONG_ADDRESS),
    ],
)
async def test_each_other_status_has_its_outcome(status, outcome):
    assert (await told(status, {"message": SECRET, "description": SECRET})).outcome is outcome


async def test_a_wrong_key_has_an_empty_body():
    reply = await told(401, b"", {})

    assert reply.sentence == "Sonarr does not accept SONARR_API_KEY (HTTP 401)"


async def test_when_to_ask_again_is_kept():
    assert (await told(503, b"", JSON | {"retry-after": "60"})).retry_after == 60


async def test_no_answer_is_tried_again():
    reply = await told(0, problem=HttpTrouble(TIMEOUT, "no answer in time"))

    assert reply.outcome is Outcome.TRY_AGAIN


@pytest.mark.parametrize(
    "body", [b"", b"<!doctype html>", b"{}", b"[]", b"[{}]", b"[1, 2]", b"\xff", b"null"]
)
def test_what_is_no_answer_to_a_push_is_a_wrong_address(body):
    assert of_answer("Sonarr", Answer(200, {}, body)).outcome is Outcome.WRONG_ADDRESS


@pytest.mark.parametrize(
    "reason",
    [
        f"cannot fetch https://indexer/download?passkey={SECRET} now",
        f"magnet:?xt=urn:btih:{SECRET}",
        f"apikey={SECRET}",
        f"the key {SECRET} is wrong",
        f"(see http://{SECRET})",
    ],
)
async def test_no_reason_repeats_a_secret(reason):
    for reply in (
        judged(rejected=True, rejections=[reason]),
        await told(400, [{"propertyName": "DownloadUrl", "errorMessage": reason}]),
        await told(400, TYPES | {"errors": {"downloadUrl": [reason]}}),
    ):
        assert "marked" not in repr(reply)
        assert "(left out)" in reply.sentence


@given(st.lists(st.text(), max_size=9))
def test_whatever_the_reasons_are_it_is_one_short_line(rejections):
    sentence = judged(rejected=True, rejections=rejections).sentence

    assert len(sentence.splitlines()) == 1
    assert len(sentence) <= 40 + MOST_REASONS * (LONGEST_REASON + 5)


@given(st.binary())
def test_no_answer_is_too_strange(body):
    assert of_answer("Sonarr", Answer(200, {}, body)).sentence
