"""What differs between two answers to the same request. Pure.

Theory
    Programs that read a qBittorrent depend on the status, the content type, texts word for word,
    which keys an object has and what kind of JSON each value is. Values themselves differ between
    two servers (speeds, times, folders), so they are compared only where a case names them.

Rules
    * A whole number and a fraction are two kinds: programs with strict types refuse `1.0` where
      they expect a whole number. The other way round they take `1` for a fraction, so fields that
      are fractions in qBittorrent (`FRACTIONS`) may be either.
    * Lists are compared by length and element by element. Elements that have a hash, a name or a
      URL are first put in its order: only a case that names an order asks for it.
    * An element of a list is called `#` in a place, and so is what stands under a hash, so that a
      thousand like differences are one.
"""

import json
import re
from typing import Any

import msgspec

JSON = "application/json"

FRACTIONS = frozenset(
    {"progress", "ratio", "ratio_limit", "max_ratio", "share_ratio", "availability", "relevance"}
)
"""Fields that qBittorrent documents as floating point; whole values of them have no point there."""

IDENTITY = ("hash", "url", "name", "id", "value")
"""What tells the elements of a list apart, the first of these that all of them have."""

_HASH = re.compile(r"[0-9a-f]{40}")

SHOWN = 60
"""Characters of a text that a difference shows."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer as it came; `status` 0 is a connection that ended without one."""

    status: int
    headers: dict[str, str] = {}
    """Names in lower case."""
    body: bytes = b""

    @property
    def kind(self) -> str:
        """The content type in lower case, without blanks."""
        return self.headers.get("content-type", "").lower().replace(" ", "")

    @property
    def is_json(self) -> bool:
        return self.kind.partition(";")[0] == JSON

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "backslashreplace")

    @property
    def json(self) -> Any:
        """The body as JSON; None when it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


class Difference(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One thing that the two servers do not have in common."""

    what: str
    """`status`, `content type`, `body`, `header`, `missing key`, `extra key`, `JSON type`,
    `length`, `value`."""
    where: str = ""
    """Place in the JSON, such as `#/name`, or the name of a header; empty for the whole answer."""
    real: str = ""
    ours: str = ""

    def __str__(self) -> str:
        at = f" {self.where}" if self.where else ""
        if self.what in {"missing key", "extra key"}:
            return f"{self.what}{at}"
        return f"{self.what}{at}: {self.real} there, {self.ours} here"


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """What of two answers is compared besides status, content type and texts."""

    headers: tuple[str, ...] = ()
    """Headers whose values are compared."""
    values: tuple[str, ...] = ()
    """Fields whose values are compared; `*` for everything."""
    ordered: bool = False
    """Whether the order of a list counts."""
    shape: bool = True
    """Whether keys and types are compared; not where they depend on the moment."""
    lengths: bool = True
    """Whether the lengths of lists are compared."""


def differences(
    real: Answer,
    ours: Answer,
    compared: Compared = Compared(),  # noqa: B008 - it is frozen
) -> list[Difference]:
    """Return what differs, in a fixed order."""
    found: set[Difference] = set()
    if real.status != ours.status:
        found.add(_differs("status", "", real.status, ours.status))
    if real.kind != ours.kind:
        found.add(_differs("content type", "", real.kind or "none", ours.kind or "none"))
    for name in compared.headers:
        theirs, mine = real.headers.get(name, "none"), ours.headers.get(name, "none")
        if theirs != mine:
            found.add(_differs("header", name, theirs, mine))
    if real.is_json and ours.is_json:
        if compared.shape:
            found |= shape_differences(real.json, ours.json)
        if not compared.lengths:
            found = {each for each in found if each.what != "length"}
        found |= value_differences(real.json, ours.json, compared.values, ordered=compared.ordered)
    elif real.body != ours.body:
        found.add(_differs("body", "", _shown(real), _shown(ours)))
    return sorted(found)


