"""Where each file of a torrent goes, and which of AllDebrid's files it is.

Theory
    With the .torrent, names and folders come from it, and AllDebrid's files are only looked up:
    its tree may lack the torrent's folder, and may spell names differently. Without it, AllDebrid's
    tree is all there is. Either way everything of a torrent lies under one `root`.

Guarantees
    The same input in another order gives the same layout (AllDebrid's order is not stable). A
    remote file serves at most one file, always one of its exact size; a match other than by path
    counts only when nothing else could be meant.
"""

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from typing import Protocol

import msgspec

from engine.jobs.paths import folded, safe_part, safe_path, unique
from engine.metainfo import MetaFile, Metainfo, is_padding_name
from engine.store.records import FileRecord

_NAMED_IN_MESSAGE = 3
"""Missing files that an error names; the rest it counts."""


class RemoteLike(Protocol):
    """A file as AllDebrid lists it."""

    @property
    def path(self) -> tuple[str, ...]:
        """Folders and name, untrusted; with or without the torrent's own folder."""

    @property
    def size(self) -> int:
        """Bytes."""

    @property
    def link(self) -> str:
        """AllDebrid's page link."""


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """One file and its place; padding has none."""

    index: int
    """Place in `Metainfo.files` (padding counts), or in the sorted tree. Files are downloaded in
    this order."""
    path: str
    """Safe relative path; its first part is the layout's root."""
    size: int
    link: str = ""
    """AllDebrid's page link; empty for an empty file of a known .torrent."""
    offset: int = 0
    """Where it begins in the stream of pieces; 0 when the .torrent is not known."""


class Layout(msgspec.Struct, frozen=True):
    """The places of a torrent's files, by ascending index."""

    root: str
    """Safe name of the single file or of the folder that holds all."""
    files: tuple[Placed, ...]

    def records(self, torrent: str) -> list[FileRecord]:
        """Return what the store keeps of these files; `torrent` is the infohash."""
        return [
            FileRecord(
                torrent=torrent, index=file.index, path=file.path, size=file.size, link=file.link
            )
            for file in self.files
        ]


class MissingFiles(Exception):
    """AllDebrid does not list files that the torrent has; `names` are safe paths."""

    def __init__(self, names: Sequence[str], total: int) -> None:
        self.names = tuple(names)
        if not names:
            super().__init__("AllDebrid lists no files for this torrent")
            return
        listed = ", ".join(self.names[:_NAMED_IN_MESSAGE])
        more = ", ..." if len(names) > _NAMED_IN_MESSAGE else ""
        super().__init__(
            f"AllDebrid does not list {len(names)} of the torrent's {total} files: {listed}{more}"
        )


def from_tree(name: str, remote: Sequence[RemoteLike]) -> Layout:
    """Lay out a torrent of which only AllDebrid's tree is known.

    `name` is the torrent's own name: it becomes the folder of several files, unless the tree has
    that folder already. Raises MissingFiles when there are no files.
    """
    files = [entry for entry in _entries(remote) if not is_padding_name(entry.path)]
    if not files:
        raise MissingFiles((), 0)
    above = () if _brings_root(name, files) else (safe_part(name),)
    paths = unique([safe_path((*above, *file.path)) for file in files])
    placed = (
        Placed(index=index, path=path, size=file.size, link=file.link)
        for index, (path, file) in enumerate(zip(paths, files, strict=True))
    )
    return Layout(_root(paths), tuple(placed))


def planned(meta: Metainfo) -> Layout:
    """Lay out a torrent by its .torrent alone: before AllDebrid has it, no file has a link."""
    wanted = {index: file for index, file in enumerate(meta.files) if not file.padding}
    above = () if meta.single_file else (safe_part(meta.name),)
    paths = unique([safe_path((*above, *file.path)) for file in wanted.values()])
    placed = (
        Placed(index=index, path=path, size=file.size, offset=file.offset)
        for (index, file), path in zip(wanted.items(), paths, strict=True)
    )
    return Layout(_root(paths), tuple(placed))


