import sys
import time
import tracemalloc

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.jobs.paths import MAX_FOLDERS, folded, safe_part, safe_path, unique

ANY_TEXT = st.text(st.characters(exclude_categories=[]))
NASTY = st.text(
    st.sampled_from("./\\ :*aA\u00e9e\u0301\u0130ß\x00\n\u3000\ud800CONUL1²"), max_size=12
)
LONG = st.builds(
    lambda unit, count, end: unit * count + end,
    st.sampled_from(["a", ". ", "é", "😀", "CON ", " "]),
    st.integers(50, 400),
    st.sampled_from(["", ".mkv", ".", " .mkv", ".x" * 200, "x.txt"]),
)
NAMES = ANY_TEXT | NASTY | LONG


@given(NAMES)
@example("CON" + " " * 300 + "x.txt")
@example("NUL." + "x" * 251)
@example("a" * 254 + "." + "b")
def test_a_safe_part_is_safe_whatever_it_came_from(name):
    part = safe_part(name)
    assert part
    assert part not in {".", ".."}
    assert 1 <= len(part.encode()) <= 255
    assert not set(part) & set('<>:"/\\|?*')
    assert not any(character < " " or "\x7f" <= character <= "\x9f" for character in part)
    assert part.strip() == part
    assert not part.endswith(".")
    stem = part.split(".")[0].rstrip(" ").upper()
    assert stem not in {"CON", "PRN", "AUX", "NUL", "COM1", "COM9", "LPT1", "COM²"}


@given(NAMES)
def test_a_safe_part_stays_as_it_is(name):
    assert safe_part(safe_part(name)) == safe_part(name)


@pytest.mark.parametrize(
    "name",
    [
        "The.Sample.S01E01.1080p.WEB.H264-GROUP.mkv",
        "[Group] Show - 01 (1080p) [ABCD1234].mkv",
        "Mr. & Mrs. Smith (2024) {tmdb-1} 'x' #1, 100% @ +$=!~^`;.mkv",
        ".hidden",
        "...And Justice for All",
        "Les Misérables 悲惨世界 😀.srt",
        "e\u0301 decomposed",
        "control.mkv",
        "CONSOLE",
        "COM10.txt",
        "a" * 255,
        "é" * 125 + ".mkv",
    ],
)
def test_ordinary_names_come_out_unchanged(name):
    assert safe_part(name) == name


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("", "_"),
        (".", "_"),
        ("..", "_"),
        (" . . ", "_"),
        ("/etc/passwd", "_etc_passwd"),
        ("..\\..\\x", ".._.._x"),
        ("C:\\x", "C__x"),
        ("AC/DC", "AC_DC"),
        ("a\0b\nc\x7fd\x85e", "a_b_c_d_e"),
        ("a\ud800b", "a_b"),
        ('<>:"|?*', "_______"),
        ("Vol. 1. ", "Vol. 1"),
        ("  x\u3000", "x"),
        ("\n\n", "_"),
        ("NUL", "_NUL"),
        ("con.txt", "_con.txt"),
        ("Com1 .tar.gz", "_Com1 .tar.gz"),
        ("LPT³", "_LPT³"),
        ("CONIN$", "_CONIN$"),
    ],
)
def test_what_is_hostile_becomes_harmless(name, safe):
    assert safe_part(name) == safe


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a" * 300 + ".mkv", "a" * 251 + ".mkv"),
        ("é" * 200 + ".mkv", "é" * 125 + ".mkv"),
        ("😀" * 100, "😀" * 63),
        ("a" * 250 + "." + "b" * 250, "a" * 250 + "." + "b" * 4),
        ("a" * 254 + ". b" * 9, "a" * 254),
        ("a" * 300 + ". not an extension", "a" * 255),
    ],
)
def test_a_long_name_is_cut_between_characters_and_keeps_its_extension(name, safe):
    assert safe_part(name) == safe


def test_a_huge_name_is_made_safe_quickly():
    began = time.process_time()
    assert safe_part("x" + ". " * 500_000 + "y") == "x"
    assert safe_part("x" * 1_000_000 + ". " * 500_000) == "x" * 255
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize(
    ("parts", "path"),
    [
        (["a", "b.txt"], "a/b.txt"),
        (["", "a", "", "b"], "a/b"),
        (["..", "..", "etc"], "_/_/etc"),
        (["/", "a/b"], "_/a_b"),
        ([], "_"),
        (["", ""], "_"),
    ],
)
def test_a_safe_path_joins_safe_parts(parts, path):
    assert safe_path(parts) == path


