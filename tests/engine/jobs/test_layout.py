from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.jobs.layout import MissingFiles, Placed, from_metainfo, from_tree
from engine.jobs.paths import folded, safe_part
from engine.metainfo import MetaFile, Metainfo, parse_torrent
from engine.store.records import FileRecord

TORRENTS = Path(__file__).parents[2] / "data" / "torrents"


class Remote(msgspec.Struct, frozen=True):
    path: tuple[str, ...]
    size: int = 1
    link: str = ""


def remote(*files):
    """Files as AllDebrid lists them, each (path, size); the link is the path."""
    return [Remote(tuple(path.split("/")), size, f"link:{path}") for path, size in files]


def torrent(name, *files, single=False, padding=()):
    """A Metainfo of files (path, size); `padding` are the paths of those that are padding."""
    entries, offset = [], 0
    for path, size in files:
        entries.append(MetaFile(tuple(path.split("/")), size, path in padding, offset))
        offset += size
    size = sum(file.size for file in entries if not file.padding)
    return Metainfo("0" * 40, name, tuple(entries), single, size, 64, b"", (), private=False)


def links(layout):
    return {file.path: file.link for file in layout.files}


# --- from AllDebrid's tree -------------------------------------------------------------------


def test_a_lone_file_at_the_root_needs_no_folder():
    layout = from_tree("Whatever", remote(("Movie.mkv", 7)))
    assert layout.root == "Movie.mkv"
    assert layout.files == (Placed(index=0, path="Movie.mkv", size=7, link="link:Movie.mkv"),)


def test_several_files_without_a_folder_get_one_of_the_torrents_name():
    layout = from_tree("Release: 1", remote(("b.mkv", 1), ("Subs/a.srt", 1)))
    assert layout.root == "Release_ 1"
    assert [file.path for file in layout.files] == ["Release_ 1/Subs/a.srt", "Release_ 1/b.mkv"]


@pytest.mark.parametrize("top", ["Release", "RELEASE"])
def test_a_tree_that_brings_the_torrents_folder_keeps_it(top):
    layout = from_tree("Release", remote((f"{top}/a.mkv", 1), (f"{top}/Subs/a.srt", 1)))
    assert layout.root == top
    assert [file.path for file in layout.files] == [f"{top}/Subs/a.srt", f"{top}/a.mkv"]


def test_a_lone_file_in_the_torrents_folder_keeps_the_folder():
    layout = from_tree("Release", remote(("Release/a.mkv", 1)))
    assert (layout.root, layout.files[0].path) == ("Release", "Release/a.mkv")


def test_a_folder_of_another_name_is_not_taken_for_the_torrents_own():
    layout = from_tree("Show.S01", remote(("Season 1/a.mkv", 1), ("Season 1/b.mkv", 1)))
    assert layout.root == "Show.S01"
    assert layout.files[0].path == "Show.S01/Season 1/a.mkv"


def test_a_torrent_without_a_name_takes_the_trees_folder_or_a_stand_in():
    assert from_tree("", remote(("Top/a", 1), ("Top/b", 1))).root == "Top"
    assert from_tree("", remote(("a", 1), ("b", 1))).root == "_"


def test_equal_names_in_different_folders_stay_apart():
    layout = from_tree("R", remote(("CD2/track.bin", 2), ("CD1/track.bin", 1)))
    assert links(layout) == {
        "R/CD1/track.bin": "link:CD1/track.bin",
        "R/CD2/track.bin": "link:CD2/track.bin",
    }
    assert [file.index for file in layout.files] == [0, 1]


def test_files_that_only_differ_in_case_or_in_what_is_unsafe_get_numbers():
    layout = from_tree("R", remote(("a?.txt", 1), ("a*.txt", 1), ("A_.txt", 1)))
    assert sorted(links(layout)) == ["R/A_.txt", "R/a_ (2).txt", "R/a_ (3).txt"]


def test_padding_is_left_out():
    tree = remote(("R/a", 1), ("R/.pad/12", 12), ("R/_____padding_file_0_x", 5))
    assert [file.path for file in from_tree("R", tree).files] == ["R/a"]


def test_the_same_file_listed_twice_is_one_file():
    twice = [Remote(("R", "a"), 1, "one"), Remote(("R", "a"), 1, "two")]
    assert links(from_tree("R", twice)) == {"R/a": "one"}


@pytest.mark.parametrize("tree", [[], [Remote((".pad", "1"))]])
def test_a_tree_without_files_is_an_error_that_says_so(tree):
    with pytest.raises(MissingFiles, match="lists no files"):
        from_tree("R", tree)


def test_links_are_in_no_repr_of_the_error():
    with pytest.raises(MissingFiles) as raised:
        from_metainfo(torrent("R", ("a", 1), ("b", 2)), [Remote(("a",), 1, "secret")])
    assert "secret" not in repr(raised.value)


