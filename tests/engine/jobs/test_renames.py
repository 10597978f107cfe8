import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.jobs.paths import folded, safe_part
from engine.jobs.renames import arrived, file_renamed, folder_renamed, root_of
from engine.jobs.views import Conflict
from engine.store.records import FileRecord, MoveRecord, TorrentRecord


def files(*paths: str) -> list[FileRecord]:
    return [
        FileRecord(torrent="0" * 40, index=index, path=path, size=3)
        for index, path in enumerate(paths)
    ]


def paths(records):
    return [record.path for record in records]


SHOW = files("Show/a.mkv", "Show/Subs/a.srt", "Show/Subs/b.srt")


@pytest.mark.parametrize(
    ("old", "new", "becomes"),
    [
        ("Show/a.mkv", "Show/b.mkv", "Show/b.mkv"),
        ("Show/a.mkv", "Show/Video/a.mkv", "Show/Video/a.mkv"),
        ("Show/a.mkv", "Show/A.mkv", "Show/A.mkv"),
        ("Show/a.mkv", "Show/a.mkv", "Show/a.mkv"),
    ],
)
def test_one_file_gets_another_path_and_the_others_stay(old, new, becomes):
    assert paths(file_renamed(SHOW, old, new)) == [becomes, "Show/Subs/a.srt", "Show/Subs/b.srt"]


@pytest.mark.parametrize(
    ("old", "new", "becomes"),
    [
        ("Show/Subs", "Show/Text", ["Show/a.mkv", "Show/Text/a.srt", "Show/Text/b.srt"]),
        ("Show/Subs", "Show/x/y", ["Show/a.mkv", "Show/x/y/a.srt", "Show/x/y/b.srt"]),
        ("Show", "Other", ["Other/a.mkv", "Other/Subs/a.srt", "Other/Subs/b.srt"]),
        ("Show", "Show/In", ["Show/In/a.mkv", "Show/In/Subs/a.srt", "Show/In/Subs/b.srt"]),
    ],
)
def test_a_folder_takes_its_files_with_it(old, new, becomes):
    assert paths(folder_renamed(SHOW, old, new)) == becomes


def test_a_folder_may_be_dissolved_into_the_one_above():
    inner = files("Show/Subs/a.srt", "Show/Subs/b.srt")
    assert paths(folder_renamed(inner, "Show/Subs", "Show")) == ["Show/a.srt", "Show/b.srt"]


def test_the_only_file_may_get_another_name_or_a_folder_around_it():
    film = files("Film.mkv")
    assert paths(file_renamed(film, "Film.mkv", "Other.mkv")) == ["Other.mkv"]
    assert paths(file_renamed(film, "Film.mkv", "Film/Film.mkv")) == ["Film/Film.mkv"]


@pytest.mark.parametrize(
    "new",
    [
        "",
        "/etc/passwd",
        "../a.mkv",
        "Show/../../a.mkv",
        "Show/./a.mkv",
        "Show//a.mkv",
        "Show/a.mkv/",
        "Show/a\0.mkv",
        "Show/a\\b.mkv",
        "Show/NUL.mkv",
        "Show/a.mkv ",
        "Show/" + "a" * 256,
        "Show/" + "a/" * 2000 + "a",
        "Show/Subs",  # a folder
        "Show/subs",
        "Show/Subs/A.SRT",  # a file, on a disk that ignores case
        "Show/Subs/a.srt/b.mkv",  # a file as a folder
        "a.mkv",  # outside the torrent's folder
        "Other/a.mkv",
    ],
)
def test_a_path_that_is_unsafe_taken_or_elsewhere_is_refused(new):
    with pytest.raises(Conflict):
        file_renamed(SHOW, "Show/a.mkv", new)


@pytest.mark.parametrize("new", ["", "/x", "../x", "Show/a.mkv", "Show/A.mkv", "Other", "x:y"])
def test_a_folder_that_is_unsafe_taken_or_elsewhere_is_refused(new):
    with pytest.raises(Conflict):
        folder_renamed(SHOW, "Show/Subs", new)


def test_a_folder_is_not_mixed_with_another():
    show = files("Show/a/1", "Show/b/2")
    with pytest.raises(Conflict):
        folder_renamed(show, "Show/a", "Show/b")


def test_a_folder_with_one_of_its_own_name_in_it_is_not_dissolved():
    with pytest.raises(Conflict):
        folder_renamed(files("Show/Subs/Subs/a", "Show/Subs/b"), "Show/Subs", "Show")


@pytest.mark.parametrize("old", ["", "Show", "Show/none", "Show/Subs", "a.mkv", "Show/a"])
def test_only_a_file_of_the_torrent_can_be_renamed(old):
    with pytest.raises(Conflict):
        file_renamed(SHOW, old, "Show/new")


@pytest.mark.parametrize("old", ["", "Sho", "Show/a.mkv", "Subs", "/"])
def test_only_a_folder_of_the_torrent_can_be_renamed(old):
    with pytest.raises(Conflict):
        folder_renamed(SHOW, old, "Show/new")


@pytest.mark.parametrize("rename", [file_renamed, folder_renamed])
def test_files_that_are_not_known_yet_cannot_be_renamed(rename):
    with pytest.raises(Conflict, match="not known"):
        rename([], "Show", "Other")


names = st.text("aAb. /", min_size=1, max_size=6)


@given(st.lists(names, min_size=1, max_size=4), names, names, st.sampled_from(["file", "folder"]))
def test_what_is_accepted_lies_safely_side_by_side_under_one_root(listed, old, new, kind):
    given_paths = [f"R/{safe_part(name)}" for name in dict.fromkeys(listed)]
    rename = file_renamed if kind == "file" else folder_renamed
    try:
        result = paths(rename(files(*given_paths), f"R/{safe_part(old)}", f"R/{new}"))
    except Conflict:
        return
    assert {path.split("/")[0] for path in result} == {"R"}
    for path in result:
        assert [safe_part(part) for part in path.split("/")] == path.split("/")
    if len({folded(path) for path in given_paths}) == len(given_paths):
        assert len({folded(path) for path in result}) == len(result)


def torrent(**fields) -> TorrentRecord:
    return TorrentRecord(
        hash="0" * 40, name="Show", state="paused", save_path="/done", root="Show", added_at=1,
        **fields,
    )  # fmt: skip


def test_a_torrent_whose_top_folder_was_renamed_has_another_root():
    move = MoveRecord(
        torrent="0" * 40, source="/done", target="/done", old="Show", new="New", auto_managed=True
    )
    record, there = arrived(torrent(), SHOW, move)
    assert (record.root, record.save_path, record.auto_managed) == ("New", "/done", True)
    assert root_of(there) == "New"


def test_a_torrent_that_was_moved_has_another_save_path_and_the_same_files():
    move = MoveRecord(
        torrent="0" * 40, source="/done", target="/new", old="Show", new="Show", auto_managed=False
    )
    record, there = arrived(torrent(auto_managed=True), SHOW, move)
    assert (record.root, record.save_path, record.auto_managed) == ("Show", "/new", False)
    assert there == SHOW


def test_what_is_renamed_while_it_downloads_will_go_where_it_would_have_gone():
    move = MoveRecord(
        torrent="0" * 40, source="/ours", target="/ours", old="Show", new="New", auto_managed=True
    )
    record, _ = arrived(torrent(), SHOW, move)
    assert (record.root, record.save_path) == ("New", "/done")
