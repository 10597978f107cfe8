"""Where a category's files go, and which category names and paths are acceptable."""

import os
from pathlib import Path

from engine.jobs.views import BadCategory


def checked_name(name: str) -> str:
    r"""Return a category name as it is, or raise BadCategory.

    The rules are Sonarr's: no `\`, no `//`, no `/` at either end; and no part that leaves the
    folder.
    """
    if not name or not name.strip():
        raise BadCategory("a category needs a name")
    if "\\" in name or "//" in name or name.startswith("/") or name.endswith("/"):
        raise BadCategory(
            f"the category name {name!r} must not hold '\\' or '//', nor begin or end with '/'"
        )
    if any(part in {".", ".."} for part in name.split("/")):
        raise BadCategory(f"the category name {name!r} must not hold '.' or '..' as a part")
    if not name.isprintable():
        raise BadCategory(f"the category name {name!r} must not hold control characters")
    if any(len(part.encode()) > 255 for part in name.split("/")):
        raise BadCategory(f"the category name {name!r} is too long for a folder")
    return name


def category_folder(complete: Path, name: str, save_path: str) -> Path:
    """Return the absolute folder of a category's finished files, or raise BadCategory.

    `save_path` is absolute, relative to `complete`, or empty for a folder of the category's name.
    """
    if "\0" in save_path:
        raise BadCategory(f"the save path of the category {name!r} must not hold a NUL character")
    if ".." in Path(save_path).parts:
        raise BadCategory(f"the save path {save_path!r} must not hold '..'")
    return Path(os.path.normpath(complete / (save_path.strip() or name)))
