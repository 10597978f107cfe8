"""Whole downloads on real file systems: exact, resumed, told of a full or broken disk, published.

Each file system is made for these tests and a few hundred megabytes large. It takes root; where
something is missing the tests are skipped with a word on what that is.
"""

import os
import shutil
from pathlib import Path

import pytest

from engine.transfer.disk import PartFile, free_space, is_rotational, publish
from engine.transfer.errors import DiskFull, DiskTrouble, Stopped
from tests.engine.transfer.conftest import MIB
from tests.fakes.disk_mounts import KINDS, ON_FUSE, ON_LOOP, missing, mounted
from tests.fakes.filehost import FileHost, Pattern

FILM = Pattern(9 * MIB + 777, seed=11)
ROOM = 6 * MIB
"""Bytes left on a full disk: fewer than the film has, more than the first checkpoints."""

SMALL_STEPS = {"ring": 4 * MIB, "batch": MIB, "flush_interval": 0.0}


@pytest.fixture(scope="module", params=KINDS)
def mount(request):
    problem = missing(request.param)
    if problem:
        pytest.skip(f"{request.param} is not tried: {problem}")
    with mounted(request.param) as mount:
        yield mount


@pytest.fixture(scope="module")
def film():
    with FileHost({"/film": FILM}) as host:
        yield host.url("/film")


@pytest.fixture
def folder(mount, request):
    folder = mount.folder / request.node.name
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


def takes_direct(folder):
    """Tell whether the file system takes O_DIRECT, found without the engine."""
    try:
        fd = os.open(folder / "probe", os.O_RDWR | os.O_CREAT | os.O_DIRECT)
    except OSError:
        return False
    os.close(fd)
    return True


def test_what_takes_direct_writes_gets_them(mount, folder):
    expected = takes_direct(folder)

    with PartFile(folder / "part") as part:
        assert part.direct == expected
    assert expected or mount.kind not in ON_LOOP


def test_a_stopped_download_goes_on_and_is_published_exact(folder, film, prepare, tmp_path):
    part, final = folder / "film.part", folder / "complete" / "film"
    run = prepare(film, path=part, **SMALL_STEPS)
    run.download._observe = lambda offset, _: offset > 3 * MIB and run.download.stop()
    with pytest.raises(Stopped):
        run()
    on_the_way = run.saved[-1]
    assert 0 < on_the_way.flushed < FILM.size

    outcome = prepare(film, path=part, resume=on_the_way, **SMALL_STEPS)()

    assert outcome.resumed_from == on_the_way.flushed
    assert part.stat().st_size == FILM.size
    publish(part, final)
    assert final.read_bytes() == FILM.read()
    assert not part.exists()
    part.write_bytes(b"another")
    with pytest.raises(FileExistsError):
        publish(part, final)
    publish(final, tmp_path / "elsewhere" / "film")
    assert (tmp_path / "elsewhere" / "film").read_bytes() == FILM.read()
    assert not final.exists()


def test_a_file_is_as_large_as_what_was_written_although_room_is_reserved(mount, folder):
    with PartFile(folder / "part") as part:
        part.reserve(8 * MIB)

        taken = (folder / "part").stat()
        assert taken.st_size == 0
        # Not by the free space: xfs frees what tests before deleted when it likes.
        if mount.kind in {"ext4", "xfs", "tmpfs", "btrfs"}:
            assert taken.st_blocks * 512 >= 8 * MIB


@pytest.mark.parametrize("preallocate", [True, False])
def test_a_full_disk_is_told_and_the_film_goes_on_when_there_is_room(
    mount, folder, film, prepare, preallocate
):
    part = folder / "film.part"
    ballast = mount.leave(ROOM)
    try:
        assert free_space(folder) <= ROOM
        run = prepare(film, path=part, preallocate=preallocate, **SMALL_STEPS)
        # fuse-overlayfs itself answers EIO to a write that fits only in part.
        told = (DiskFull, DiskTrouble) if mount.kind == "fuse-overlayfs" else DiskFull
        with pytest.raises(told):
            run()
        kept = run.saved[-1] if run.saved else None
        if kept is not None:
            assert part.read_bytes()[: kept.flushed] == FILM.read(0, kept.flushed)
        assert kept is not None or preallocate
    finally:
        mount.gives_back(ballast)

    prepare(film, path=part, resume=kept, **SMALL_STEPS)()

    assert part.read_bytes() == FILM.read()


def test_a_read_only_file_system_is_told_and_the_film_comes_later(mount, folder, film, prepare):
    if mount.kind in ON_FUSE:
        pytest.skip(f"{mount.kind} cannot be turned read-only while it is mounted")
    part = folder / "film.part"
    part.touch()
    mount.becomes("ro")
    try:
        with pytest.raises(DiskTrouble, match="Read-only"):
            prepare(film, path=part)()
        with pytest.raises(DiskTrouble, match="Read-only"):
            publish(part, folder / "film")
    finally:
        mount.becomes("rw")

    prepare(film, path=part)()

    assert part.read_bytes() == FILM.read()


def test_a_file_system_that_fails_in_the_middle_loses_nothing_it_had_promised(film, prepare):
    problem = missing("ext4")
    if problem:
        pytest.skip(f"ext4 is not tried: {problem}")
    with mounted("ext4") as mount:
        part = mount.folder / "film.part"
        run = prepare(film, path=part, **SMALL_STEPS)

        def fail(offset, _):
            if offset > 3 * MIB and run.saved:
                mount.becomes("abort")

        run.download._observe = fail
        with pytest.raises(DiskTrouble):
            run()
        mount.is_mounted_afresh()

        again = prepare(film, path=part, resume=run.saved[-1], **SMALL_STEPS)()

        assert again.resumed_from == run.saved[-1].flushed
        assert part.read_bytes() == FILM.read()


def test_what_kind_of_disk_it_is_can_always_be_asked(mount):
    assert is_rotational(mount.folder) in {True, False, None}


def test_nothing_stays_mounted_however_it_ends():
    problem = missing("tmpfs")
    if problem:
        pytest.skip(f"tmpfs is not tried: {problem}")
    with pytest.raises(KeyError), mounted("tmpfs") as mount, (mount.folder / "open").open("wb"):
        raise KeyError

    assert str(mount.folder) not in Path("/proc/self/mounts").read_text()
    assert not mount.folder.exists()
