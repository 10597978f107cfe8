"""Reading a .torrent by its path: only below the folders, whatever links there are."""

import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.webhook import paths
from api.webhook.paths import BadPath, read

LIMIT = 1000
OUT = "the path leads out of the folders in which a .torrent may lie"


@pytest.fixture
def folder(tmp_path):
    """A folder in which .torrent files lie, beside one where secrets do."""
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "file").write_bytes(b"secret")
    (tmp_path / "torrents" / "deep").mkdir(parents=True)
    (tmp_path / "torrents" / "a.torrent").write_bytes(b"torrent")
    (tmp_path / "torrents" / "deep" / "b.torrent").write_bytes(b"deep")
    return tmp_path / "torrents"


@pytest.fixture(autouse=True)
def nothing_stays_open():
    before = len(list(Path("/proc/self/fd").iterdir()))
    yield
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def refused(path, *folders, largest=LIMIT):
    with pytest.raises(BadPath) as caught:
        read(str(path), folders, largest)
    said = str(caught.value)
    assert str(path) not in said or str(path) == "."
    assert "\n" not in said
    return said


def test_a_file_below_a_folder_is_read(folder):
    assert read(str(folder / "a.torrent"), [folder], LIMIT) == b"torrent"
    assert read(str(folder / "deep" / "b.torrent"), [folder], LIMIT) == b"deep"
    assert read(f"{folder}//deep/../deep/./b.torrent", [folder], LIMIT) == b"deep"


def test_each_of_the_folders_counts(folder, tmp_path):
    assert read(str(folder / "a.torrent"), [tmp_path / "no such", folder], LIMIT) == b"torrent"
    assert read(str(folder / "a.torrent"), [folder / "deep", folder], LIMIT) == b"torrent"


def test_without_a_folder_nothing_is_read(folder):
    assert refused(folder / "a.torrent") == "no folder is set up in which a .torrent may lie"


def test_links_that_stay_inside_are_followed(folder, tmp_path):
    (folder / "link").symlink_to(folder / "a.torrent")
    (folder / "down").symlink_to("deep")
    (tmp_path / "way in").symlink_to(folder)
    assert read(str(folder / "link"), [folder], LIMIT) == b"torrent"
    assert read(str(folder / "down" / "b.torrent"), [folder], LIMIT) == b"deep"
    assert read(str(tmp_path / "way in" / "a.torrent"), [folder], LIMIT) == b"torrent"
    # The folder itself may be a link.
    assert read(str(folder / "a.torrent"), [tmp_path / "way in"], LIMIT) == b"torrent"


def test_what_is_outside_is_refused_in_the_same_words_whether_it_exists(folder, tmp_path):
    (folder / "link").symlink_to(tmp_path / "secret" / "file")
    (folder / "nowhere").symlink_to(tmp_path / "secret" / "no file")
    (folder / "out").symlink_to(tmp_path / "secret")
    (tmp_path / "torrents more").mkdir()
    (tmp_path / "torrents more" / "a").write_bytes(b"secret")
    for path in (
        tmp_path / "secret" / "file",
        tmp_path / "secret" / "no file",
        folder / "link",
        folder / "nowhere",
        folder / "out" / "file",
        folder / "out" / "no file",
        f"{folder}/../secret/file",
        f"{folder}/../secret/no file",
        f"{folder}/deep/../../secret/file",
        tmp_path / "torrents more" / "a",
        "/etc/passwd",
        "/proc/self/environ",
        "/",
        tmp_path,
        folder,
        f"{folder}/",
    ):
        assert refused(path, folder) == OUT


@pytest.mark.parametrize("path", ["", "a.torrent", "./a.torrent", "../a", "~/a", "file:///a", "C:"])
def test_only_an_absolute_path_is_one(path, folder, monkeypatch):
    monkeypatch.chdir(folder)
    with pytest.raises(BadPath, match="absolute"):
        read(path, [folder], LIMIT)


def test_what_cannot_be_a_path_is_refused(folder):
    refused(f"{folder}/a.torrent\0", folder)
    refused(f"{folder}/{'x' * 5000}", folder)
    refused(f"{folder}/{'x/' * 3000}", folder)
    refused(f"{folder}/{'x' * 300}", folder)
    refused(f"{folder}/\ud800", folder)


def test_a_name_may_be_of_any_bytes(folder):
    (folder / os.fsdecode(b"\xff.torrent")).write_bytes(b"odd")
    assert read(os.fsdecode(os.fsencode(folder) + b"/\xff.torrent"), [folder], LIMIT) == b"odd"


