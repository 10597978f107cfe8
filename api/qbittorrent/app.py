"""The emulated qBittorrent as one Litestar application.

Reading order: `app` puts the endpoints together, `requests` is what happens before one of them,
`endpoints` what they are made of. `application`, `preferred`, `auth`, `torrents`, `adding`,
`actions`, `queueing`, `renaming`, `moving`, `labels`, `pieces`, `swarm`, `limits`, `totals`,
`sync`, `log` and `absent` have them. `present` and `listing` turn torrents of ours into those of
`wire`, `answers` is what goes out.
"""

from collections.abc import Callable, Sequence
from time import monotonic, time
from typing import Any

from litestar import HttpMethod, Litestar, Request, Response, route
from litestar.datastructures import State
from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    PermissionDeniedException,
)
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp

from api.qbittorrent import (
    absent,
    actions,
    adding,
    application,
    auth,
    labels,
    limits,
    log,
    moving,
    pieces,
    preferred,
    queueing,
    renaming,
    swarm,
    sync,
    torrents,
    totals,
)
from api.qbittorrent.answers import (
    Refused,
    answer_bad_parameter,
    answer_http,
    answer_refused,
    answer_unavailable,
    answer_unexpected,
)
from api.qbittorrent.bans import Bans
from api.qbittorrent.bodies import read_to_the_end
from api.qbittorrent.browsers import Browsers
from api.qbittorrent.context import ApiConfig, Context, FetchTorrent, Releases, end_process
from api.qbittorrent.endpoints import table
from api.qbittorrent.parameters import BadParameter
from api.qbittorrent.quick import Handlers, quickly
from api.qbittorrent.requests import CONTEXT, head_as_get, may_pass, sent, watched
from api.qbittorrent.sessions import Sessions
from engine.jobs.views import Torrents, Unavailable

ENDPOINTS = table(
    (
        *application.ENDPOINTS,
        *preferred.ENDPOINTS,
        *auth.ENDPOINTS,
        *torrents.ENDPOINTS,
        *adding.ENDPOINTS,
        *actions.ENDPOINTS,
        *queueing.ENDPOINTS,
        *renaming.ENDPOINTS,
        *moving.ENDPOINTS,
        *labels.ENDPOINTS,
        *pieces.ENDPOINTS,
        *swarm.ENDPOINTS,
        *limits.ENDPOINTS,
        *totals.ENDPOINTS,
        *sync.ENDPOINTS,
        *log.ENDPOINTS,
        *absent.ENDPOINTS,
    )
)
"""What is answered, by path below /api/v2/."""


HANDLERS: Handlers = {
    Refused: answer_refused,
    BadParameter: answer_bad_parameter,
    HTTPException: answer_http,
    Unavailable: answer_unavailable,
    Exception: answer_unexpected,
}
"""What errors become."""


@route("/api/v2/{rest:path}", http_method=list(HttpMethod), status_code=200)
async def answer(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Let an endpoint answer. Who is not logged in hears 403 also where there is none."""
    context: Context = request.app.state[CONTEXT]
    endpoint = ENDPOINTS.get(request.path_params["rest"].strip("/"))
    if not (endpoint is not None and endpoint.public) and not may_pass(request, context):
        raise PermissionDeniedException
    if endpoint is None:
        raise NotFoundException
    if request.method not in endpoint.methods:
        raise MethodNotAllowedException(headers={"Allow": ", ".join(sorted(endpoint.methods))})
    return await endpoint.answer(request, context, await sent(request, context, endpoint))


def create_app(
    served: Torrents,
    config: ApiConfig,
    *,
    fetch_torrent: FetchTorrent | None = None,
    releases: Releases | None = None,
    others: Sequence[HTTPRouteHandler] = (),
    clock: Callable[[], float] = time,
    session_clock: Callable[[], float] = monotonic,
    sessions: Sessions | None = None,
    shutdown: Callable[[], None] = end_process,
) -> ASGIApp:
    """Return the ASGI application that serves `served` under /api/v2.

    `fetch_torrent` fetches .torrent files behind URLs; without it such URLs are refused. `shutdown`
    lets the service end. `releases` hears what is added. `others` are routes beside this API: what
    browsers must not do, and how requests are read, holds for them too.
    """
    context = Context(
        served,
        config,
        sessions or Sessions(clock=session_clock, lifetime=config.session_timeout),
        bans=Bans(limit=config.failed_logins, duration=config.ban_duration, clock=session_clock),
        clock=clock,
        fetch_torrent=fetch_torrent,
        releases=releases,
        shutdown=shutdown,
    )
    routes = Litestar(
        route_handlers=[answer, *others],
        exception_handlers={**HANDLERS},
        request_max_body_size=None,  # `bodies` counts, and answers in words
        state=State({CONTEXT: context}),
        openapi_config=None,
        logging_config=None,
    )
    browsers = Browsers(config.hosts, own=config.own_name, login=not config.open)
    return read_to_the_end(
        watched(quickly(head_as_get(routes), context, ENDPOINTS, HANDLERS), browsers),
        config.patience,
    )