TREES = st.lists(
    st.builds(
        Remote,
        st.lists(st.sampled_from(["a", "A", "R", "..", "", "b/c", "\ud800"]), max_size=3).map(
            tuple
        ),
        st.integers(0, 2),
        st.sampled_from(["x", "y"]),
    ),
    min_size=1,
    max_size=8,
)


@given(st.sampled_from(["R", "a", "", "..", "CON"]), TREES, st.randoms(use_true_random=False))
def test_any_tree_in_any_order_gives_one_safe_layout_below_its_root(name, tree, random):
    layout = from_tree(name, tree)
    shuffled = list(tree)
    random.shuffle(shuffled)
    assert from_tree(name, shuffled) == layout
    assert safe_part(layout.root) == layout.root
    places = {folded(file.path) for file in layout.files}
    assert len(places) == len(layout.files) == len({(_filled(f.path), f.size) for f in tree})
    for index, file in enumerate(layout.files):
        assert file.index == index
        parts = file.path.split("/")
        assert parts[0] == layout.root
        assert all(safe_part(part) == part for part in parts)
        assert len(layout.files) == 1 or len(parts) > 1


def _filled(path):
    return tuple(part for part in path if part) or ("_",)


# --- from the .torrent -----------------------------------------------------------------------


SHOW = torrent("Show", ("CD1/track.bin", 10), ("CD2/track.bin", 10), ("info.nfo", 3))


@pytest.mark.parametrize("top", ["", "Show/", "Renamed/"])
def test_files_are_found_with_or_without_the_torrents_folder(top):
    tree = remote((f"{top}info.nfo", 3), (f"{top}CD2/track.bin", 10), (f"{top}CD1/track.bin", 10))
    layout = from_metainfo(SHOW, tree)
    assert layout.root == "Show"
    assert [(file.index, file.path, file.link, file.offset) for file in layout.files] == [
        (0, "Show/CD1/track.bin", f"link:{top}CD1/track.bin", 0),
        (1, "Show/CD2/track.bin", f"link:{top}CD2/track.bin", 10),
        (2, "Show/info.nfo", f"link:{top}info.nfo", 20),
    ]


def test_a_folder_inside_that_has_the_torrents_name_does_not_confuse():
    meta = torrent("A", ("A/x", 5), ("x", 5))
    for top in ("", "A/"):
        layout = from_metainfo(meta, remote((f"{top}A/x", 5), (f"{top}x", 5)))
        assert links(layout) == {"A/A/x": f"link:{top}A/x", "A/x": f"link:{top}x"}


def test_a_torrent_whose_files_share_a_folder_is_found_either_way():
    meta = torrent("R", ("CD/x", 5), ("CD/y", 5))
    for top in ("", "R/"):
        layout = from_metainfo(meta, remote((f"{top}CD/y", 5), (f"{top}CD/x", 5)))
        assert links(layout) == {"R/CD/x": f"link:{top}CD/x", "R/CD/y": f"link:{top}CD/y"}


def test_a_single_file_is_its_own_root():
    meta = torrent("Movie?.mkv", ("Movie?.mkv", 7), single=True)
    for path in ("Movie?.mkv", "Movie_.mkv", "Folder/Movie?.mkv", "Folder/other.mkv"):
        layout = from_metainfo(meta, remote((path, 7)))
        assert layout.root == "Movie_.mkv"
        assert links(layout) == {"Movie_.mkv": f"link:{path}"}


def test_one_file_of_a_torrent_with_a_folder_keeps_the_folder():
    layout = from_metainfo(torrent("R", ("a", 1)), remote(("a", 1)))
    assert (layout.root, layout.files[0].path) == ("R", "R/a")


def test_names_that_alldebrid_made_safe_or_changed_in_case_are_found():
    meta = torrent("R", ("What?.mkv", 5), ("SUBS/É.srt", 5))
    layout = from_metainfo(meta, remote(("what_.mkv", 5), ("Subs/e\u0301.srt", 5)))
    assert links(layout) == {
        "R/What_.mkv": "link:what_.mkv",
        "R/SUBS/É.srt": "link:Subs/e\u0301.srt",
    }


def test_equal_names_of_one_size_are_told_apart_by_folders_of_another_case():
    meta = torrent("R", ("CD1/x", 5), ("CD2/x", 5))
    layout = from_metainfo(meta, remote(("cd2/x", 5), ("cd1/x", 5)))
    assert links(layout) == {"R/CD1/x": "link:cd1/x", "R/CD2/x": "link:cd2/x"}


def test_a_file_that_is_found_is_out_of_the_question_for_others():
    meta = torrent("R", ("a.mkv", 5), ("b.mkv", 5))
    layout = from_metainfo(meta, remote(("a.mkv", 5), ("z.mkv", 5)))
    assert links(layout) == {"R/a.mkv": "link:a.mkv", "R/b.mkv": "link:z.mkv"}


