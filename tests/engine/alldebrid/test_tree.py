from hypothesis import given
from hypothesis import strategies as st

from engine.alldebrid.tree import DEEPEST, flatten
from engine.alldebrid.values import RemoteFile
from tests.fakes.any_json import JSON

NAMES = st.text(min_size=1, max_size=5)


def test_a_single_file_stands_at_the_root():
    nodes = [{"n": "one.iso", "s": 5, "l": "https://alldebrid.com/f/x"}]
    assert flatten(nodes) == [RemoteFile(("one.iso",), 5, "https://alldebrid.com/f/x")]


def test_folders_become_paths_in_order():
    nodes = [
        {"n": "z.txt", "s": "7", "l": "z"},
        {"n": "Sub", "e": [{"n": "Deep", "e": [{"n": "b", "s": 2, "l": "b"}]}, {"n": "a", "s": 1}]},
    ]
    assert [(file.path, file.size) for file in flatten(nodes)] == [
        (("Sub", "Deep", "b"), 2),
        (("Sub", "a"), 1),
        (("z.txt",), 7),
    ]


def test_the_same_name_in_two_folders_is_two_files():
    nodes = [
        {"n": "1", "e": [{"n": "a", "s": 1, "l": "x"}]},
        {"n": "2", "e": [{"n": "a", "s": 1, "l": "y"}]},
    ]
    assert [file.link for file in flatten(nodes)] == ["x", "y"]


def test_the_same_path_twice_is_two_files():
    assert len(flatten([{"n": "a", "s": 1, "l": "y"}, {"n": "a", "s": 1, "l": "x"}])) == 2


def test_a_file_without_a_link_is_not_dropped():
    assert flatten([{"n": "a", "s": 1}]) == [RemoteFile(("a",), 1, "")]


def test_an_empty_folder_has_no_files():
    assert flatten([{"n": "a", "e": []}, {"n": "b", "e": None}]) == []


def test_entries_may_come_as_an_object_or_a_map():
    assert flatten({"n": "a", "s": 1, "l": "x"}) == [RemoteFile(("a",), 1, "x")]
    nodes = {"0": {"n": "D", "e": {"3": {"n": "a", "s": 1, "l": "x"}}}}
    assert flatten(nodes) == [RemoteFile(("D", "a"), 1, "x")]


def test_a_bottomless_tree_is_cut_off():
    node = {"n": "leaf", "s": 1}
    for _ in range(5000):
        node = {"n": "d", "e": [node]}
    assert flatten([node]) == []
    assert DEEPEST < 5000


def test_repr_hides_the_link():
    assert "secret" not in repr(RemoteFile(("a",), 1, "https://alldebrid.com/f/secret"))


@given(JSON)
def test_nothing_fails_whatever_comes(nodes):
    assert all(file.size >= 0 for file in flatten(nodes))


@given(st.dictionaries(st.lists(NAMES, min_size=1, max_size=4).map(tuple), st.integers(0, 99)))
def test_a_tree_made_of_paths_gives_the_same_paths(files):
    leaves = {path: size for path, size in files.items() if not _is_folder(path, files)}
    root: list = []
    for path, size in leaves.items():
        entries = root
        for part in path[:-1]:
            folder = next((node for node in entries if node["n"] == part), None)
            if folder is None:
                folder = {"n": part, "e": []}
                entries.append(folder)
            entries = folder["e"]
        entries.append({"n": path[-1], "s": size, "l": "x"})
    assert [(file.path, file.size) for file in flatten(root)] == sorted(leaves.items())


def _is_folder(path, files):
    return any(other[: len(path)] == path and other != path for other in files)
