"""AllDebrid's file tree as a flat list.

A folder is `{n, e: [...]}`, a file `{n, s, l}`; single files stand at the root without a folder.
The order is AllDebrid's whim, so the result is sorted; names are passed on as they are.
"""

from engine.alldebrid import lenient
from engine.alldebrid.values import RemoteFile

DEEPEST = 100
"""Levels of folders; what lies deeper is left out, no real torrent has them."""


def flatten(nodes: object) -> list[RemoteFile]:
    """Return all files of a tree, sorted by path. Files with the same path are all kept."""
    files: list[RemoteFile] = []
    todo: list[tuple[tuple[str, ...], object]] = [((), nodes)]
    while todo:
        folder, entries = todo.pop()
        for node in lenient.objects(entries, "n"):
            path = (*folder, lenient.text(node.get("n")))
            if "e" not in node:
                link = lenient.text(node.get("l"))
                files.append(RemoteFile(path, lenient.size(node.get("s")), link))
            elif len(path) < DEEPEST:
                todo.append((path, node["e"]))
    return sorted(files, key=lambda file: (file.path, file.link))
