"""What is answered below /arrpush where nothing can be announced: what is to be set."""

from http import HTTPStatus

from litestar import HttpMethod, Response, route

from api.qbittorrent.answers import JSON

SAID = (
    b'{"error":"nothing can be announced here; set ALLDEBRID_API_KEY, and SONARR_URL with'
    b' SONARR_API_KEY or RADARR_URL with RADARR_API_KEY"}'
)


@route(["/arrpush", "/arrpush/{rest:path}"], http_method=list(HttpMethod), status_code=200)
async def arrpush() -> Response[bytes]:
    """Refuse whatever is asked."""
    return Response(SAID, media_type=JSON, status_code=HTTPStatus.SERVICE_UNAVAILABLE)
