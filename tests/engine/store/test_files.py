import apsw
import pytest

from engine.store import files, torrents
from tests.engine.store.samples import file, infohash, torrent


@pytest.fixture(autouse=True)
def saved_torrents(db):
    for number in (1, 2):
        torrents.save(db, torrent(number))


def test_a_torrent_has_no_files_until_they_are_known(db):
    assert files.of(db, infohash(1)) == []
    assert files.load_all(db) == {}


def test_files_come_back_in_torrent_order(db):
    files.replace(db, infohash(1), [file(1, index) for index in (10, 2, 0)])
    assert files.of(db, infohash(1)) == [file(1, index) for index in (0, 2, 10)]


def test_all_files_come_back_by_torrent(db):
    files.replace(db, infohash(2), [file(2, 1), file(2, 0)])
    files.replace(db, infohash(1), [file(1, 0)])
    assert files.load_all(db) == {infohash(1): [file(1, 0)], infohash(2): [file(2, 0), file(2, 1)]}


def test_replacing_takes_the_place_of_all_files_of_that_torrent_only(db):
    files.replace(db, infohash(1), [file(1, 0), file(1, 1)])
    files.replace(db, infohash(2), [file(2, 0)])
    files.replace(db, infohash(1), [file(1, 0, path="other.mkv")])
    assert files.of(db, infohash(1)) == [file(1, 0, path="other.mkv")]
    assert files.of(db, infohash(2)) == [file(2, 0)]


def test_replacing_with_nothing_leaves_no_files(db):
    files.replace(db, infohash(1), [file(1, 0)])
    files.replace(db, infohash(1), [])
    assert files.of(db, infohash(1)) == []


def test_another_torrents_file_is_refused_before_anything_is_replaced(db):
    files.replace(db, infohash(1), [file(1, 0)])
    with pytest.raises(ValueError, match="file 1 is of torrent"):
        files.replace(db, infohash(1), [file(1, 0), file(2, 1)])
    assert files.of(db, infohash(1)) == [file(1, 0)]


def test_files_of_a_torrent_that_is_not_there_are_refused(db):
    with pytest.raises(apsw.ConstraintError):
        files.replace(db, infohash(9), [file(9, 0)])


def test_a_priority_changes_its_files_only_and_nothing_else_of_them(db):
    files.replace(db, infohash(1), [file(1, 0), file(1, 1), file(1, 2)])
    files.replace(db, infohash(2), [file(2, 0)])
    files.set_priority(db, infohash(1), [0, 2, 99], 0)
    changed = [file(1, 0, priority=0), file(1, 1), file(1, 2, priority=0)]
    assert files.of(db, infohash(1)) == changed
    assert files.of(db, infohash(2)) == [file(2, 0)]


def test_a_checkpoint_changes_its_file_only(db):
    files.replace(db, infohash(1), [file(1, 0), file(1, 1)])
    files.checkpoint(db, infohash(1), 1, 123, '"new"', "today")
    assert files.of(db, infohash(1)) == [
        file(1, 0),
        file(1, 1, flushed=123, etag='"new"', last_modified="today"),
    ]


def test_a_checkpoint_of_a_file_that_is_gone_does_nothing(db):
    files.checkpoint(db, infohash(1), 0, 123, "", "")
    assert files.load_all(db) == {}
