"""What the value of a setting may be: parsers that say what they accept.

A kind turns text into a value and a value back into text. It never sees the name of the setting:
`api.settings` puts name, value and reason into one line.
"""

import contextlib
import ipaddress
import re
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

import msgspec

from api.qbittorrent.peers import Network
from api.sizes import BadSize, format_size, parse_rate, parse_size
from engine.alldebrid.address import is_private

TRUE = frozenset({"true", "1", "yes", "on"})
FALSE = frozenset({"false", "0", "no", "off"})

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""What ends a line or is no text; not `isprintable`, which minds letters newer than Python."""

HOST_NAME = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")


SHORTEST_TOKEN = 16
LONGEST_TOKEN = 200
"""Characters."""


class BadValue(ValueError):
    """The text is not acceptable; the message says why and never repeats the text."""


class Kind(msgspec.Struct, frozen=True):
    """One kind of value."""

    accepts: str
    """What is accepted, as it stands in messages and in the README."""
    parse: Callable[[str], Any]
    """Text, stripped and not empty, to a value; raises BadValue."""
    show: Callable[[Any], str] = str
    """A value to the text that would give it."""
    empty: Any = ""
    """The value of a setting that is neither set nor has a default."""


def size(smallest: str, largest: str) -> Kind:
    """Return the kind of byte counts from `smallest` to `largest`."""

    def parse(text: str) -> int:
        try:
            value = parse_size(text)
        except BadSize as error:
            raise BadValue(str(error)) from None
        _check_within(value, parse_size(smallest), parse_size(largest))
        return value

    return Kind(f"a size from {smallest} to {largest}", parse, format_size)


def rate(smallest: str, largest: str) -> Kind:
    """Return the kind of bytes per second from `smallest` to `largest`; 0 for as many as come."""

    def parse(text: str) -> int:
        try:
            value = parse_rate(text)
        except BadSize as error:
            raise BadValue(str(error)) from None
        if value:
            _check_within(value, parse_size(smallest), parse_size(largest))
        return value

    return Kind(f"a size a second from {smallest} to {largest}, `0` for none", parse, format_size)


def whole(smallest: int, largest: int, remark: str = "") -> Kind:
    """Return the kind of whole numbers from `smallest` to `largest`."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII):
            raise BadValue("not a whole number")
        _check_within(int(text), smallest, largest)
        return int(text)

    return Kind(f"{smallest} to {largest}{remark}", parse)


def seconds(smallest: float, largest: float) -> Kind:
    """Return the kind of durations in seconds, fractions allowed."""

    def parse(text: str) -> float:
        if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text, re.ASCII):
            raise BadValue("not a number of seconds")
        _check_within(float(text), smallest, largest)
        return float(text)

    return Kind(f"seconds, {smallest:g} to {largest:g}", parse, lambda value: f"{value:g}")


def switch() -> Kind:
    """Return the kind of what is on or off."""

    def parse(text: str) -> bool:
        word = text.lower()
        if word not in TRUE | FALSE:
            raise BadValue("neither true nor false")
        return word in TRUE

    return Kind("`true` or `false`", parse, lambda value: "true" if value else "false", empty=False)


def choice(*words: str) -> Kind:
    """Return the kind of one word out of a few, in any letter case."""
    known = {word.lower(): word for word in words}

    def parse(text: str) -> str:
        if text.lower() not in known:
            raise BadValue("not one of the words")
        return known[text.lower()]

    return Kind(", ".join(f"`{word}`" for word in words), parse)


def folder() -> Kind:
    """Return the kind of folders, made absolute; they need not exist."""
    return Kind("a path", lambda text: Path(_printable(text)).absolute())


def folders() -> Kind:
    """Return the kind of lists of folders, made absolute; they need not exist."""

    def parse(text: str) -> tuple[Path, ...]:
        found = [Path(_printable(word)).absolute() for word in text.split(":") if word.strip()]
        return tuple(dict.fromkeys(found))

    def show(value: tuple[Path, ...]) -> str:
        return ":".join(map(str, value))

    return Kind("paths with colons between", parse, show, empty=())


def line_of_text() -> Kind:
    """Return the kind of any printable text."""
    return Kind("any text", _printable)


def api_key(origin: str) -> Kind:
    """Return the kind of API keys: what can stand in an HTTP header without quotes."""

    def parse(text: str) -> str:
        if not re.fullmatch(r"[!-~]+", text):
            raise BadValue("has a blank or a character that no key has")
        return text

    return Kind(f"a key from {origin}", parse)


