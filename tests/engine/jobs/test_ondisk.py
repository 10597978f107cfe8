import os
import shutil

import pytest

from engine.jobs.ondisk import (
    adopt,
    aligned,
    detach_shared,
    erase,
    erase_files,
    make_empty_files,
    make_folder,
    missing,
    total_space,
    trusted,
)
from engine.store.records import FileRecord
from engine.transfer.errors import DiskTrouble


def file(path: str = "root/a", size: int = 10_000, flushed: int = 0, index: int = 0) -> FileRecord:
    return FileRecord(torrent="0" * 40, index=index, path=path, size=size, flushed=flushed)


def put(folder, path: str, size: int):
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(b"x" * size)
    return target


@pytest.mark.parametrize(
    ("length", "flushed", "expected"),
    [
        (10_000, 10_000, 10_000),
        (10_000, 4096, 4096),
        (9_999, 10_000, 8192),
        (5_000, 8192, 4096),
        (0, 8192, 0),
        (20_000, 10_000, 8192),
        (20_000, 8192, 8192),
    ],
)
def test_a_prefix_is_trusted_as_far_as_the_files_length_bears_it_out(
    tmp_path, length, flushed, expected
):
    put(tmp_path, "root/a", length)

    assert trusted(tmp_path, file(flushed=flushed)) == expected


def test_what_is_no_plain_file_bears_out_nothing(tmp_path):
    assert trusted(tmp_path, file(flushed=4096)) == 0

    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "a").symlink_to(put(tmp_path, "elsewhere", 10_000))
    assert trusted(tmp_path, file(flushed=4096)) == 0


def test_what_is_missing_counts_room_that_is_reserved_already(tmp_path):
    reserved = put(tmp_path, "root/a", 4096)
    with reserved.open("r+b") as handle:
        os.posix_fallocate(handle.fileno(), 0, 100_000)

    assert missing(tmp_path, [file(size=100_000, flushed=4096)]) == 0
    assert missing(tmp_path, [file("root/b", size=100_000)]) == 100_000


def test_an_entry_is_found_by_its_name_or_because_it_is_alone(tmp_path):
    ours = tmp_path / "ours"
    assert adopt(ours, "name") is None
    ours.mkdir()
    assert adopt(ours, "name") is None

    (ours / "old name").mkdir()
    assert adopt(ours, "name") == ours / "name"
    assert adopt(ours, "name") == ours / "name"

    (ours / "other").mkdir()
    assert adopt(ours, "third") is None
    assert sorted(path.name for path in ours.iterdir()) == ["name", "other"]


def test_unfinished_files_that_others_hold_are_let_go(tmp_path):
    shared, own = put(tmp_path, "root/a", 10_000), put(tmp_path, "root/b", 10_000)
    os.link(shared, tmp_path / "library")
    files = [file("root/a", flushed=4096), file("root/b", flushed=4096, index=1)]

    kept = detach_shared(tmp_path, files)

    assert [one.flushed for one in kept] == [0, 4096]
    assert (shared.exists(), own.exists()) == (False, True)
    assert (tmp_path / "library").stat().st_size == 10_000


def test_a_complete_file_that_others_hold_stays(tmp_path):
    shared = put(tmp_path, "root/a", 10_000)
    os.link(shared, tmp_path / "library")

    detach_shared(tmp_path, [file(flushed=10_000)])

    assert shared.exists()


def test_a_folder_of_ours_goes_with_all_in_it_and_a_link_without(tmp_path):
    put(tmp_path, "ours/root/a", 1)
    erase(tmp_path / "ours")
    erase(tmp_path / "ours")
    assert not (tmp_path / "ours").exists()

    put(tmp_path, "precious/a", 1)
    (tmp_path / "ours").symlink_to(tmp_path / "precious")
    erase(tmp_path / "ours")
    assert (tmp_path / "precious" / "a").exists()
    assert not (tmp_path / "ours").is_symlink()


def test_finished_files_go_and_so_do_the_folders_they_leave_empty(tmp_path):
    paths = ["root/a", "root/b/c", "root/b/d/e"]
    for path in paths:
        put(tmp_path, path, 1)

    erase_files(tmp_path, [file(path) for path in paths])

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["../outside", "/etc/hosts", "root/../../outside", ""])
def test_no_path_leads_out_of_the_folder(tmp_path, path):
    outside = put(tmp_path, "outside", 1)
    inside = tmp_path / "inside"
    inside.mkdir()

    erase_files(inside, [file(path)])

    assert outside.exists()
    assert inside.exists()


def test_what_the_disk_refuses_is_said_with_the_path(tmp_path):
    blocked = put(tmp_path, "blocked", 1)

    with pytest.raises(DiskTrouble, match="blocked"):
        make_folder(blocked / "sub")
    with pytest.raises(DiskTrouble, match="blocked"):
        make_empty_files(blocked, [file("file", size=0)])
    (tmp_path / "taken").mkdir()
    with pytest.raises(DiskTrouble, match="taken"):
        make_empty_files(tmp_path, [file("taken", size=0)])
    put(tmp_path, "root/a/b", 1)
    with pytest.raises(DiskTrouble, match="root"):
        erase_files(tmp_path, [file("root/a")])


def test_offsets_are_aligned_downwards():
    assert [aligned(at) for at in (0, 1, 4095, 4096, 8191)] == [0, 0, 0, 4096, 4096]


def test_the_size_of_the_disk_is_asked_of_the_system(tmp_path):
    assert total_space(tmp_path) >= shutil.disk_usage(tmp_path).free > 0
    with pytest.raises(DiskTrouble, match="missing"):
        total_space(tmp_path / "missing")
