"""What web pages must not make a browser do here; programs are not asked for anything.

Theory
    Cross-site requests: any page may make the browser of somebody at home post a form to
    `http://nas:6500`. The browser names the page's origin in Origin, or in Referer, and no page can
    leave both out of a POST. So a request that names an origin has to name ours; programs name
    none.

    DNS rebinding: the page of `http://evil.example:6500` lets its own name lead to 192.168.1.5, and
    is then of our origin, as far as the browser can tell. But it still has to call us by its name,
    in Host. A name that nobody outside can register is no such name: an IP address, one without
    dots as Docker and routers give, one below `.local`, `.lan` and so on.

What passes as Host
    What cannot be such a name, and what the settings name. If they name something, nothing else.
    If they do not, any other name passes as well from what is no browser, and from everybody where
    a login is asked for: the session's cookie belongs to the right name, and the page does not get
    it. So a reverse proxy's public name needs a setting only in front of an open API, and there
    only for browsers.

How a browser is told
    By headers that a page cannot take away: Origin in a POST, and Accept-Language always. The fetch
    of Node.js sends an Accept-Language too; it sends Sec-Fetch-Mode without Sec-Fetch-Site, which
    no browser does and no page can ask for. (Sec-Fetch-Site itself comes with https and localhost
    only, so its absence says nothing.)

The refusal is 401, as qBittorrent's is. Nothing here depends on the port we listen on: a
container's port is mapped to another.
"""

import ipaddress
import logging
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

import msgspec

ANY = "*"
"""In the list of names: any name is ours."""

PRIVATE_SUFFIXES = (
    ".local", ".localhost", ".localdomain", ".lan", ".home", ".home.arpa", ".internal",
    ".intranet", ".private", ".corp", ".test",
)  # fmt: skip
"""Below these nobody can register a name: RFC 2606, 6762, 8375, 9476 and ICANN's SAC113, and those
ICANN put off for good because homes and companies use them."""

TOLD = 20
"""Different names that the log is told about: anybody can make up more."""

LONGEST_SHOWN = 100
"""Characters of a name in the log."""

_PORTS = {"http": 80, "https": 443}
_AUTHORITY = re.compile(r"[A-Za-z0-9._:\[\]-]*")
_WATCHED = frozenset(
    {
        b"host", b"origin", b"referer", b"x-forwarded-host", b"accept-language", b"user-agent",
        b"sec-fetch-site", b"sec-fetch-mode",
    }
)  # fmt: skip

logger = logging.getLogger("api.qbittorrent.browsers")


class Place(msgspec.Struct, frozen=True):
    """A host and a port, as a URL names them."""

    host: str
    """Lower case, without brackets and without a dot at the end."""
    port: int | None


class Browsers:
    """Decides which requests a web page may be behind. Used on the event loop's thread only."""

    def __init__(self, names: Iterable[str] = (), *, own: str = "", login: bool = False) -> None:
        """Know our names: `names` are those of the settings, `own` is this machine's.

        `login` tells that the API asks for one.
        """
        self._any = ANY in names
        self._exact = frozenset(name.lower() for name in names if not name.startswith("*"))
        self._suffixes = tuple(name[1:].lower() for name in names if name.startswith("*."))
        self._own = own.lower()
        self._login = login
        self._told: set[str] = set()

    def __repr__(self) -> str:
        return f"<Browsers names={len(self._exact) + len(self._suffixes)} any={self._any}>"

    def pass_on(self, method: str, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Return whether a request may go on; `headers` have lower-case names. Logs why not."""
        found = {
            name: value.decode("latin-1").strip() for name, value in headers if name in _WATCHED
        }
        host = found.get(b"host", "")
        if not self._is_our_name(host, found):
            self._tell("host", host)
            return False
        if not self._is_our_page(method, host, found):
            self._tell("page", found.get(b"origin") or found.get(b"referer", ""))
            return False
        return True

    def _is_our_name(self, host: str, found: dict[bytes, str]) -> bool:
        if self._any or not host:
            return True
        place = _place(host)
        if place is not None and (self._is_named(place.host) or self._is_private(place.host)):
            return True
        if self._exact or self._suffixes:
            return False
        return self._login or not may_be_a_browser(found)

    def _is_our_page(self, method: str, host: str, found: dict[bytes, str]) -> bool:
        page = found.get(b"origin") or found.get(b"referer")
        if not page:
            # Every browser that sends Sec-Fetch-Site names the origin of a POST.
            return found.get(b"sec-fetch-site") != "cross-site" or method in {"GET", "HEAD"}
        place, port = _page(page)
        if place is None:
            return False
        if self._is_named(place.host):
            return True
        # A page cannot set X-Forwarded-Host across origins, and after a rebinding Host is wrong.
        ours = [host, found.get(b"x-forwarded-host", "").partition(",")[0].strip()]
        return any(_is_same(place, port, _place(one)) for one in ours if one)

    def _is_named(self, name: str) -> bool:
        return name in self._exact or name.endswith(self._suffixes)

    def _is_private(self, name: str) -> bool:
        if "." not in name or name == self._own or name.endswith(PRIVATE_SUFFIXES):
            return True
        return _is_address(name)

    def _tell(self, what: str, name: str) -> None:
        """Log a refusal, once for each name."""
        # Only the name: what follows it in a Referer may be anything.
        place = _page(name)[0] if what == "page" else _place(name)
        shown = place.host[:LONGEST_SHOWN] if place else "?"
        if len(self._told) < TOLD and f"{what} {shown}" not in self._told:
            self._told.add(f"{what} {shown}")
            logger.warning("request=refused %s=%r reason=%r", what, shown, _REASONS[what])


_REASONS = {
    "host": "a browser asked for a name that anybody may own; if it is yours, put it in API_HOSTS",
    "page": "a web page of another site; if it is yours, put its name in API_HOSTS",
}


def may_be_a_browser(found: dict[bytes, str]) -> bool:
    """Return whether a web page can be behind a request; see the module's theory."""
    if b"sec-fetch-mode" in found and b"sec-fetch-site" not in found:
        return False
    if found.keys() & {b"origin", b"referer", b"sec-fetch-site", b"accept-language"}:
        return True
    return "mozilla/" in found.get(b"user-agent", "").lower()


def _page(text: str) -> tuple[Place | None, int]:
    """Return where a page is from, and the port that its scheme stands for."""
    scheme, separator, rest = text.partition("://")
    port = _PORTS.get(scheme.lower(), 0)
    if not separator or not port:
        return None, 0
    return _place(re.split(r"[/?#]", rest, maxsplit=1)[0]), port


def _place(authority: str) -> Place | None:
    """Read `host` or `host:port`; None when it is neither."""
    if not _AUTHORITY.fullmatch(authority):
        return None
    try:
        parts = urlsplit(f"//{authority}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    return Place(host.rstrip("."), port) if host else None


def _is_same(place: Place, default: int, other: Place | None) -> bool:
    """Compare places; one that names no port has the one its page's scheme stands for."""
    if other is None or place.host != other.host:
        return False
    return (place.port or default) == (other.port or default)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