def shape_differences(real: Any, ours: Any, where: str = "") -> set[Difference]:
    """Return the keys that one lacks, and values of different kinds."""
    theirs, mine = kind_of(real), kind_of(ours)
    if theirs != mine:
        if {theirs, mine} == {"int", "float"} and where.rpartition("/")[2] in FRACTIONS:
            return set()
        return {_differs("JSON type", where, theirs, mine)}
    if isinstance(real, dict):
        return _object_differences(real, ours, where)
    if isinstance(real, list):
        return _list_differences(real, ours, where)
    return set()


def value_differences(
    real: Any, ours: Any, fields: tuple[str, ...], *, ordered: bool = False
) -> set[Difference]:
    """Compare the named fields of an object, or of each element; `*` is everything.

    The order of a list counts only when it is `ordered`.
    """
    if not fields:
        return set()
    theirs, mine = (
        picked(value if ordered else put_in_order(value), fields) for value in (real, ours)
    )
    if theirs == mine:
        return set()
    return {
        Difference(what="value", where=", ".join(fields), real=_brief(theirs), ours=_brief(mine))
    }


def picked(value: Any, fields: tuple[str, ...]) -> Any:
    """Return a value with only the named fields of its objects, as far as they have them."""
    if fields == ("*",):
        return value
    if isinstance(value, list):
        return [picked(element, fields) for element in value]
    if isinstance(value, dict):
        if any(name in value for name in fields) or not _holds_objects(value):
            return {name: value[name] for name in fields if name in value}
        return {key: picked(element, fields) for key, element in value.items()}
    return value


def put_in_order(value: Any) -> Any:
    """Return a list in the order of what identifies its elements; anything else as it is."""
    if not isinstance(value, list):
        return value
    name = _identity(value, [])
    return sorted(value, key=lambda one: str(one[name]) if name else _brief(one))


def kind_of(value: Any) -> str:
    """Name the JSON type of a value."""
    match value:
        case None:
            return "null"
        case bool():
            return "bool"
        case int() | float() | str():
            return type(value).__name__
        case list():
            return "array"
        case _:
            return "object"


def _object_differences(real: dict[str, Any], ours: dict[str, Any], where: str) -> set[Difference]:
    found = {
        Difference(what="missing key", where=_below(where, key))
        for key in real.keys() - ours.keys()
    }
    found |= {
        Difference(what="extra key", where=_below(where, key)) for key in ours.keys() - real.keys()
    }
    for key in real.keys() & ours.keys():
        found |= shape_differences(real[key], ours[key], _below(where, key))
    return found


def _list_differences(real: list[Any], ours: list[Any], where: str) -> set[Difference]:
    found: set[Difference] = set()
    if len(real) != len(ours):
        found.add(_differs("length", where, len(real), len(ours)))
    if _identity(real, ours):
        real, ours = put_in_order(real), put_in_order(ours)
    for theirs, mine in zip(real, ours, strict=False):
        found |= shape_differences(theirs, mine, _below(where, "#"))
    return found


def _identity(real: list[Any], ours: list[Any]) -> str:
    both = [*real, *ours]
    if not both or not all(isinstance(element, dict) for element in both):
        return ""
    return next((name for name in IDENTITY if all(name in element for element in both)), "")


def _holds_objects(value: dict[str, Any]) -> bool:
    return bool(value) and all(isinstance(element, dict) for element in value.values())


def _below(where: str, key: str) -> str:
    key = "#" if _HASH.fullmatch(key) else key
    return f"{where}/{key}" if where else key


def _differs(what: str, where: str, real: object, ours: object) -> Difference:
    return Difference(what=what, where=where, real=str(real), ours=str(ours))


def _brief(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _shown(answer: Answer) -> str:
    text = answer.text if answer.kind.startswith(("text/", JSON)) else f"{len(answer.body)} bytes"
    return repr(text if len(text) <= SHOWN else text[:SHOWN] + "...")
