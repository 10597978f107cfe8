"""torrents/...: categories and tags."""

from http import HTTPStatus

from litestar import Response, Router, post, route

from api.qbittorrent import present
from api.qbittorrent.answers import Refused, json, text
from api.qbittorrent.context import Context
from api.qbittorrent.parameters import Parameters
from api.qbittorrent.places import BadPlace, place
from api.qbittorrent.requests import READ, Sent, Served
from engine.jobs.views import BadCategory, UnknownCategory
from engine.store.records import CategoryRecord


@route("/categories", http_method=READ, status_code=200)
async def categories(context: Served) -> Response[bytes]:
    """List categories by name."""
    return json({one.name: present.category(one) for one in context.torrents.categories()})


@post("/createCategory", status_code=200)
async def create_category(context: Served, parameters: Sent) -> Response[bytes]:
    """Create a category. To create one again as it is does nothing.

    qBittorrent answers 409 to that, which ends the test of a client that found it missing just
    before another one created it.
    """
    name, path = _named(parameters), parameters.text("savePath")
    known = _category(context, name)
    if known is not None and path not in {"", known.save_path}:
        raise Refused(HTTPStatus.CONFLICT, "Unable to create category")
    try:
        if known is None and path.strip():
            _check_place(context, path.strip())
        await context.torrents.create_category(name, path)
    except (BadPlace, BadCategory) as error:
        raise Refused(HTTPStatus.CONFLICT, str(error)) from error
    return text()


@post("/editCategory", status_code=200)
async def edit_category(context: Served, parameters: Sent) -> Response[bytes]:
    """Accept a path that a category has already, refuse another one.

    Its torrents are in the folder it was created with, and nothing moves them.
    """
    known = _category(context, _named(parameters))
    if known is None or parameters.text("savePath") != known.save_path:
        raise Refused(HTTPStatus.CONFLICT, "Unable to edit category")
    return text()


@post("/removeCategories", status_code=200)
async def remove_categories(context: Served, parameters: Sent) -> Response[bytes]:
    """Remove categories, one per line."""
    parameters.required("categories")
    await context.torrents.remove_categories(parameters.lines("categories"))
    return text()


@post("/setCategory", status_code=200)
async def set_category(context: Served, parameters: Sent) -> Response[bytes]:
    """Give torrents a category, or none."""
    try:
        await context.torrents.set_category(parameters.hashes(), parameters.required("category"))
    except UnknownCategory as error:
        raise Refused(HTTPStatus.CONFLICT, "Incorrect category name") from error
    return text()


@route("/tags", http_method=READ, status_code=200)
async def tags(context: Served) -> Response[bytes]:
    """List tags."""
    return json(context.all_tags())


@post("/createTags", status_code=200)
async def create_tags(context: Served, parameters: Sent) -> Response[bytes]:
    """Take note of tags."""
    parameters.required("tags")
    context.tags.update(parameters.commas("tags"))
    return text()


@post("/deleteTags", status_code=200)
async def delete_tags(context: Served, parameters: Sent) -> Response[bytes]:
    """Forget tags and take them off all torrents."""
    parameters.required("tags")
    if named := parameters.commas("tags"):
        await context.torrents.remove_tags(None, named)
        context.tags.difference_update(named)
    return text()


@post("/addTags", status_code=200)
async def add_tags(context: Served, parameters: Sent) -> Response[bytes]:
    """Add tags to torrents."""
    chosen, named = parameters.hashes(), parameters.commas("tags")
    await context.torrents.add_tags(chosen, named)
    context.tags.update(named)
    return text()


@post("/removeTags", status_code=200)
async def remove_tags(context: Served, parameters: Sent) -> Response[bytes]:
    """Take tags off torrents; all of them when none is named."""
    await context.torrents.remove_tags(parameters.hashes(), parameters.commas("tags"))
    return text()


def _named(parameters: Parameters) -> str:
    name = parameters.text("category").strip()
    if not name:
        raise Refused(HTTPStatus.BAD_REQUEST, "Category name cannot be empty")
    return name


def _check_place(context: Context, path: str) -> None:
    place(path, complete=context.torrents.save_path, unfinished=context.config.unfinished_path)


def _category(context: Context, name: str) -> CategoryRecord | None:
    return next((one for one in context.torrents.categories() if one.name == name), None)


router = Router(
    "/torrents",
    route_handlers=[
        categories,
        create_category,
        edit_category,
        remove_categories,
        set_category,
        tags,
        create_tags,
        delete_tags,
        add_tags,
        remove_tags,
    ],
)
