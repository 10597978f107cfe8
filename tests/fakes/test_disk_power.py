"""What a power cut may leave is what was promised, and nothing else for certain."""

import contextlib
import os
import random

import pytest

from tests.fakes.disk import Disk
from tests.fakes.disk_power import BLOCK, Device, cut


@pytest.fixture
def shadow(tmp_path):
    return tmp_path / "shadow"


@pytest.fixture
def folder(tmp_path, shadow):
    """A watched folder with a file in it that is on the device."""
    folder = tmp_path / "disk"
    folder.mkdir()
    (folder / "old").write_bytes(b"old")
    with (
        contextlib.closing(Device(folder, shadow)) as device,
        Disk(folder, before=device.before, after=device.after),
    ):
        yield folder


def write(path, data, *, sync=False, offset=0):
    fd = os.open(path, os.O_RDWR | os.O_CREAT)
    os.pwritev(fd, [data], offset)
    if sync:
        os.fdatasync(fd)
    os.close(fd)


def sync_folder(folder):
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(fd)
    os.close(fd)


def left(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def test_what_was_there_before_is_promised(folder, shadow):
    write(folder / "old", b"new")
    (folder / "old").rename(folder / "renamed")

    cut(folder, shadow)

    assert left(folder) == {"old": b"old"}


def test_bytes_are_promised_by_a_sync_and_names_by_one_of_the_folder(folder, shadow):
    write(folder / "a", b"synced", sync=True)
    write(folder / "b", b"not synced")
    sync_folder(folder)
    write(folder / "a", b" and more", offset=6)
    write(folder / "c", b"synced without a name", sync=True)

    cut(folder, shadow)

    assert left(folder) == {"old": b"old", "a": b"synced", "b": b""}


def test_a_rename_is_promised_as_a_whole_by_a_sync_of_either_folder(folder, shadow):
    (folder / "from").mkdir()
    (folder / "to").mkdir()
    write(folder / "from" / "film", b"film", sync=True)
    sync_folder(folder / "from")
    sync_folder(folder)
    (folder / "from" / "film").rename(folder / "to" / "film")
    sync_folder(folder / "to")

    cut(folder, shadow)

    assert left(folder) == {"old": b"old", "from": None, "to": None, "to/film": b"film"}


def test_a_file_that_replaces_another_has_its_own_bytes_or_the_others(folder, shadow):
    for number in range(20):  # freed inodes are used again at once, unless somebody holds them
        write(folder / "new", b"%d" % number, sync=True)
        (folder / "new").replace(folder / "old")

    cut(folder, shadow)

    assert left(folder) == {"old": b"old"}


@pytest.mark.parametrize("seed", range(20))
def test_of_what_was_not_promised_any_part_may_be_there(folder, shadow, seed):
    promised, rest = os.urandom(3 * BLOCK), os.urandom(3 * BLOCK)
    write(folder / "part", promised, sync=True)
    sync_folder(folder)
    write(folder / "part", rest, offset=3 * BLOCK)
    (folder / "part").rename(folder / "film")

    cut(folder, shadow, random.Random(seed))

    found = left(folder)
    assert found.pop("old") == b"old"
    [(name, data)] = found.items()
    assert name in {"part", "film"}
    assert data[: 3 * BLOCK] == promised
    assert len(data) <= 6 * BLOCK
    for at in range(3 * BLOCK, len(data), BLOCK):
        there = data[at : at + BLOCK]
        assert there in (rest[at - 3 * BLOCK :][: len(there)], bytes(len(there)))


def test_seeds_differ(folder, shadow):
    write(folder / "old", os.urandom(50 * BLOCK))
    kept = (folder / "old").read_bytes()
    sizes = set()
    for seed in range(20):
        (folder / "old").write_bytes(kept)
        cut(folder, shadow, random.Random(seed))
        sizes.add((folder / "old").stat().st_size)

    assert len(sizes) > 2


def test_others_may_say_what_they_synced(tmp_path, shadow):
    folder = tmp_path / "disk"
    folder.mkdir()
    with contextlib.closing(Device(folder, shadow)) as device:
        (folder / "db").write_bytes(b"data")
        device.synced(folder / "db")
        (folder / "db").write_bytes(b"more")
        assert "2 inodes" in repr(device)

    cut(folder, shadow)

    assert left(folder) == {"db": b"data"}
