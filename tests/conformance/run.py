"""Plays scenes on both servers and says, case by case, what differs and which of it is intended."""

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from string import Template
from typing import Any

import msgspec

from tests.conformance.calls import Door, filled, tidied
from tests.conformance.cases import Case, Look, Scene
from tests.conformance.client import answer_of
from tests.conformance.compare import (
    Answer,
    Difference,
    differences,
    picked,
    put_in_order,
    value_differences,
)
from tests.conformance.intended import Intended, explained
from tests.conformance.servers import answers, until
from tests.conformance.stage import Stage

LOOK = 3.0
"""Seconds until what a call did is seen at the latest: the real server does most of it later."""

QUIET = 1.0
"""Seconds without a change on either side after which nothing more is waited for."""

PHASES = {
    "pausedDL": "paused",
    "pausedUP": "paused, complete",
    "stoppedDL": "paused",
    "stoppedUP": "paused, complete",
    "error": "error",
    "missingFiles": "error",
    "checkingUP": "busy",
    "checkingDL": "busy",
    "checkingResumeData": "busy",
    "moving": "busy",
}
"""What the states have in common that two programs reach by different ways."""


class Told(msgspec.Struct, frozen=True):
    """A difference and why it is intended; an empty reason is none."""

    difference: Difference
    reason: str


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one case."""

    endpoint: str
    case: str
    told: tuple[Told, ...] = ()

    @property
    def unexplained(self) -> tuple[Told, ...]:
        return tuple(told for told in self.told if not told.reason)


def play(stage: Stage, scenes: Sequence[Scene], used: set[Intended]) -> Iterator[Row]:
    """Play scenes; `used` gathers the explanations that were needed."""
    for scene in scenes:
        with stage.opened() if scene.open else contextlib.nullcontext(stage) as place:
            place.begin(scene)
            for case in scene.cases:
                yield told(case.endpoint, case.name, compared(place, case), used)


def told(endpoint: str, case: str, found: list[Difference], used: set[Intended]) -> Row:
    """Put differences beside their explanations."""
    row = []
    for difference in found:
        why = explained(endpoint, case, difference)
        if why is not None:
            used.add(why)
        row.append(Told(difference, why.reason if why else ""))
    return Row(endpoint=endpoint, case=case, told=tuple(row))


def compared(stage: Stage, case: Case) -> list[Difference]:
    """Make the call to both servers and compare the answers, and then what it did."""
    for call in case.before:
        for door in stage.doors:
            door.send(call)
    real, ours = (tidied(_answer(door, case), door.names) for door in stage.doors)
    found = differences(real, ours, case.told)
    if case.look is not None:
        found += afterwards(stage, case.look)
    return found


def _answer(door: Door, case: Case) -> Answer:
    return door.send(case.call) if case.asks is None else answer_of(door, case.asks)


def afterwards(stage: Stage, look: Look) -> list[Difference]:
    """Compare what both servers show, as soon as it is the same or when time is up."""
    seen: list[Any] = [None, None]
    changed = time.monotonic()

    def settled() -> bool:
        nonlocal changed
        shown = [looked(door, look) for door in stage.doors]
        if shown != seen:
            seen[:], changed = shown, time.monotonic()
        same = not value_differences(*seen, ("*",), ordered=look.ordered)
        return not is_busy(seen[0]) and (same or time.monotonic() - changed > QUIET)

    until(settled, LOOK)
    found = value_differences(*seen, ("*",), ordered=look.ordered)
    return [msgspec.structs.replace(one, where=f"then {_named(look)}") for one in found]


def looked(door: Door, look: Look) -> Any:
    """Return what a server shows, as far as it is looked at."""
    if look.alive:
        return "still there" if answers(door.port) else "gone"
    if look.folder:
        return files_below(Template(look.folder).substitute(door.names))
    answer = tidied(door.get(look.path, **filled(look.query, door.names)), door.names)
    shown = shown_by(answer)
    return picked(shown if look.ordered else put_in_order(shown), look.fields)


def files_below(folder: str) -> list[str]:
    """Return the files in a folder and what is below it, by relative path."""
    found = (Path(below) / name for below, _, names in os.walk(folder) for name in names)
    return sorted(str(path.relative_to(folder)) for path in found)


def is_busy(shown: Any) -> bool:
    """Return whether a torrent is still being checked or moved."""
    elements = shown if isinstance(shown, list) else ()
    return any(isinstance(one, dict) and one.get("phase") == "busy" for one in elements)


def shown_by(answer: Answer) -> Any:
    """Return what an answer says: JSON or text, and its status where it is none of success."""
    if answer.status != 200:
        return f"{answer.status} {answer.text}"
    shown = answer.json if answer.is_json else answer.text
    for torrent in shown if isinstance(shown, list) else ():
        if isinstance(torrent, dict) and "state" in torrent:
            torrent["phase"] = PHASES.get(torrent["state"], "going on")
    return shown


def _named(look: Look) -> str:
    if look.alive:
        return "the process"
    if look.folder:
        return "on the disk"
    return look.path + (f" {', '.join(look.fields)}" if look.fields != ("*",) else "")
