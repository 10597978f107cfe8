r"""The JSON object in a webhook's body, also as Autobrr writes it. Pure.

Theory
    Autobrr fills the values into a template without escaping them, so a name with a quote or a
    backslash in it breaks the JSON around it. What is JSON is read as JSON. What is not is taken
    for a filled template: one flat object, in which a text ends where what must follow a text
    follows. Each text by itself may be escaped after all: that is what `toRawJson` is for.

What a template may hold that JSON may not
    In a text: quotes, backslashes and control characters.
    A text with a second pair of quotes around it, from `toRawJson` inside of quotes.
    A list of bytes as Go prints it, `[100 56 58]`. Inside of quotes it stays a text, for only the
    name of the field tells whether it is one.
    No value at all, `<no value>` or `<nil>`, which are null, and a comma behind the last field.

Where a text ends
    At the first quote behind which the object is closed, or behind which come a comma, the next
    name (1 to 64 characters without backslash and control character, in quotes) and a colon.

What cannot be told apart
    A text that holds such an end itself, such as `one", "two": three`, is cut there.
    A text that is valid JSON as it stands between its quotes, such as `C:\new`, is unescaped.
    A text with quotes around it, between which it is valid JSON, loses those quotes.
    A text behind which the comma is missing goes on to the end of the next text.

Guarantees
    Time and memory are linear in the body: no expression backtracks, and no character is looked at
    by more than a few searches. Any body gives an object or BadJson; a message repeats nothing of
    the body, which may hold passkeys. A name that comes twice is refused, and so is a number that
    no float can hold: what is meant by either cannot be told.
    Bytes that are no UTF-8 are read as Latin-1, each by itself, as those of a .torrent are.
"""

import json
import math
import re
from typing import Any

MOST_DIGITS = 308
"""Of a whole number; the largest that a float can hold has 309."""

_BOM = b"\xef\xbb\xbf"
_BLANKS = " \t\r\n"
_B = f"[{_BLANKS}]*+"
_QUOTED = r'"[^"\\\x00-\x1f]{1,64}"'
_BLANK = re.compile(_B)
_OPEN = re.compile(rf"{_B}\{{")
_CLOSE = re.compile(rf"{_B}\}}")
_COMMA = re.compile(rf"{_B},")
_NAME = re.compile(rf"{_B}({_QUOTED}){_B}:{_B}")
_END_OF_TEXT = re.compile(rf'"{_B}(?:,{_B}(?:{_QUOTED}{_B}:|\}}\Z)|\}}\Z)')
_BYTES = re.compile(rf"\[([0-9{_BLANKS}]*+)\]")
_NOTHING = re.compile(r"<no value>|<nil>|(?=[,}])")
_LATIN = {0xDC00 + byte: byte for byte in range(0x80, 0x100)}


class BadJson(ValueError):
    """A body that is neither JSON nor a filled template; the sentence says where and why."""

    def __init__(self, expected: str, line: int, column: int, byte: int) -> None:
        super().__init__(f"line {line}, column {column} (byte {byte}): expected {expected}")
        self.line = line
        self.column = column
        """In characters, from 1 like the line."""
        self.byte = byte
        """From 0, a byte order mark counted."""


class _Unexpected(ValueError):
    """What was expected, and the character where it was not; -1 for whoever is asking."""

    def __init__(self, expected: str, at: int = -1) -> None:
        super().__init__(expected)
        self.expected = expected
        self.at = at


def fields(body: bytes) -> dict[str, Any]:
    """Return the object in a body. Raises BadJson."""
    text = _text(body)
    try:
        found = _strictly(text)
        return found if isinstance(found, dict) else _leniently(text)
    except _Unexpected as problem:
        raise _bad(problem, body) from None


def _text(body: bytes) -> str:
    """Return the text, one character of Latin-1 for each byte that is no UTF-8."""
    try:
        return body.removeprefix(_BOM).decode()
    except UnicodeDecodeError:
        return _escaped(body).translate(_LATIN)


def _escaped(body: bytes) -> str:
    return body.removeprefix(_BOM).decode("utf-8", "surrogateescape")


