import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.qbittorrent.places import LONGEST_NAME, LONGEST_PATH, BadPlace, place

COMPLETE, UNFINISHED = "/d/complete", "/d/incomplete"


def placed(path):
    return place(path, complete=COMPLETE, unfinished=UNFINISHED)


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        ("sub", "/d/complete/sub"),
        ("sub/../x", "/d/complete/x"),
        (".", "/d/complete"),
        ("...", "/d/complete/..."),
        ("/a/b/", "/a/b"),
        ("//a//b/./c", "/a/b/c"),
        ("/d/complete/tv", "/d/complete/tv"),
        ("/d/incomplete-too", "/d/incomplete-too"),
        ("/d", "/d"),
        ("Été «1»", "/d/complete/Été «1»"),
    ],
)
def test_a_folder_is_absolute_and_plain(path, folder):
    assert placed(path) == folder


@pytest.mark.parametrize("path", ["..", "../../out", "tv/../../out", "../complete-too"])
def test_a_relative_folder_stays_where_the_finished_files_are(path):
    with pytest.raises(BadPlace, match="must not lead out of /d/complete"):
        placed(path)


@pytest.mark.parametrize(
    "path", ["/d/incomplete", "/d/incomplete/x", "//d/x/../incomplete/", "../incomplete"]
)
def test_a_folder_is_not_among_the_unfinished_files(path):
    with pytest.raises(BadPlace):
        placed(path)


@pytest.mark.parametrize("path", ["/", "//", "///", "/a/..", "/../.."])
def test_a_folder_is_not_the_root(path):
    with pytest.raises(BadPlace, match="the root folder"):
        placed(path)


@pytest.mark.parametrize("letter", ["\0", "\n", "\x1b", "\x7f", "\x85", "\u2028"])
def test_a_folder_has_no_control_characters(letter):
    with pytest.raises(BadPlace) as refused:
        placed(f"/a{letter}b")

    assert letter not in str(refused.value)


def test_a_folder_has_a_path_and_names_that_a_file_system_can_hold():
    assert placed("/x" * 2047) == "/x" * 2047
    assert placed("x" * LONGEST_NAME) == f"/d/complete/{'x' * LONGEST_NAME}"
    for path in ("/x" * 2048, "é/" * LONGEST_PATH):
        with pytest.raises(BadPlace, match=f"longer than {LONGEST_PATH} bytes"):
            placed(path)
    for path in ("x" * (LONGEST_NAME + 1), "/a/" + "é" * 128):
        with pytest.raises(BadPlace, match=f"longer than {LONGEST_NAME} bytes"):
            placed(path)


def test_any_folder_will_do_where_there_are_no_unfinished_files():
    assert place("/d/incomplete", complete=COMPLETE) == "/d/incomplete"


@given(st.text(alphabet="./ab\\ \0é", max_size=30) | st.text(max_size=30))
def test_whatever_is_named_the_folder_is_one_that_may_be(path):
    try:
        folder = placed(path)
    except BadPlace:
        return

    assert folder == posixpath.normpath(folder) != "/"
    assert not folder.startswith(("//", UNFINISHED + "/"))
    assert folder != UNFINISHED
    assert path.startswith("/") or folder == COMPLETE or folder.startswith(COMPLETE + "/")
