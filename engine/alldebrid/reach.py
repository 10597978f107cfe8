"""Whether AllDebrid answers at all, told once and not once per try.

Rules
    One failed try is everyday and says nothing. From the second of a call on there is trouble: one
    log line, and a sentence for whoever waits. One more line when it is over.
    Endpoints are kept apart, because one may be down while the others work: together they would
    tell of trouble and of its end all the time.
    Trouble that nobody has met for a while is not shown any more: perhaps nobody asks now.
"""

import logging
from collections.abc import Callable
from typing import NamedTuple

from engine.alldebrid.errors import GARBLED, RATE_LIMITED, SERVER_TROUBLE, UNREACHABLE, ApiError

NO_ANSWER = frozenset({UNREACHABLE, SERVER_TROUBLE, GARBLED, RATE_LIMITED})
"""Codes of what is no answer of AllDebrid's to the question."""

SHOWN_FOR = 300.0
"""Seconds since the last failed try; longer than the longest wait between two tries of a call."""

logger = logging.getLogger("engine.alldebrid.reach")


class Reach:
    """What the tries of all calls say about AllDebrid. `clock` is monotonic. One event loop."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failing: dict[str, _Failing] = {}

    def __repr__(self) -> str:
        return f"<Reach failing={sorted(self._failing)}>"

    @property
    def trouble(self) -> str:
        """Why AllDebrid does not answer, one sentence for the user; empty when it does."""
        oldest = self._clock() - SHOWN_FOR
        recent = (one.reason for one in self._failing.values() if one.at >= oldest)
        return next(recent, "")

    def failed(self, endpoint: str, error: ApiError, attempt: int) -> None:
        """Learn how a try ended; `attempt` counts those of its call, from 0."""
        if error.code not in NO_ANSWER:
            self.answered(endpoint)
            return
        known = endpoint in self._failing
        if not known and not attempt:
            return
        if not known:
            logger.warning("alldebrid=trouble endpoint=%s reason=%r", endpoint, str(error))
        self._failing[endpoint] = _Failing(str(error), self._clock())

    def answered(self, endpoint: str) -> None:
        """Learn that a try brought an answer, be it a refusal."""
        if self._failing.pop(endpoint, None) is not None:
            logger.info("alldebrid=answers endpoint=%s", endpoint)


class _Failing(NamedTuple):
    """What an endpoint failed with last, and when."""

    reason: str
    at: float
