"""One move on disk, wherever it is cut off: all is under the old name or all under the new one."""

import os
import tempfile
import threading
from pathlib import Path

import msgspec
import pytest

from engine.jobs import relocate
from engine.store.records import MoveRecord
from engine.transfer import disk
from engine.transfer.errors import DiskTrouble, Stopped
from tests.fakes.disk import Disk

HASH = "ab" * 20
SHOW = {"Show/a.mkv": b"a" * 5000, "Show/Subs/a.srt": b"s" * 300, "Show/empty": b""}


def put_down(folder: Path, files: dict[str, bytes]) -> None:
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)


def found(folder: Path) -> dict[str, bytes | None]:
    """What lies below a folder; None for folders that are empty."""
    paths = folder.rglob("*")
    return {
        str(path.relative_to(folder)): None if path.is_dir() else path.read_bytes()
        for path in paths
        if not path.is_dir() or not any(path.iterdir())
    }


def plan(source: Path, old: str, new: str, target: Path | None = None) -> MoveRecord:
    return MoveRecord(
        torrent=HASH,
        source=str(source),
        target=str(target or source),
        old=old,
        new=new,
        auto_managed=False,
    )


def renamed(old: str, new: str) -> dict[str, bytes]:
    return {
        new + path.removeprefix(old) if path.startswith(old) else path: data
        for path, data in SHOW.items()
    }