def test_a_pipe_a_folder_and_a_device_are_no_files(folder):
    os.mkfifo(folder / "pipe")
    assert refused(folder / "pipe", folder) == "that is no file"
    assert refused(folder / "deep", folder) == "that is no file"
    assert refused("/dev/null", "/dev") == "that is no file"


def test_a_file_that_is_missing_is_said_to_be(folder):
    assert refused(folder / "gone.torrent", folder) == "there is no such file"
    assert refused(folder / "gone" / "gone.torrent", folder) == "there is no such file"
    assert refused(folder / "a.torrent" / "b", folder) == "the file cannot be read"


def test_a_link_in_a_circle_is_no_file(folder):
    (folder / "circle").symlink_to(folder / "circle")
    assert refused(folder / "circle", folder) == "the file cannot be read"


def test_an_empty_file_is_no_torrent(folder):
    (folder / "empty").touch()
    assert refused(folder / "empty", folder) == "the file is empty"


def test_a_file_may_be_as_large_as_that_and_no_larger(folder):
    (folder / "large").write_bytes(b"x" * LIMIT)
    assert read(str(folder / "large"), [folder], LIMIT) == b"x" * LIMIT
    assert "more than 999 bytes" in refused(folder / "large", folder, largest=LIMIT - 1)


def test_a_file_that_grows_meanwhile_is_no_larger_either(folder, monkeypatch):
    monkeypatch.setattr(paths, "CHUNK", 100)
    (folder / "log").write_bytes(b"x" * 50)
    real = os.read

    def growing(file, count):
        with (folder / "log").open("ab") as log:
            log.write(b"x" * 100)
        return real(file, count)

    monkeypatch.setattr(paths.os, "read", growing)
    assert "more than 1000 bytes" in refused(folder / "log", folder)


def test_a_name_that_becomes_a_link_behind_our_back_leads_nowhere(folder, tmp_path, monkeypatch):
    """Between resolving and opening, the worst moment there is."""
    real = os.path.realpath

    def swapping(path):
        found = real(path)
        if found.endswith("b.torrent"):
            (folder / "deep").rename(folder / "was deep")
            (folder / "deep").symlink_to(tmp_path / "secret")
            (tmp_path / "secret" / "b.torrent").write_bytes(b"secret")
        if found.endswith("a.torrent"):
            (folder / "a.torrent").unlink()
            (folder / "a.torrent").symlink_to(tmp_path / "secret" / "file")
        return found

    monkeypatch.setattr(paths.os.path, "realpath", swapping)
    assert refused(folder / "deep" / "b.torrent", folder) == "the file cannot be read"
    assert refused(folder / "a.torrent", folder) == "the file cannot be read"


def test_no_swap_of_a_link_wins_a_race(folder, tmp_path):
    """Whoever may write into a folder changes a link for as long as it is read through."""
    (tmp_path / "secret" / "a.torrent").write_bytes(b"secret")
    over = threading.Event()

    def swap():
        turn = 0
        while not over.is_set():
            turn += 1
            (folder / "new").symlink_to((tmp_path / "secret", folder)[turn % 2])
            (folder / "new").rename(folder / "way")

    swapping = threading.Thread(target=swap)
    swapping.start()
    read_, refused_ = 0, 0
    try:
        for _ in range(1000):
            try:
                assert read(str(folder / "way" / "a.torrent"), [folder], LIMIT) == b"torrent"
                read_ += 1
            except BadPath:
                refused_ += 1
    finally:
        over.set()
        swapping.join()
    assert refused_


names = st.sampled_from(
    ["..", ".", "", "deep", "a.torrent", "out", "link", "x", "~", "\0", "\udcff"]
)


@given(st.lists(names | st.text(max_size=5), max_size=6), st.booleans())
def test_no_path_leads_out_and_none_raises_anything_else(tmp_path_factory, parts, below):
    base = tmp_path_factory.getbasetemp() / "paths"
    folder = base / "torrents"
    if not base.exists():
        (folder / "deep").mkdir(parents=True)
        (folder / "a.torrent").write_bytes(b"torrent")
        (base / "x").write_bytes(b"secret")
        (folder / "out").symlink_to(base)
        (folder / "link").symlink_to(base / "x")
    try:
        path = f"{folder if below else ''}/{'/'.join(parts)}"
        assert read(path, [folder], LIMIT) == b"torrent"
    except BadPath:
        pass