def from_metainfo(
    meta: Metainfo, remote: Sequence[RemoteLike], needless: Collection[int] = ()
) -> Layout:
    """Lay out a torrent by its .torrent and find each file's link.

    Raises MissingFiles when a file that has bytes is not in AllDebrid's tree, unless its index is
    among the `needless`.
    """
    layout = planned(meta)
    links = _links(
        {file.index: meta.files[file.index] for file in layout.files if file.size}, remote
    )
    there = {*links, *needless}
    lost = [file.path for file in layout.files if file.size and file.index not in there]
    if lost:
        raise MissingFiles(lost, len(layout.files))
    placed = (
        msgspec.structs.replace(file, link=links.get(file.index, "")) for file in layout.files
    )
    return Layout(layout.root, tuple(placed))


class _Entry(msgspec.Struct, frozen=True, order=True):
    """A file of AllDebrid's with at least one part of a path, none of them empty."""

    path: tuple[str, ...]
    size: int
    link: str


_Sized = _Entry | MetaFile
"""A file on either side of the matching."""


def _entries(remote: Sequence[RemoteLike]) -> list[_Entry]:
    """Return the files sorted, each path and size once."""
    entries: dict[tuple[tuple[str, ...], int], _Entry] = {}
    for entry in sorted(_Entry(_filled(file.path), file.size, file.link) for file in remote):
        entries.setdefault((entry.path, entry.size), entry)
    return list(entries.values())


def _filled(path: tuple[str, ...]) -> tuple[str, ...]:
    """Return the path without its empty parts; one that has no others is called `_`."""
    return tuple(part for part in path if part) or ("_",)


def _root(paths: Sequence[str]) -> str:
    return paths[0].partition("/")[0]


def _brings_root(name: str, files: Sequence[_Entry]) -> bool:
    """Say whether the tree needs no folder above it: a lone file, or the torrent's own folder."""
    if len(files) == 1 and len(files[0].path) == 1:
        return True
    top = _common_top(files)
    return bool(top) and (not name or folded(safe_part(top)) == folded(safe_part(name)))


def _common_top(files: Sequence[_Entry]) -> str:
    """Return the folder that all files lie in; "" when there is none."""
    tops = {file.path[0] if len(file.path) > 1 else "" for file in files}
    return tops.pop() if len(tops) == 1 else ""


def _exact(file: _Sized) -> Hashable:
    return file.path, file.size


def _same_place(file: _Sized) -> Hashable:
    return folded(safe_path(file.path)), file.size


def _same_name(file: _Sized) -> Hashable:
    return folded(safe_part(file.path[-1])), file.size


def _same_size(file: _Sized) -> Hashable:
    return file.size


_Likeness = Callable[[_Sized], Hashable]
_BY_PLACE: tuple[_Likeness, ...] = (_exact, _same_place)
_BY_ANYTHING: tuple[_Likeness, ...] = (*_BY_PLACE, _same_name, _same_size)
"""The surest first."""


def _links(needed: dict[int, MetaFile], remote: Sequence[RemoteLike]) -> dict[int, str]:
    """Return the link of each needed file that AllDebrid has."""
    entries = _entries(remote)
    views = [dict(enumerate(entries))]
    if _common_top(entries):
        # This may be the torrent's folder or one inside it: what fits better decides.
        views.append(
            {at: _Entry(file.path[1:], file.size, file.link) for at, file in views[0].items()}
        )
    view = max(views, key=lambda view: len(_pairs(needed, view, _BY_PLACE)))
    return {index: view[at].link for index, at in _pairs(needed, view, _BY_ANYTHING).items()}


def _pairs(
    needed: Mapping[int, _Sized], view: Mapping[int, _Sized], likenesses: Sequence[_Likeness]
) -> dict[int, int]:
    """Return which file of `view` each needed one is, as far as it can be told."""
    pairs: dict[int, int] = {}
    for likeness in likenesses:
        used = set(pairs.values())
        ours = _alone({key: file for key, file in needed.items() if key not in pairs}, likeness)
        theirs = _alone({key: file for key, file in view.items() if key not in used}, likeness)
        pairs |= {ours[look]: theirs[look] for look in ours.keys() & theirs.keys()}
    return pairs


def _alone(files: Mapping[int, _Sized], likeness: _Likeness) -> dict[Hashable, int]:
    """Return the files that no other of their side is like, by what they are like."""
    looks = {key: likeness(file) for key, file in files.items()}
    counts = Counter(looks.values())
    return {look: key for key, look in looks.items() if counts[look] == 1}