def _bad(problem: _Unexpected, body: bytes) -> BadJson:
    before = _escaped(body)[: problem.at]
    size = len(before.encode("utf-8", "surrogateescape"))
    mark = len(_BOM) if body.startswith(_BOM) else 0
    column = len(before) - before.rfind("\n")
    return BadJson(problem.expected, before.count("\n") + 1, column, mark + size)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Unexpected("an object whose names differ")
    return found


def _whole(digits: str) -> int:
    if len(digits.lstrip("-")) > MOST_DIGITS:
        raise _Unexpected(f"a number of at most {MOST_DIGITS} digits")
    return int(digits)


def _fraction(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise _Unexpected("a number that is not that large")
    return number


def _constant(_name: str) -> None:
    raise _Unexpected("a number as JSON writes it")


_JSON = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=_whole,
    parse_float=_fraction,
    parse_constant=_constant,
)


def _strictly(text: str) -> Any:
    """Return what the JSON says; None when it is none, for the other reader finds out where."""
    try:
        return _JSON.decode(text)
    except (ValueError, RecursionError):
        return None


def _leniently(text: str) -> dict[str, Any]:
    text = text.rstrip(_BLANKS)
    opened = _OPEN.match(text)
    if not opened:
        raise _Unexpected("an object, which begins with {", _skipped(text, 0))
    found: dict[str, Any] = {}
    at = opened.end()
    while not (closed := _CLOSE.match(text, at)):
        name, at = _name(text, at, found)
        found[name], at = _value(text, at)
        at = _separated(text, at)
    if closed.end() != len(text):
        raise _Unexpected("nothing more behind the object", _skipped(text, closed.end()))
    return found


def _name(text: str, at: int, known: dict[str, Any]) -> tuple[str, int]:
    """Return a name, and where its value begins."""
    match = _NAME.match(text, at)
    if not match:
        raise _Unexpected("a name in quotes and a colon", _skipped(text, at))
    name = match[1][1:-1]
    if name in known:
        raise _Unexpected("a name that has not come before", match.start(1))
    return name, match.end()


def _separated(text: str, at: int) -> int:
    """Return where the next field begins, or the object's end stands."""
    if comma := _COMMA.match(text, at):
        return comma.end()
    if not _CLOSE.match(text, at):
        raise _Unexpected("a comma or the } that closes the object", _skipped(text, at))
    return at


def _skipped(text: str, at: int) -> int:
    """Return where the blanks end."""
    match = _BLANK.match(text, at)
    return match.end() if match else at


def _value(text: str, at: int) -> tuple[Any, int]:
    """Return the value that begins there, and where it ends."""
    if text.startswith('"', at):
        return _string(text, at)
    if listed := _BYTES.match(text, at):
        return _bytes(listed), listed.end()
    if nothing := _NOTHING.match(text, at):
        return None, nothing.end()
    try:
        return _JSON.raw_decode(text, at)
    except json.JSONDecodeError as problem:
        raise _Unexpected("a value as JSON writes it", problem.pos) from None
    except _Unexpected as problem:
        raise _Unexpected(problem.expected, at) from None
    except RecursionError:
        raise _Unexpected("a value that is not nested that deeply", at) from None


def _bytes(listed: re.Match[str]) -> bytes:
    try:
        return bytes(map(int, listed[1].split()))
    except ValueError:
        raise _Unexpected("a list of bytes, each from 0 to 255", listed.start()) from None


def _string(text: str, at: int) -> tuple[str, int]:
    if end := _END_OF_TEXT.search(text, at + 1):
        return _unescaped(text[at : end.start() + 1]), end.start() + 1
    try:
        # What follows it is wrong, and there the next one to look will say so.
        return _JSON.raw_decode(text, at)
    except json.JSONDecodeError:
        expected = "a text that ends with a quote, and then a comma or the } that closes the object"
        raise _Unexpected(expected, at) from None


def _unescaped(quoted: str) -> str:
    """Return a text without its quotes, unescaped if it was escaped."""
    inside = quoted[1:-1]
    for candidate in (quoted, inside):
        value = _strictly(candidate) if candidate[:1] == '"' == candidate[-1:] else None
        if isinstance(value, str):
            return value
    return inside
