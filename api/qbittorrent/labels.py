"""torrents/...: categories and tags."""

from http import HTTPStatus

from litestar import Response

from api.qbittorrent import present
from api.qbittorrent.answers import Refused, json, text
from api.qbittorrent.context import Context
from api.qbittorrent.endpoints import Asked, acts, reads, under
from api.qbittorrent.parameters import Parameters
from api.qbittorrent.places import BadPlace, place
from api.qbittorrent.requests import whos_of
from api.qbittorrent.texts import valid
from engine.jobs.folders import checked_name
from engine.jobs.views import BadCategory, UnknownCategory
from engine.store.records import CategoryRecord


@reads("categories")
async def categories(context: Context) -> Response[bytes]:
    """List categories by name."""
    return json({one.name: present.category(one) for one in context.torrents.categories()})


@acts("createCategory")
async def create_category(context: Context, parameters: Parameters) -> Response[bytes]:
    """Create a category. To create one again as it is does nothing.

    qBittorrent answers 409 to that, which ends the test of a client that found it missing just
    before another one created it.
    """
    name, path = _named(parameters), parameters.text("savePath").strip()
    known = _category(context, name)
    if known is not None and path not in {"", known.save_path}:
        raise Refused(HTTPStatus.CONFLICT, "Unable to create category")
    try:
        if known is None:
            _check_place(context, path)
        await context.torrents.create_category(name, path)
    except (BadPlace, BadCategory) as error:
        raise Refused(HTTPStatus.CONFLICT, str(error)) from error
    return text()


@acts("editCategory")
async def edit_category(context: Context, parameters: Parameters) -> Response[bytes]:
    """Give a category another folder. One that it has already is refused, as in qBittorrent."""
    parameters.required("category")
    path = parameters.required("savePath").strip()
    known = _category(context, _named(parameters))
    if known is None or path == known.save_path:
        raise Refused(HTTPStatus.CONFLICT, "Unable to edit category")
    try:
        _check_place(context, path)
        await context.torrents.edit_category(known.name, path)
    except UnknownCategory as error:  # removed meanwhile
        raise Refused(HTTPStatus.CONFLICT, "Unable to edit category") from error
    except (BadPlace, BadCategory) as error:
        raise Refused(HTTPStatus.CONFLICT, str(error)) from error
    return text()


@acts("removeCategories")
async def remove_categories(context: Context, parameters: Parameters) -> Response[bytes]:
    """Remove categories, one per line."""
    parameters.required("categories")
    await context.torrents.remove_categories(parameters.lines("categories"))
    return text()


@acts("setCategory")
async def set_category(request: Asked, context: Context, parameters: Parameters) -> Response[bytes]:
    """Give torrents a category, or none. Where there is no torrent, any is right."""
    chosen, category = parameters.hashes(), parameters.required("category")
    try:
        await context.torrents.set_category(
            chosen, category, asking=context.looking.category(whos_of(request, context))
        )
    except UnknownCategory as error:
        if chosen is None or any(context.torrents.view(one) for one in chosen):
            raise Refused(HTTPStatus.CONFLICT, "Incorrect category name") from error
    return text()


@reads("tags")
async def tags(context: Context) -> Response[bytes]:
    """List tags."""
    return json([valid(tag) for tag in context.torrents.tags()])


@acts("createTags")
async def create_tags(context: Context, parameters: Parameters) -> Response[bytes]:
    """Create tags."""
    parameters.required("tags")
    await context.torrents.create_tags(parameters.commas("tags"))
    return text()


@acts("deleteTags")
async def delete_tags(context: Context, parameters: Parameters) -> Response[bytes]:
    """Forget tags and take them off all torrents."""
    parameters.required("tags")
    await context.torrents.delete_tags(parameters.commas("tags"))
    return text()


@acts("addTags")
async def add_tags(context: Context, parameters: Parameters) -> Response[bytes]:
    """Add tags to torrents."""
    chosen = parameters.hashes()
    parameters.required("tags")
    await context.torrents.add_tags(chosen, parameters.commas("tags"))
    return text()


@acts("removeTags")
async def remove_tags(context: Context, parameters: Parameters) -> Response[bytes]:
    """Take tags off torrents; all of them when none is named."""
    await context.torrents.remove_tags(parameters.hashes(), parameters.commas("tags"))
    return text()


def _named(parameters: Parameters) -> str:
    name = parameters.required("category").strip()
    if not name:
        raise Refused(HTTPStatus.BAD_REQUEST, "Category cannot be empty")
    try:
        return checked_name(name)
    except BadCategory as error:
        raise Refused(HTTPStatus.CONFLICT, "Incorrect category name") from error


def _check_place(context: Context, path: str) -> None:
    if path:
        complete, unfinished = context.torrents.save_path, context.config.unfinished_path
        place(path, complete=complete, unfinished=unfinished)


def _category(context: Context, name: str) -> CategoryRecord | None:
    return next((one for one in context.torrents.categories() if one.name == name), None)


ENDPOINTS = under(
    "torrents",
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
)
