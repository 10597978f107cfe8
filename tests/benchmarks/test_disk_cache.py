"""How much of a file the page cache holds, as the kernel says."""

import mmap
import os

from benchmarks.disk_cache import resident


def test_a_file_that_was_just_written_is_in_the_cache(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(bytes(3 * mmap.PAGESIZE + 1))

    assert resident(path) == 4 * mmap.PAGESIZE


def test_an_empty_file_holds_nothing(tmp_path):
    (tmp_path / "file").touch()

    assert resident(tmp_path / "file") == 0


def test_what_was_never_written_is_in_no_cache_and_asking_does_not_change_that(tmp_path):
    path = tmp_path / "file"
    path.touch()
    os.truncate(path, 8 * mmap.PAGESIZE)

    assert resident(path) == 0
    assert resident(path) == 0
