"""What a Sonarr or Radarr made of a push: its answer becomes an outcome and one sentence. Pure.

Theory
    A release that was understood is answered with 200 and a list of one object, whatever became of
    it; the three booleans in it are the verdict. Approved does not mean grabbed: what the grab came
    to is not told. Rejected for now (a delay profile) is kept there and grabbed later.

    A 400 has two shapes: a list of failures from what checks a release, and one object with
    `errors` from what reads the JSON. Both say what is wrong, and both quote what they were sent.

Rules
    The sentence holds no secret. Values are never taken from an answer; of the reasons, links and
    what looks like a key are left out, for some programs repeat there what they were asked.
"""

import enum
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from arrpush.arr import ArrTrouble, Trouble
from engine.http.exchange import Answer

LONGEST_REASON = 200
"""Characters of one reason that are repeated; the reasons of these programs have about 100."""

MOST_REASONS = 5
"""Reasons that are repeated."""

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_LINK = re.compile(r"\S*(?:://|magnet:|(?:key|token|passwd|password)=)\S*", re.IGNORECASE)
_KEY = re.compile(r"(?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{20,}")
_OMITTED = "(left out)"


class Outcome(enum.Enum):
    """What became of a push, which says what to do next."""

    APPROVED = "approved"
    """Taken, and most likely grabbed."""
    LATER = "rejected for now"
    """Kept there, and grabbed when its time has come: nothing to do, and no error."""
    REJECTED = "rejected"
    """Understood and not wanted: final."""
    BAD_PAYLOAD = "bad payload"
    """Not understood: final."""
    REFUSED = "refused"
    """Another status that does not change by asking again: final."""
    WRONG_KEY = "wrong key"
    """Only the user helps; so it is with WRONG_ADDRESS."""
    WRONG_ADDRESS = "wrong address"
    TRY_AGAIN = "try again"
    """Not reachable, starting, or overloaded: time helps."""


class Reply(msgspec.Struct, frozen=True):
    """What a program said to a push."""

    outcome: Outcome
    sentence: str
    """For user and log; one line without a secret."""
    reasons: tuple[str, ...] = ()
    """What the program gave as reasons, cleaned; they are part of the sentence."""
    retry_after: float | None = None
    """Seconds it wants to be left alone, where it said so."""


class _Judged(msgspec.Struct, rename="camel"):
    """The object in the answer. Without the first two it is another program's."""

    approved: bool
    rejected: bool
    temporarily_rejected: bool = False
    rejections: list[Any] | None = None


def of_answer(name: str, answer: Answer) -> Reply:
    """Return what an answer of 2xx says; `name` is what the program is called."""
    if answer.status == 202 and not answer.body.strip():
        return Reply(Outcome.APPROVED, f"{name} has taken the release")
    try:
        (judged,) = msgspec.json.decode(answer.body, type=list[_Judged])
    except (ValueError, UnicodeError, RecursionError):
        sentence = f"what answers at {name.upper()}_URL is not the API of {name}"
        return Reply(Outcome.WRONG_ADDRESS, sentence)
    reasons = tuple(_cleaned(map(_reason, judged.rejections or ())))
    if judged.approved:
        return Reply(Outcome.APPROVED, f"{name} approved the release")
    if judged.temporarily_rejected and not judged.rejected:
        said = f"{name} rejected the release for now and takes it later"
        return Reply(Outcome.LATER, _sentence(said, reasons), reasons)
    return Reply(Outcome.REJECTED, _sentence(f"{name} rejected the release", reasons), reasons)


def of_trouble(name: str, problem: ArrTrouble) -> Reply:
    """Return what another status says, or that there was no answer."""
    if problem.status == 400:
        reasons = tuple(_cleaned(_failures(problem.body)))
        said = f"{name} does not understand the release (HTTP 400)"
        return Reply(Outcome.BAD_PAYLOAD, _sentence(said, reasons), reasons)
    outcome = {
        Trouble.DOWN: Outcome.TRY_AGAIN,
        Trouble.KEY: Outcome.WRONG_KEY,
        Trouble.ADDRESS: Outcome.WRONG_ADDRESS,
    }.get(problem.trouble, Outcome.REFUSED)
    return Reply(outcome, str(problem), retry_after=problem.retry_after)


def _failures(body: bytes) -> Iterator[str]:
    """Yield the reasons in a 400 of either shape; nothing when it has another."""
    try:
        said = msgspec.json.decode(body)
    except (ValueError, UnicodeError, RecursionError):
        return
    if isinstance(said, list):
        yield from (_failure(one) for one in said if isinstance(one, dict))
    elif isinstance(said, dict):
        errors = said.get("errors")
        for field, texts in errors.items() if isinstance(errors, dict) else ():
            for text in texts if isinstance(texts, list) else [texts]:
                # The rest says at which byte of the JSON, which the user has not written.
                yield f"{field}: {str(text).partition(' Path: ')[0]}"


def _failure(one: dict[str, Any]) -> str:
    return f"{one.get('propertyName') or 'release'}: {one.get('errorMessage') or 'not valid'}"


def _reason(rejection: Any) -> str:
    """Return a reason; some versions put it into an object."""
    if isinstance(rejection, dict):
        return str(rejection.get("reason") or "")
    return str(rejection or "")


def _cleaned(reasons: Iterator[str]) -> Iterator[str]:
    for _number, reason in zip(range(MOST_REASONS), filter(None, reasons), strict=False):
        line = _CONTROLS.sub(" ", reason).strip()
        line = _KEY.sub(_OMITTED, _LINK.sub(_OMITTED, line))
        yield line if len(line) <= LONGEST_REASON else f"{line[:LONGEST_REASON]}..."


def _sentence(said: str, reasons: tuple[str, ...]) -> str:
    return f"{said}: {'; '.join(reasons)}" if reasons else said