def test_a_file_in_another_folder_is_found_by_name_and_size():
    meta = torrent("R", ("x/a.mkv", 5), ("y/b.mkv", 5))
    layout = from_metainfo(meta, remote(("a.mkv", 5), ("z/b.mkv", 5)))
    assert links(layout) == {"R/x/a.mkv": "link:a.mkv", "R/y/b.mkv": "link:z/b.mkv"}


def test_a_renamed_file_is_found_by_its_size_if_no_other_has_it():
    meta = torrent("R", ("a.mkv", 5), ("b.mkv", 6))
    layout = from_metainfo(meta, remote(("x.mkv", 5), ("y.mkv", 6)))
    assert links(layout) == {"R/a.mkv": "link:x.mkv", "R/b.mkv": "link:y.mkv"}


def test_of_two_renamed_files_of_one_size_neither_is_guessed():
    meta = torrent("R", ("a.mkv", 5), ("b.mkv", 5))
    with pytest.raises(MissingFiles) as raised:
        from_metainfo(meta, remote(("x.mkv", 5), ("y.mkv", 5)))
    assert raised.value.names == ("R/a.mkv", "R/b.mkv")


def test_a_file_of_another_size_is_no_match():
    with pytest.raises(MissingFiles, match=r"1 of the torrent's 1 files: R/a\.mkv$"):
        from_metainfo(torrent("R", ("a.mkv", 5)), remote(("R/a.mkv", 6)))


def test_the_sentence_names_a_few_missing_files_and_counts_them_all():
    meta = torrent("R", *((name, 5) for name in "abcde"))
    with pytest.raises(
        MissingFiles,
        match=r"^AllDebrid does not list 4 of the torrent's 5 files: R/b, R/c, R/d, ...$",
    ) as raised:
        from_metainfo(meta, remote(("a", 5)))
    assert raised.value.names == ("R/b", "R/c", "R/d", "R/e")


def test_an_empty_file_needs_no_link():
    meta = torrent("R", ("empty", 0), ("a", 5))
    for tree in (remote(("a", 5)), remote(("a", 5), ("empty", 0))):
        assert links(from_metainfo(meta, tree)) == {"R/empty": "", "R/a": "link:a"}


def test_padding_is_neither_placed_nor_looked_for_and_keeps_its_index():
    meta = torrent("R", ("a", 40), (".pad/24", 24), ("b", 5), padding={".pad/24"})
    layout = from_metainfo(meta, remote(("R/a", 40), ("R/b", 5)))
    assert [(file.index, file.path, file.offset) for file in layout.files] == [
        (0, "R/a", 0),
        (2, "R/b", 64),
    ]


def test_hostile_names_stay_below_the_root():
    meta = torrent("../R", ("../../etc/x", 1), ("/etc/y", 2))
    layout = from_metainfo(meta, remote(("x", 1), ("y", 2)))
    assert layout.root == ".._R"
    assert [file.path for file in layout.files] == [".._R/_/_/etc/x", ".._R/etc/y"]


def test_records_for_the_store_come_from_the_layout():
    layout = from_metainfo(torrent("R", ("a", 1)), remote(("a", 1)))
    assert layout.records("f" * 40) == [
        FileRecord(torrent="f" * 40, index=0, path="R/a", size=1, link="link:a")
    ]


@pytest.mark.parametrize("name", ["single", "nested", "nested-transmission", "unicode"])
@pytest.mark.parametrize("with_root", [True, False])
def test_torrents_of_real_tools_find_all_their_files(name, with_root):
    meta = parse_torrent((TORRENTS / f"{name}.torrent").read_bytes())
    above = (meta.name,) if with_root and not meta.single_file else ()
    tree = [Remote((*above, *f.path), f.size, "/".join(f.path)) for f in reversed(meta.files)]
    layout = from_metainfo(meta, tree)
    assert layout.root == meta.name
    for file, wanted in zip(layout.files, meta.files, strict=True):
        assert file.link == ("/".join(wanted.path) if wanted.size else "")
    assert {file.path for file in from_tree(meta.name, tree).files} == set(links(layout))


@given(st.data(), st.sampled_from(["", "R/"]))
def test_a_faithful_tree_is_always_matched_path_by_path(data, top):
    part = st.sampled_from(["a", "b", "R", "A"])
    path = st.lists(part, min_size=1, max_size=3).map("/".join)
    paths = data.draw(st.lists(path, min_size=1, unique=True))
    files = [(path, data.draw(st.integers(0, 2))) for path in paths]
    tree = remote(*((top + path, size) for path, size in files))
    layout = from_metainfo(torrent("R", *files), data.draw(st.permutations(tree)))
    for (path, size), file in zip(files, layout.files, strict=True):
        assert file.link == (f"link:{top}{path}" if size else "")
