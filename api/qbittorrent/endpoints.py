"""The endpoints as a table: what each is called, how it may be asked, and what it works with.

Theory
    All of them want the same things: the request, the context, the parameters. Litestar models the
    parameters of each of its routes by itself, which takes 50 kB for each, more than all torrents
    of a usual service. So it is given one route, and what that leads to is looked up here.

Rules
    An endpoint is a coroutine that takes any of `request`, `context` and `parameters`, under these
    names. `reads` and `acts` make it one, `under` says in which group it is. What only reads may be
    asked with GET and POST, for there are clients that post everything; what changes something,
    with POST alone.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import msgspec
from litestar import Request, Response

from api.qbittorrent.context import Context
from api.qbittorrent.parameters import Parameters

Asked = Request[Any, Any, Any]
"""A request as an endpoint gets it."""

Answering = Callable[..., Awaitable[Response[bytes]]]

_GIVEN = frozenset({"request", "context", "parameters"})


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """What answers one or several paths."""

    paths: tuple[str, ...]
    """Below /api/v2/, without a slash at either end."""
    answering: Answering
    wants: frozenset[str]
    """Names of what `answering` takes."""
    reads: bool
    """True when it changes nothing."""
    largest: int | None = None
    """Bytes of a body, where it is not what the settings allow."""
    public: bool = False
    """True when nobody has to be logged in."""

    @property
    def methods(self) -> frozenset[str]:
        """How it may be asked; HEAD counts as GET."""
        return frozenset({"GET", "POST"} if self.reads else {"POST"})

    async def answer(self, request: Asked, context: Context, sent: Parameters) -> Response[bytes]:
        """Have it answer."""
        given = {"request": request, "context": context, "parameters": sent}
        return await self.answering(**{name: given[name] for name in self.wants})


def reads(*paths: str) -> Callable[[Answering], Endpoint]:
    """Return a decorator that makes a coroutine an endpoint that only reads."""
    return lambda answering: _endpoint(paths, answering, reads=True)


def acts(
    *paths: str, largest: int | None = None, public: bool = False
) -> Callable[[Answering], Endpoint]:
    """Return a decorator that makes a coroutine an endpoint that may change something."""
    return lambda answering: _endpoint(
        paths, answering, reads=False, largest=largest, public=public
    )


def under(group: str, *endpoints: Endpoint) -> tuple[Endpoint, ...]:
    """Return the endpoints with the name of a group before their paths."""
    return tuple(
        msgspec.structs.replace(one, paths=tuple(f"{group}/{path}" for path in one.paths))
        for one in endpoints
    )


def table(endpoints: Iterable[Endpoint]) -> dict[str, Endpoint]:
    """Return the endpoints by path. Raises ValueError when two have the same."""
    found: dict[str, Endpoint] = {}
    for one in endpoints:
        for path in one.paths:
            if path in found:
                raise ValueError(f"there are two endpoints {path}")
            found[path] = one
    return found


def _endpoint(paths: tuple[str, ...], answering: Answering, **more: Any) -> Endpoint:
    code = answering.__code__
    wants = frozenset(code.co_varnames[: code.co_argcount])
    if not wants <= _GIVEN:
        raise TypeError(f"{code.co_name} wants {', '.join(sorted(wants - _GIVEN))}: nobody has it")
    return Endpoint(paths=paths, answering=answering, wants=wants, **more)
