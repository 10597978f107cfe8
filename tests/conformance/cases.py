"""What a case is, and the cases that every endpoint has."""

from typing import Any

import msgspec

from tests.conformance.calls import Call
from tests.conformance.compare import Compared

NOBODYS = "00112233445566778899aabbccddeeff00112233"
"""A hash that no torrent has."""


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What is read afterwards, to see what a call did: both servers must come to show the same."""

    path: str = "torrents/info"
    query: dict[str, str] = {}
    fields: tuple[str, ...] = ("*",)
    """The fields whose values are compared; `*` for everything, `phase` for what the state says."""
    ordered: bool = False
    """Whether the order of a list counts."""
    alive: bool = False
    """Looked at instead of `path`: whether the server is still there."""
    folder: str = ""
    """Looked at instead of `path`: the files below a folder on the disk."""


class Asked(msgspec.Struct, frozen=True):
    """A method of the qbittorrent-api package, and its arguments."""

    method: str
    kwargs: dict[str, Any]


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One call to both servers."""

    endpoint: str
    name: str
    before: tuple[Call, ...] = ()
    """What is done first, without a comparison."""
    call: Call = Call(path="")
    asks: Asked | None = None
    """What is called instead of `call`."""
    told: Compared = Compared()
    """What of the answers is compared."""
    look: Look | None = None


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """Cases in order, from one state: the standing torrents, and new ones of these names.

    Before a scene there are no categories, tags and limits; `first` are calls that set it.
    """

    name: str
    torrents: tuple[str, ...] = ()
    open: bool = False
    """Whether both servers ask for no login here."""
    held: tuple[str, ...] = ()
    """Torrents that cases add without pausing them: AllDebrid has to know them."""
    complete: tuple[str, ...] = ()
    """Torrents that both servers have all of when the scene begins."""
    first: tuple[Call, ...] = ()
    cases: tuple[Case, ...] = ()


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint of the Web API, and how it is called rightly and wrongly."""

    path: str
    post: bool = False
    """Whether qBittorrent refuses GET."""
    good: dict[str, str] = {}
    """Parameters of a good call."""
    optional: frozenset[str] = frozenset()
    """Those of `good` that may be left out."""
    hash: str = ""
    """The parameter that holds a hash; empty for none."""
    many: bool = False
    """Whether it takes several hashes and `all`."""
    wrong: dict[str, dict[str, str]] = {}
    """Parameters put over `good`, by the name of what is wrong with them."""
    look: Look | None = None
    told: Compared = Compared()
    """What of the answers is compared."""
    torrents: tuple[str, ...] = ()
    """Torrents of the scene besides `paused`, `waiting` and `spare`."""
    first: tuple[Call, ...] = ()


TROUPE = ("paused", "waiting", "spare")
"""The torrents that a scene with hashes has. Calls that should fail are about `spare`."""


def scene_of(endpoint: Endpoint) -> Scene:
    """Return the scene that tries one endpoint in every way."""
    return Scene(
        name=endpoint.path,
        torrents=(TROUPE if endpoint.hash else ()) + endpoint.torrents,
        first=endpoint.first,
        cases=tuple(cases_of(endpoint)),
    )


def cases_of(endpoint: Endpoint) -> list[Case]:
    """Return what every endpoint is tried with: first what should fail, then what should work."""
    return [*_refused(endpoint), *_wrong(endpoint), *_hashes(endpoint), *_good(endpoint)]


def _refused(endpoint: Endpoint) -> list[Case]:
    harmless = _with(endpoint, {endpoint.hash: NOBODYS} if endpoint.hash else {})
    other = "GET" if endpoint.post else "POST"
    return [
        _case(endpoint, f"{other} instead", harmless, method=other),
        _case(endpoint, "PUT instead", harmless, method="PUT"),
        _case(endpoint, "no session", harmless, session="none"),
        _case(endpoint, f"{other} instead, no session", harmless, method=other, session="none"),
        _case(endpoint, "unknown session", harmless, session="unknown"),
    ]


def _wrong(endpoint: Endpoint) -> list[Case]:
    spare = _with(endpoint, {endpoint.hash: "$spare"} if endpoint.hash else {})
    cases = [_case(endpoint, "no parameters", {})] if endpoint.good else []
    if len(endpoint.good) > 1:
        cases += [
            _case(endpoint, f"without {name}", {key: spare[key] for key in spare if key != name})
            for name in endpoint.good
        ]
    cases += [
        _case(endpoint, name, {**spare, **changed}, look=endpoint.look)
        for name, changed in endpoint.wrong.items()
    ]
    return cases


def _hashes(endpoint: Endpoint) -> list[Case]:
    if not endpoint.hash:
        return []
    wrong = {"unknown hash": NOBODYS, "no hash": "xyz", "empty hash": ""}
    if not endpoint.many:
        wrong |= {"two hashes": "$paused|$spare", "all": "all"}
    return [
        _case(endpoint, name, _with(endpoint, {endpoint.hash: value}))
        for name, value in wrong.items()
    ]


def _good(endpoint: Endpoint) -> list[Case]:
    cases = [_case(endpoint, "good", endpoint.good, look=endpoint.look)]
    if endpoint.hash:
        upper = _with(endpoint, {endpoint.hash: "$PAUSED"})
        cases.append(_case(endpoint, "upper-case hash", upper, look=endpoint.look))
    if endpoint.many:
        several = {
            "several": "$paused|$waiting",
            "one unknown": f"$waiting|{NOBODYS}",
            "all": "all",
        }
        cases += [
            _case(endpoint, name, _with(endpoint, {endpoint.hash: value}), look=endpoint.look)
            for name, value in several.items()
        ]
    return cases


def _with(endpoint: Endpoint, changed: dict[str, str]) -> dict[str, str]:
    return {**endpoint.good, **changed}


def _case(
    endpoint: Endpoint,
    name: str,
    parameters: dict[str, str],
    *,
    method: str = "",
    session: str = "valid",
    look: Look | None = None,
) -> Case:
    method = method or ("POST" if endpoint.post else "GET")
    call = Call(
        path=endpoint.path,
        method=method,
        query={} if method == "POST" else parameters,
        form=parameters if method == "POST" else None,
        session=session,
    )
    return Case(
        endpoint=endpoint.path,
        name=name,
        call=call,
        told=endpoint.told,
        look=look,
    )
