import os
import random
import tempfile
from pathlib import Path

from engine.jobs.publish import Found, look
from engine.jobs.states import State
from engine.store.records import FileRecord
from tests.engine.jobs.world import Torrent

BYTES = random.Random(3).randbytes

FILM = Torrent("Film.2024.mkv", BYTES(100_000))
SAME_NAME = Torrent("Film.2024.mkv", BYTES(90_000))
SHOW = Torrent("Show.S01", {"a.mkv": BYTES(50_000), "b/c.mkv": BYTES(50_000)})


async def test_nothing_that_is_there_is_replaced(world):
    world.hold(FILM)
    await world.start()
    there = world.complete / "Film.2024.mkv"
    there.write_bytes(b"somebody else's")
    await world.add(FILM)

    await world.completes(FILM)

    assert there.read_bytes() == b"somebody else's"
    assert world.view(FILM).content_path == str(world.complete / "Film.2024 (2).mkv")
    assert "renamed" in await world.kinds(FILM)


async def test_a_folder_gets_a_free_name_too_and_its_files_with_it(world):
    world.hold(SHOW)
    await world.start()
    (world.complete / "Show.S01").mkdir()
    (world.complete / "Show (2).S01").symlink_to("nowhere")
    (world.complete / "Show.S01 (2)").symlink_to("nowhere")
    await world.add(SHOW)

    await world.completes(SHOW)

    root = world.view(SHOW).record.root
    assert "(3)" in root
    assert [file.path for file in world.jobs.files(SHOW.infohash)] == [
        f"{root}/a.mkv",
        f"{root}/b/c.mkv",
    ]


async def test_two_torrents_of_one_name_both_arrive(world):
    world.hold(FILM)
    world.hold(SAME_NAME)
    await world.start()

    await world.add(FILM)
    await world.add(SAME_NAME)

    await world.completes(FILM)
    await world.completes(SAME_NAME)


async def test_a_folder_that_cannot_be_written_fails_the_torrent_and_resuming_finishes_it(world):
    world.hold(FILM)
    await world.start()
    blocked = world.folder / "library"
    blocked.write_bytes(b"a file where the folder should be")
    await world.add(FILM, save_path=str(blocked))
    await world.reaches(FILM, State.ERROR)
    assert str(blocked) in world.reason(FILM)
    served = world.host.served

    blocked.unlink()
    await world.jobs.resume([FILM.infohash])

    await world.completes(FILM)
    assert world.host.served == served


async def test_resuming_after_a_rename_that_failed_half_way_loses_nothing(world):
    world.hold(SHOW)
    await world.start()
    await world.add(SHOW, paused=True)
    await world.jobs.resume([SHOW.infohash])
    await world.completes(SHOW)
    served = world.host.served
    record = world.view(SHOW).record
    folder = world.incomplete(SHOW)
    folder.mkdir()
    (world.complete / "Show.S01").rename(folder / "Show.S01")
    ledger = world.jobs._ledger
    renamed = [
        FileRecord(
            torrent=record.hash,
            index=file.index,
            path=file.path.replace("Show.S01", "Show (2).S01"),
            size=file.size,
            flushed=file.size,
        )
        for file in world.jobs.files(SHOW.infohash)
    ]
    await ledger.change(record.hash, records=renamed, root="Show (2).S01", completed_at=0)
    await ledger.move(record.hash, State.ERROR, reason="a crash came in between")

    await world.jobs.resume([SHOW.infohash])

    await world.completes(SHOW)
    assert (world.complete / "Show (2).S01" / "a.mkv").exists()
    assert world.host.served == served


def _files(*paths: str) -> list[FileRecord]:
    return [
        FileRecord(torrent="0" * 40, index=index, path=path, size=3)
        for index, path in enumerate(paths)
    ]


def test_what_is_found_tells_what_to_do(tmp_path):
    folder, final = tmp_path / "ours", tmp_path / "complete" / "name"
    final.parent.mkdir()
    assert look(folder, final, _files("name")) is Found.LOST

    folder.mkdir()
    (folder / "name").write_bytes(b"123")
    assert look(folder, final, _files("name")) is Found.FREE

    final.write_bytes(b"456")
    assert look(folder, final, _files("name")) is Found.TAKEN

    (folder / "name").unlink()
    assert look(folder, final, _files("name")) is Found.DONE


def test_a_name_that_was_stored_but_not_taken_is_taken_by_looking(tmp_path):
    folder = tmp_path / "ours"
    folder.mkdir()
    (folder / "name").write_bytes(b"123")

    assert look(folder, tmp_path / "name (2)", _files("name (2)")) is Found.FREE

    assert (folder / "name (2)").read_bytes() == b"123"


def test_a_whole_copy_on_another_file_system_is_ours(tmp_path):
    folder = tmp_path / "ours"
    folder.mkdir()
    (folder / "name").write_bytes(b"123")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as memory:
        final = Path(memory) / "name"
        assert final.parent.stat().st_dev != folder.stat().st_dev
        final.write_bytes(b"12")
        assert look(folder, final, _files("name")) is Found.TAKEN

        final.write_bytes(b"123")
        assert look(folder, final, _files("name")) is Found.DONE


async def test_a_final_folder_on_another_file_system_gets_a_copy(world):
    world.hold(SHOW)
    await world.start()
    with tempfile.TemporaryDirectory(dir="/dev/shm") as memory:
        await world.add(SHOW, save_path=memory)

        await world.completes(SHOW)

        assert os.listdir(memory) == ["Show.S01"]  # noqa: PTH208 - one name is all there is
