"""auth/login and auth/logout.

The order of a login is qBittorrent's: a session that lives is answered `Ok.` whatever else was
sent, a banned address is refused without a look at the password, and only then it is compared.

An attempt without user name and password is refused and does not count as failed: it is no guess,
and there are programs that ask so before they are told what to send.
"""

import logging
from http import HTTPStatus

from litestar import Response

from api.qbittorrent.answers import Refused, text
from api.qbittorrent.context import Context
from api.qbittorrent.endpoints import Asked, acts, under
from api.qbittorrent.parameters import Parameters
from api.qbittorrent.requests import address_of, sids_of
from api.qbittorrent.sessions import drop_cookie, set_cookie

LARGEST_LOGIN = 64 * 1024
"""Bytes. Whoever sends more here has not shown yet that they may."""

BANNED = "Your IP address has been banned after too many failed authentication attempts."

logger = logging.getLogger("api.qbittorrent.auth")


@acts("login", largest=LARGEST_LOGIN, public=True)
async def login(request: Asked, context: Context, parameters: Parameters) -> Response[bytes]:
    """Start a session; a refused login is 200 `Fails.`, as in qBittorrent 4.5."""
    sid = next(filter(context.sessions.use, sids_of(request)), None)
    if sid is None and not _admitted(context, parameters, address_of(request, context)):
        return text("Fails.")
    # In an open API nobody asks for the SID, but there are clients that insist on getting one.
    return text("Ok.", headers={"Set-Cookie": set_cookie(sid or context.sessions.open())})


@acts("logout")
async def logout(request: Asked, context: Context) -> Response[bytes]:
    """End the session of the request."""
    for sid in sids_of(request):
        context.sessions.close(sid)
    return text(headers={"Set-Cookie": drop_cookie()})


def _admitted(context: Context, parameters: Parameters, client: str) -> bool:
    """Return whether user name and password are the right ones. Raises Refused for the banned."""
    if context.config.open:
        return True
    if context.bans.banned(client):
        raise Refused(HTTPStatus.FORBIDDEN, BANNED)
    username, password = parameters.text("username"), parameters.text("password")
    if context.config.login.admits(username, password):
        context.bans.succeeded(client)
        return True
    logger.warning("login=refused client=%s", client)
    if (username or password) and context.bans.failed(client):
        logger.warning("login=ban-begins client=%s seconds=%g", client, context.config.ban_duration)
    return False


ENDPOINTS = under("auth", login, logout)