@pytest.fixture
def elsewhere():
    """A folder on another file system than the other folders of tests."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


def run(move: MoveRecord) -> bool:
    """Do a whole move; say whether it took a copy."""
    if relocate.begin(move):
        return False
    relocate.copy(move, threading.Event())
    relocate.take_over(msgspec.structs.replace(move, copied=True))
    return True


RENAMES = [
    ("Show", "Other"),
    ("Show/a.mkv", "Show/b.mkv"),
    ("Show/a.mkv", "Show/x/y/b.mkv"),
    ("Show/Subs", "Show/Text"),
    ("Show/Subs/a.srt", "Show/a.srt"),
    ("Show", "Show/In/side"),
]


@pytest.mark.parametrize(("old", "new"), RENAMES)
def test_a_rename_leaves_nothing_behind(tmp_path, old, new):
    put_down(tmp_path, SHOW)
    assert not run(plan(tmp_path, old, new))
    assert found(tmp_path) == renamed(old, new)


@pytest.mark.parametrize(("old", "new"), RENAMES)
def test_a_rename_that_was_done_is_found_to_be_done(tmp_path, old, new):
    put_down(tmp_path, SHOW)
    move = plan(tmp_path, old, new)
    assert not relocate.is_done(move)
    run(move)
    assert relocate.is_done(move)
    run(move)
    assert found(tmp_path) == renamed(old, new)


def test_a_folder_is_dissolved_into_the_one_above(tmp_path):
    put_down(tmp_path, {"Show/Subs/a.srt": b"1", "Show/Subs/b.srt": b"2"})
    move = plan(tmp_path, "Show/Subs", "Show")
    run(move)
    assert found(tmp_path) == {"Show/a.srt": b"1", "Show/b.srt": b"2"}
    assert relocate.is_done(move)


def test_a_file_gets_a_folder_of_its_own_name_and_loses_it_again(tmp_path):
    put_down(tmp_path, {"Film.mkv": b"1"})
    run(plan(tmp_path, "Film.mkv", "Film.mkv/Film.mkv"))
    assert found(tmp_path) == {"Film.mkv/Film.mkv": b"1"}
    run(plan(tmp_path, "Film.mkv/Film.mkv", "Film.mkv"))
    assert found(tmp_path) == {"Film.mkv": b"1"}


def test_a_folder_that_holds_something_else_is_not_dissolved(tmp_path):
    put_down(tmp_path, {"Show/Subs/a.srt": b"1", "Show/mine": b"2"})
    move = plan(tmp_path, "Show/Subs", "Show")
    with pytest.raises(FileExistsError):
        relocate.begin(move)
    assert not relocate.is_done(move)
    relocate.undo(move)
    assert found(tmp_path) == {"Show/Subs/a.srt": b"1", "Show/mine": b"2"}


@pytest.mark.parametrize(("old", "new"), RENAMES[:5])
def test_nothing_that_is_there_is_replaced(tmp_path, old, new):
    put_down(tmp_path, SHOW)
    put_down(tmp_path, {new: b"somebody else's"})
    move = plan(tmp_path, old, new)
    with pytest.raises(FileExistsError):
        relocate.begin(move)
    assert not relocate.is_done(move)
    relocate.undo(move)
    assert found(tmp_path) == {**SHOW, new: b"somebody else's"}


def test_folders_made_for_a_rename_that_failed_are_removed(tmp_path):
    put_down(tmp_path, SHOW)
    move = plan(tmp_path, "Show/a.mkv", "Show/x/y/b.mkv")
    with Disk(tmp_path) as broken:
        broken.fails("rename", 5, times=1)
        with pytest.raises(DiskTrouble):
            relocate.begin(move)
    relocate.undo(move)
    assert found(tmp_path) == SHOW


def test_files_that_somebody_took_cannot_be_moved(tmp_path, elsewhere):
    for move in (plan(tmp_path, "Show", "Other"), plan(tmp_path, "Show", "Show/In")):
        with pytest.raises(relocate.NothingThere):
            relocate.begin(move)
        assert not relocate.is_done(move)
    with pytest.raises(relocate.NothingThere):
        relocate.copy(plan(tmp_path, "Show", "Show", elsewhere), threading.Event())


def test_another_file_system_gets_a_copy_and_the_source_goes(tmp_path, elsewhere):
    put_down(tmp_path, SHOW)
    (tmp_path / "Show/link").symlink_to("a.mkv")
    os.utime(tmp_path / "Show/a.mkv", (1_000, 2_000))
    target = elsewhere / "new" / "folder"

    assert run(plan(tmp_path, "Show", "Show", target))

    assert (target / "Show/link").readlink() == Path("a.mkv")
    assert (target / "Show/a.mkv").stat().st_mtime == 2_000
    (target / "Show/link").unlink()
    assert found(target) == SHOW
    assert found(tmp_path) == {}


def test_a_single_file_is_copied_as_well(tmp_path, elsewhere):
    put_down(tmp_path, {"Film.mkv": b"1" * 10_000_000})
    assert run(plan(tmp_path, "Film.mkv", "Film.mkv", elsewhere))
    assert found(elsewhere) == {"Film.mkv": b"1" * 10_000_000}
    assert found(tmp_path) == {}


def test_until_a_copy_is_whole_nothing_has_its_name(tmp_path, elsewhere):
    put_down(tmp_path, SHOW)
    stopping = threading.Event()
    stopping.set()
    move = plan(tmp_path, "Show", "Show", elsewhere)
    with pytest.raises(Stopped):
        relocate.copy(move, stopping)
    assert not (elsewhere / "Show").exists()
    assert not relocate.is_done(move)
    relocate.undo(move)
    assert found(elsewhere) == {}
    assert found(tmp_path) == SHOW


def test_a_copy_begun_before_a_crash_is_made_anew(tmp_path, elsewhere):
    put_down(tmp_path, SHOW)
    put_down(elsewhere / f".{HASH}.moving", {"a.mkv": b"half", "more": b"?"})
    assert run(plan(tmp_path, "Show", "Show", elsewhere))
    assert found(elsewhere) == SHOW


def test_a_name_that_is_taken_on_the_other_file_system_is_left_alone(tmp_path, elsewhere):
    put_down(tmp_path, SHOW)
    put_down(elsewhere, {"Show/mine": b"1"})
    move = plan(tmp_path, "Show", "Show", elsewhere)
    assert not relocate.begin(move)
    with pytest.raises(FileExistsError):
        relocate.copy(move, threading.Event())
    assert not relocate.is_done(move)
    relocate.undo(move)
    assert found(elsewhere) == {"Show/mine": b"1"}


def test_a_name_that_was_taken_during_the_copy_is_left_alone(tmp_path, elsewhere):
    put_down(tmp_path, SHOW)
    move = plan(tmp_path, "Show", "Show", elsewhere)
    relocate.copy(move, threading.Event())
    put_down(elsewhere, {"Show": b"mine"})
    copied = msgspec.structs.replace(move, copied=True)
    with pytest.raises(FileExistsError):
        relocate.take_over(copied)
    assert not relocate.is_done(copied)
    relocate.undo(copied)
    assert found(elsewhere) == {"Show": b"mine"}
    assert found(tmp_path) == SHOW


def test_a_copy_that_got_its_name_before_a_crash_is_ours(tmp_path, elsewhere):
    put_down(tmp_path, SHOW)
    put_down(elsewhere, SHOW)
    move = msgspec.structs.replace(plan(tmp_path, "Show", "Show", elsewhere), copied=True)
    assert relocate.is_done(move)
    relocate.take_over(move)
    assert found(elsewhere) == SHOW
    assert found(tmp_path) == {}


def test_what_somebody_put_there_during_the_copy_stays(tmp_path, elsewhere):
    put_down(tmp_path, SHOW)
    move = plan(tmp_path, "Show", "Show", elsewhere)
    relocate.copy(move, threading.Event())
    put_down(tmp_path, {"Show/Subs/new.srt": b"new"})
    relocate.take_over(msgspec.structs.replace(move, copied=True))
    assert found(elsewhere) == SHOW
    assert found(tmp_path) == {"Show/Subs/new.srt": b"new"}


def test_what_is_no_file_is_not_copied(tmp_path, elsewhere):
    put_down(tmp_path, SHOW)
    os.mkfifo(tmp_path / "Show/pipe")
    with pytest.raises(DiskTrouble, match="pipe"):
        relocate.copy(plan(tmp_path, "Show", "Show", elsewhere), threading.Event())


def test_many_folders_in_one_another_are_copied(tmp_path, elsewhere):
    deep = "/".join("d" * 500)
    (tmp_path / deep).mkdir(parents=True)
    assert run(plan(tmp_path, "d", "d", elsewhere))
    assert (elsewhere / deep).is_dir()
    assert found(tmp_path) == {}


def test_a_path_through_a_link_is_not_plain(tmp_path):
    put_down(tmp_path, SHOW)
    (tmp_path / "Show/Link").symlink_to(tmp_path / "Show/Subs")
    assert relocate.is_plain(tmp_path, "Show/Subs/a.srt")
    assert relocate.is_plain(tmp_path, "Show/none/a.srt")
    assert relocate.is_plain(tmp_path, "Show")
    assert not relocate.is_plain(tmp_path, "Show/Link/a.srt")
    with tempfile.TemporaryDirectory() as outside:
        link = Path(outside) / "link"
        link.symlink_to(tmp_path)
        assert relocate.is_plain(link, "Show/a.mkv")  # where the user put the folder is his matter


def test_room_and_disks_are_told(tmp_path, elsewhere):
    put_down(tmp_path, SHOW)
    assert relocate.bytes_of(tmp_path / "Show") >= 5300
    assert relocate.same_disk(tmp_path / "Show", tmp_path)
    assert not relocate.same_disk(tmp_path / "Show", elsewhere)
    with pytest.raises(DiskTrouble):
        relocate.same_disk(tmp_path / "none", tmp_path)


def test_a_rename_is_not_said_to_be_done_before_it_would_survive_a_power_cut(tmp_path):
    put_down(tmp_path, SHOW)
    with Disk(tmp_path) as watched:
        run(plan(tmp_path, "Show/a.mkv", "Show/New/a.mkv"))
    kinds = [call.kind for call in watched.calls]
    assert kinds.index("mkdir") < kinds.index("rename") < len(kinds) - 1
    synced = [call.path for call in watched.calls[kinds.index("rename") :] if call.kind == "fsync"]
    assert synced == [tmp_path / "Show/New", tmp_path / "Show"]


def test_disk_rename_leaves_another_file_system_alone(tmp_path, elsewhere):
    put_down(tmp_path, SHOW)
    assert not disk.rename(tmp_path / "Show", elsewhere / "Show")
    assert found(tmp_path) == SHOW
    assert found(elsewhere) == {}