def token() -> Kind:
    """Return the kind of tokens: long enough that guessing is hopeless, and plain in any URL."""

    def parse(text: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9._~-]+", text):
            raise BadValue("has other characters than letters, digits, `-`, `.`, `_` and `~`")
        _check_within(len(text), SHORTEST_TOKEN, LONGEST_TOKEN)
        return text

    return Kind(f"{SHORTEST_TOKEN} to {LONGEST_TOKEN} letters, digits, `-`, `.`, `_` or `~`", parse)


def host() -> Kind:
    """Return the kind of addresses to listen on."""

    def parse(text: str) -> str:
        with contextlib.suppress(ValueError):
            return str(ipaddress.ip_address(text))
        if not HOST_NAME.fullmatch(text) or re.fullmatch(r"[0-9.]+", text):
            raise BadValue("not an address")
        return text

    return Kind("an IP address or a host name", parse)


def host_names() -> Kind:
    """Return the kind of lists of host names, `*.name` for all below one, `*` for any."""

    def parse(text: str) -> tuple[str, ...]:
        words = _words(text)
        for word in words:
            if word != "*" and not HOST_NAME.fullmatch(word.removeprefix("*.")):
                raise BadValue("not a list of host names")
        return tuple(dict.fromkeys(word.lower().rstrip(".") for word in words))

    return Kind("host names with commas between, `*.name`, `*` for any", parse, ",".join, empty=())


def networks() -> Kind:
    """Return the kind of lists of IP addresses and networks."""

    def parse(text: str) -> tuple[Network, ...]:
        try:
            found = [ipaddress.ip_network(word, strict=False) for word in _words(text)]
        except ValueError:
            raise BadValue("not a list of IP addresses and networks") from None
        return tuple(dict.fromkeys(found))

    def show(value: tuple[Network, ...]) -> str:
        return ",".join(str(network) for network in value)

    return Kind("IP addresses and networks with commas between", parse, show, empty=())


def _plain_url(text: str) -> SplitResult:
    """Read an http or https URL of scheme, host, port and path. Raises BadValue."""
    try:
        url = urlsplit(text)
        name, _port = url.hostname, url.port
    except ValueError:
        raise BadValue("not a URL") from None
    if url.scheme not in {"http", "https"} or not name or not re.fullmatch(r"[!-~]+", text):
        raise BadValue("not an http or https URL")
    if "@" in url.netloc or "?" in text or "#" in text:
        raise BadValue("has more than scheme, host, port and path")
    return url


def base_url() -> Kind:
    """Return the kind of base URLs of an API: https, or http to a private address."""

    def parse(text: str) -> str:
        url = _plain_url(text)
        if url.scheme == "http" and not is_private(url.hostname or ""):
            raise BadValue("plain http leaves this network, and the key with it")
        if re.search(r"/v[0-9.]+/*$", url.path):
            raise BadValue("ends in a version, which is added by itself")
        return text.rstrip("/")

    return Kind(
        "an https URL without `/v4`; http only for loopback and private IP addresses", parse
    )


def own_url() -> Kind:
    """Return the kind of addresses that others reach this service by."""

    def parse(text: str) -> str:
        if _plain_url(text).path.rstrip("/").endswith("/arrpush"):
            raise BadValue("ends in `/arrpush`, which is added by itself")
        return text.rstrip("/")

    return Kind("an http or https URL", parse)


def program_url() -> Kind:
    """Return the kind of addresses of other programs, which may be anywhere."""

    def parse(text: str) -> str:
        url = _plain_url(text)
        if re.search(r"/api(/v[0-9]+)?/*$", url.path):
            raise BadValue("ends in `/api`, which is added by itself")
        return text.rstrip("/")

    return Kind("an http or https URL, with the URL base where there is one", parse)


def certificates() -> Kind:
    """Return the kind of files of trusted certificates; the file is read to prove it."""

    def parse(text: str) -> Path:
        path = Path(_printable(text)).absolute()
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
        except ssl.SSLError:
            raise BadValue("holds no certificate in PEM form") from None
        except OSError as error:
            raise BadValue(f"cannot be read ({error.strerror})") from None
        return path

    return Kind("a readable PEM file", parse, lambda path: str(path or ""), empty=None)


def _words(text: str) -> list[str]:
    return re.split(r"[\s,;]+", text.strip(" ,;"))


def _printable(text: str) -> str:
    if _CONTROLS.search(text):
        raise BadValue("has control characters")
    return text


def _check_within(value: float, smallest: float, largest: float) -> None:
    if value < smallest:
        raise BadValue("too small")
    if value > largest:
        raise BadValue("too large")
