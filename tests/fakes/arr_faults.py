"""What can go wrong with a question to the fake Sonarr or Radarr, and plans of it.

A fault strikes before anything is done, or after everything is (`done`): then only the answer is
lost, which the one who asked cannot tell apart.
"""

import random
import re
import threading
from collections.abc import Callable, Sequence
from typing import Any

import msgspec


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """What goes wrong with one question."""

    name: str
    """By this it is counted."""
    done: bool = False
    """What was asked is done before."""
    status: int = 0
    """What it is answered with; 0: nothing, the connection is cut."""
    body: str | None = None
    """None stands for an error's own."""
    kind: str = "application/json"
    retry_after: str = ""
    """The header; empty for none."""
    hangs: bool = False
    """It stands still until it is told to go on, and then goes on as if nothing had been."""


Plan = Callable[[str, str], Fault | None]
"""Says what goes wrong with a question, from its method and its path."""

PushPlan = Callable[[int, Any], Fault | None] | list[Fault | None]
"""Says what goes wrong with each push: from its number (from 0) and its body, or one by one."""

CUT = Fault(name="cut")
ANSWER_LOST = Fault(name="answer lost", done=True)
"""It does what it was asked, and cuts the connection."""
TAKEN = Fault(name="taken", done=True, status=202, body="")
"""It does what it was asked, and answers 202 and nothing else."""
LOGIN_PAGE = Fault(
    name="login page", status=200, body="<!doctype html><title>Login</title>", kind="text/html"
)
"""A proxy in front of it wants a login."""
HANGS = Fault(name="hangs", hangs=True)
"""It begins only when it is told to. A push that hangs keeps all others waiting."""
HANGS_AFTER = Fault(name="hangs after", hangs=True, done=True)
"""It answers only when it is told to."""


def fails_with(status: int, *, retry_after: str = "") -> Fault:
    """Say a status at once, with nothing done."""
    return Fault(name=str(status), status=status, retry_after=retry_after)


def fails_after_with(status: int) -> Fault:
    """Say a status when everything is done."""
    return Fault(name=f"{status} after", status=status, done=True)


STARTING = Fault(
    name="starting",
    status=503,
    body='{"errorMessage": "The program is starting up, please try again later"}',
)
MIX = (
    *(fails_with(500), fails_with(408), fails_with(429, retry_after="1"), STARTING),
    *(CUT, ANSWER_LOST, fails_after_with(500)),
)
"""What passes when one asks again."""


def fails_often(seed: int, *, share: float = 1 / 3, faults: Sequence[Fault] = MIX) -> Plan:
    """Return a plan by which a share of all questions goes wrong, a third by default.

    The same seed gives the same faults for each kind of question, whatever else is asked meanwhile.
    """
    chances: dict[str, random.Random] = {}
    lock = threading.Lock()

    def plan(method: str, path: str) -> Fault | None:
        kind = f"{seed} {method} {_NUMBER.sub('/', path)}"
        with lock:
            chance = chances.setdefault(kind, random.Random(kind))
            return chance.choice(faults) if chance.random() < share else None

    return plan


def nothing(_method: str, _path: str) -> Fault | None:
    """Let nothing go wrong."""
    return None


_NUMBER = re.compile(r"/\d+$")
