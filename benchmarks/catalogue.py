"""All situations, in the order of their numbers."""

import importlib

from benchmarks.situation import Situation

MODULES = ("fast", "lines", "faulty", "long", "polled", "idle", "webapi", "hdd_situations")


def situations() -> dict[int, Situation]:
    """Return the situations by number."""
    found = [
        situation
        for name in MODULES
        for situation in importlib.import_module(f"benchmarks.{name}").SITUATIONS
    ]
    return {situation.number: situation for situation in sorted(found, key=lambda one: one.number)}