@given(st.lists(NAMES, max_size=40))
def test_a_safe_path_stays_below_its_folder_and_within_the_limit(parts):
    path = safe_path(parts)
    assert len(path.encode()) <= 3072
    assert all(safe_part(part) == part for part in path.split("/"))


def test_a_path_that_is_too_long_keeps_its_first_part_and_its_name():
    parts = ["root", *(f"{number:03}" + "x" * 100 for number in range(100)), "name.mkv"]
    path = safe_path(parts)
    assert 2900 < len(path.encode()) <= 3072
    assert path.startswith("root/000x")
    assert path.endswith("x/name.mkv")


def test_every_space_of_unicode_is_stripped_at_the_end_even_between_dots():
    every = map(chr, range(sys.maxunicode + 1))
    spaces = [character for character in every if character.isspace() and character > "\x9f"]
    assert len(spaces) > 15
    assert safe_part("x" + ".".join(spaces)) == "x"


# --- unique ----------------------------------------------------------------------------------


@given(
    st.lists(
        st.lists(
            st.sampled_from(["a", "A", "b.x", "B.X", "a (2)", "é", "e\u0301"]),
            min_size=1,
            max_size=3,
        ),
        max_size=12,
    )
)
def test_no_two_files_and_no_file_and_folder_share_a_place(tree):
    paths = [safe_path(parts) for parts in tree]
    result = unique(paths)
    assert len(result) == len(paths)
    places = [folded(path) for path in result]
    assert len(set(places)) == len(places)
    folders = {place[:at] for place in places for at, char in enumerate(place) if char == "/"}
    assert not folders & set(places)
    assert unique(result) == result
    for before, after in zip(paths, result, strict=True):
        assert before.rpartition("/")[0] == after.rpartition("/")[0]
        assert safe_path(after.split("/")) == after


@given(st.lists(NAMES, max_size=6))
def test_unique_names_of_any_origin_are_still_safe(names):
    for name in unique([safe_part(name) for name in [*names, *names]]):
        assert safe_part(name) == name


@pytest.mark.parametrize(
    ("paths", "result"),
    [
        ([], []),
        (["a", "b"], ["a", "b"]),
        (["a.mkv", "a.mkv", "a.mkv"], ["a.mkv", "a (2).mkv", "a (3).mkv"]),
        (["x/a.mkv", "y/a.mkv"], ["x/a.mkv", "y/a.mkv"]),
        (["A.mkv", "a.MKV"], ["A.mkv", "a (2).MKV"]),
        (["Straße", "STRASSE"], ["Straße", "STRASSE (2)"]),
        (["\u00e9", "e\u0301"], ["\u00e9", "e\u0301 (2)"]),
        (["a", "a", "a (2)"], ["a", "a (3)", "a (2)"]),
        (["a", "a/b"], ["a (2)", "a/b"]),
        (["X/a", "x/A"], ["X/a", "x/A (2)"]),
        (["Mr. Robot", "Mr. Robot"], ["Mr. Robot", "Mr. Robot (2)"]),
        ([".nfo", ".nfo"], [".nfo", ".nfo (2)"]),
        (["a" * 251 + ".mkv"] * 2, ["a" * 251 + ".mkv", "a" * 247 + " (2).mkv"]),
    ],
)
def test_the_later_of_two_files_gives_way(paths, result):
    assert unique(paths) == result


def test_long_names_that_are_cut_to_the_same_beginning_stay_apart():
    one, other = "x" * 255, "x" * 254 + "y"
    stem = "x" * 251
    assert unique([one, one, other, other]) == [one, f"{stem} (2)", other, f"{stem} (3)"]


def test_thousands_of_files_of_one_name_are_numbered_quickly():
    result = unique(["a.mkv"] * 20_000)
    assert result[-1] == "a (20000).mkv"
    assert len(set(result)) == 20_000


def test_a_path_has_no_more_folders_than_programs_bear():
    path = safe_path([*["a"] * 2000, "film.mkv"]).split("/")
    assert path == [*["a"] * MAX_FOLDERS, "film.mkv"]
    assert safe_path(path) == "/".join(path)


def test_folders_inside_one_another_take_no_more_room_than_they_need():
    paths = [safe_path([f"{number:x}", *["a" * 20] * 200]) for number in range(1000)]
    tracemalloc.start()
    try:
        assert unique(paths) == paths
        assert tracemalloc.get_traced_memory()[1] < 32 << 20  # 110 MB if the folders were kept
    finally:
        tracemalloc.stop()
