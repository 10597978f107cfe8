"""How well one program can be reached, and when it is asked again.

Theory
    While it is down, starting or overloaded it is asked more and more seldom, at times that nobody
    else keeps. Those who tell it how downloads ended have one line together, the outbox has its
    own. What only the user can mend, a
    wrong key, is asked again now and then, so that nothing has to be restarted for it. Somebody
    else at its address may be a proxy while the program restarts, so that counts as down first, and
    ends as seldom as a wrong key.

    Trouble is logged when it begins or becomes another one, and when it is over; never repeated.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable

import msgspec

from arrpush.arr import Arr, ArrTrouble, Trouble
from engine.http import backoff

FIRST_DELAY = 10.0
"""Seconds the first wait lasts at most, doubled for each further one."""

LONGEST_DELAY = 600.0
"""Seconds: a program that is back hears of everything within ten minutes."""

SHORTEST_DELAY = 1.0
"""Seconds; jitter must not make two tries one."""

USER_DELAY = 1800.0
"""Seconds between two tries of what only the user can mend."""

KEY_LOOK = 30.0
"""Seconds between two looks whether a refused key has changed."""

logger = logging.getLogger("arrpush.line")


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """Clocks and chance."""

    now: Callable[[], float] = time.time
    """Unix seconds."""
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Callable[[], float] = random.random
    """Draws from 0 to 1."""


class Line:
    """The line to one program. The event loop's thread only."""

    def __init__(self, name: str, timing: Timing) -> None:
        self._name = name
        self._timing = timing
        self._tries = 0
        self._trouble: Trouble | None = None
        self._refused = ""
        """The key that was refused here; others may have asked with another one since."""
        self.open_at = float("-inf")
        """Monotonic seconds; nothing is asked before."""

    def __repr__(self) -> str:
        return f"<Line {self._name} {self._trouble.value if self._trouble else 'fine'}>"

    def wait(self, arr: Arr) -> float:
        """Return the seconds until the program may be asked, or until there is a reason to look.

        Zero or less when it may be asked now, as with a key that it has not refused yet.
        """
        wait = self.open_at - self._timing.monotonic()
        if not self._refused:
            return wait
        return 0.0 if arr.key() != self._refused else min(wait, KEY_LOOK)

    def well(self) -> None:
        """Note that it did what it was asked: it may be asked again at once."""
        self.open_at = float("-inf")
        if self._trouble is not None:
            logger.info("program=%s state=reachable", self._name)
        self._tries, self._trouble, self._refused = 0, None, ""

    def troubled(self, problem: ArrTrouble, arr: Arr) -> None:
        """Note that it did not, and wait."""
        self._refused = arr.key_refused if problem.trouble is Trouble.KEY else ""
        if problem.trouble is not self._trouble:
            self._trouble = problem.trouble
            logger.warning("program=%s state=trouble reason=%r", self._name, str(problem))
        self.open_at = self._timing.monotonic() + self._delay(problem)
        self._tries += 1

    def _delay(self, problem: ArrTrouble) -> float:
        if problem.trouble is not Trouble.DOWN and problem.trouble is not Trouble.ADDRESS:
            return USER_DELAY
        longest = LONGEST_DELAY if problem.trouble is Trouble.DOWN else USER_DELAY
        chance = self._timing.random
        delay = backoff.delay(self._tries, chance, base=FIRST_DELAY, cap=longest)
        return max(delay, problem.retry_after or SHORTEST_DELAY)
