"""The emulated qBittorrent as one Litestar application.

Reading order: `app` puts the routes together, `requests` is what happens before a route,
`application`, `auth`, `torrents`, `adding`, `actions`, `labels`, `limits` and `totals` are the
routes, `present` and `listing` turn torrents of ours into those of `wire`, `answers` is what goes
out.
"""

from collections.abc import Callable
from time import monotonic, time

from litestar import Litestar, Router, route
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException, NotFoundException
from litestar.types import ASGIApp

from api.qbittorrent import actions, adding, application, auth, labels, limits, torrents, totals
from api.qbittorrent.answers import (
    Refused,
    answer_bad_parameter,
    answer_http,
    answer_refused,
    answer_unavailable,
    answer_unexpected,
)
from api.qbittorrent.context import ApiConfig, Context, FetchTorrent
from api.qbittorrent.parameters import BadParameter
from api.qbittorrent.requests import (
    CONTEXT,
    READ,
    context_of,
    head_as_get,
    parameters_of,
    require_session,
)
from api.qbittorrent.sessions import Sessions
from engine.jobs.views import Torrents, Unavailable

MAX_BODY = 10 * 1024 * 1024
"""Bytes of one request. The largest .torrent files known have a few MiB."""


@route("/{rest:path}", http_method=READ)
async def unknown() -> None:
    """Refuse what qBittorrent has and we have not; who is not logged in hears 403 first."""
    raise NotFoundException


def create_app(
    served: Torrents,
    config: ApiConfig,
    *,
    fetch_torrent: FetchTorrent | None = None,
    clock: Callable[[], float] = time,
    session_clock: Callable[[], float] = monotonic,
) -> ASGIApp:
    """Return the ASGI application that serves `served` under /api/v2.

    `fetch_torrent` fetches .torrent files behind URLs; without it such URLs are refused.
    """
    context = Context(
        served,
        config,
        Sessions(clock=session_clock),
        clock=clock,
        fetch_torrent=fetch_torrent,
    )
    guarded = Router(
        "/",
        guards=[require_session],
        route_handlers=[
            application.router,
            auth.guarded,
            torrents.router,
            adding.router,
            actions.router,
            labels.router,
            limits.router,
            totals.router,
            unknown,
        ],
    )
    routes = Litestar(
        route_handlers=[Router("/api/v2", route_handlers=[auth.public, guarded])],
        dependencies={"context": Provide(context_of), "parameters": Provide(parameters_of)},
        exception_handlers={
            Refused: answer_refused,
            BadParameter: answer_bad_parameter,
            HTTPException: answer_http,
            Unavailable: answer_unavailable,
            Exception: answer_unexpected,
        },
        request_max_body_size=MAX_BODY,
        state=State({CONTEXT: context}),
        openapi_config=None,
        logging_config=None,
    )
    return head_as_get(routes)
