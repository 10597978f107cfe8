"""search/... and rss/...: what there is none of, said as a qBittorrent without any says it.

What reads finds nothing, what removes finds nothing to remove. A search ends at once, without a
plugin to ask, and is gone. Feeds, folders and rules are refused: an answer of 200 would promise
that they are there the next time.
"""

from http import HTTPStatus

from litestar import Response

from api.qbittorrent.answers import Refused, json, text
from api.qbittorrent.endpoints import Endpoint, acts, reads
from api.qbittorrent.parameters import Parameters, digits

NO_RSS = "There is no RSS here"

ENDED_SEARCH = 1
"""The number of every search that is started."""


@reads("search/status")
async def search_status(parameters: Parameters) -> Response[bytes]:
    """List the searches that run: none. A number that is none asks for all."""
    if digits(parameters.text("id")):
        raise Refused(HTTPStatus.NOT_FOUND)
    return json([])


@reads("search/plugins")
async def search_plugins() -> Response[bytes]:
    """List the plugins: none."""
    return json([])


@acts("search/start")
async def search_start(parameters: Parameters) -> Response[bytes]:
    """Start a search that asks nobody and has ended."""
    for name in ("pattern", "category", "plugins"):
        parameters.required(name)
    return json({"id": ENDED_SEARCH})


@reads("search/results")
async def search_results(parameters: Parameters) -> Response[bytes]:
    """Refuse: the search is gone."""
    parameters.required("id")
    raise Refused(HTTPStatus.NOT_FOUND)


@acts("search/stop", "search/delete")
async def search_end(parameters: Parameters) -> Response[bytes]:
    """Refuse: the search is gone."""
    parameters.required("id")
    raise Refused(HTTPStatus.NOT_FOUND)


@reads("rss/items", "rss/rules")
async def rss_nothing() -> Response[bytes]:
    """List feeds or rules: none."""
    return json({})


@reads("rss/matchingArticles")
async def rss_matching(parameters: Parameters) -> Response[bytes]:
    """List the articles that match a rule: none."""
    parameters.required("ruleName")
    return json({})


@acts("rss/removeItem")
async def rss_remove(parameters: Parameters) -> Response[bytes]:
    """Refuse: there is no such item."""
    path = parameters.required("path")
    why = f"Item doesn't exist: {path}." if path else "Cannot delete root folder."
    raise Refused(HTTPStatus.CONFLICT, why)


@acts("rss/moveItem")
async def rss_move(parameters: Parameters) -> Response[bytes]:
    """Refuse: there is no such item."""
    path, _ = parameters.required("itemPath"), parameters.required("destPath")
    why = f"Item doesn't exist: {path}." if path else "Cannot move root folder."
    raise Refused(HTTPStatus.CONFLICT, why)


def _taken(path: str, *names: str) -> Endpoint:
    """Return an endpoint that asks for parameters and has nothing to do."""

    @acts(path)
    async def taken(parameters: Parameters) -> Response[bytes]:
        for name in names:
            parameters.required(name)
        return text()

    return taken


def _refused(path: str, *names: str) -> Endpoint:
    """Return an endpoint that asks for parameters and refuses what they say."""

    @acts(path)
    async def refused(parameters: Parameters) -> Response[bytes]:
        for name in names:
            parameters.required(name)
        raise Refused(HTTPStatus.CONFLICT, NO_RSS)

    return refused


ENDPOINTS = (
    search_status,
    search_plugins,
    search_start,
    search_results,
    search_end,
    _taken("search/installPlugin", "sources"),
    _taken("search/uninstallPlugin", "names"),
    _taken("search/enablePlugin", "names", "enable"),
    _taken("search/updatePlugins"),
    rss_nothing,
    rss_matching,
    rss_remove,
    rss_move,
    _taken("rss/refreshItem", "itemPath"),
    _taken("rss/markAsRead", "itemPath"),
    _taken("rss/removeRule", "ruleName"),
    _taken("rss/renameRule", "ruleName", "newRuleName"),
    _refused("rss/addFolder", "path"),
    _refused("rss/addFeed", "url", "path"),
    _refused("rss/setRule", "ruleName", "ruleDef"),
)
