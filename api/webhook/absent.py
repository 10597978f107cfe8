"""What is answered below /arrpush where nothing can be announced: what is to be set.

Who announces looks at no answer, so it is in the log too.
"""

import logging
from http import HTTPStatus

import msgspec
from litestar import HttpMethod, Response, route
from litestar.handlers import HTTPRouteHandler

from api.qbittorrent.answers import JSON

SAID = (
    "nothing can be announced here; set ALLDEBRID_API_KEY, and SONARR_URL with SONARR_API_KEY or"
    " RADARR_URL with RADARR_API_KEY"
)

logger = logging.getLogger("api.webhook")


def routes() -> list[HTTPRouteHandler]:
    """Return routes that refuse whatever is asked, and say so in the log the first time."""
    told = False

    @route(["/arrpush", "/arrpush/{rest:path}"], http_method=list(HttpMethod), status_code=200)
    async def arrpush() -> Response[bytes]:
        nonlocal told
        if not told:
            logger.warning("webhook=refused reason=%r", SAID)
            told = True
        content = msgspec.json.encode({"error": SAID})
        return Response(content, media_type=JSON, status_code=HTTPStatus.SERVICE_UNAVAILABLE)

    return [arrpush]
