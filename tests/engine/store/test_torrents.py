import apsw
import msgspec
import pytest

from engine.store import events, files, torrents
from engine.store.records import TorrentRecord
from tests.engine.store.samples import event, file, infohash, torrent


def test_a_torrent_comes_back_as_it_was_saved(db):
    torrents.save(db, torrent())
    assert torrents.load_all(db) == [torrent()]


def test_a_torrent_with_nothing_but_what_it_must_have_comes_back(db):
    record = TorrentRecord(
        hash=infohash(1), name="n", state="added", save_path="/downloads", added_at=1
    )
    torrents.save(db, record)
    assert torrents.load_all(db) == [record]


def test_torrents_come_back_in_the_order_they_were_first_saved(db):
    for number in (3, 1, 2):
        torrents.save(db, torrent(number))
    torrents.save(db, torrent(3, name="changed"))
    assert [record.hash for record in torrents.load_all(db)] == [infohash(n) for n in (3, 1, 2)]


def test_saving_again_updates_the_torrent_and_keeps_what_belongs_to_it(db):
    torrents.save(db, torrent())
    torrents.save_metainfo(db, infohash(1), b"metainfo")
    files.replace(db, infohash(1), [file()])
    events.record(db, event())

    changed = torrent(state="completed", tags=(), completed_at=5, owned=False)
    torrents.save(db, changed)

    assert torrents.load_all(db) == [msgspec.structs.replace(changed, has_metainfo=True)]
    assert torrents.metainfo(db, infohash(1)) == b"metainfo"
    assert files.of(db, infohash(1)) == [file()]
    assert events.of(db, infohash(1)) == [event()]


def test_deleting_a_torrent_deletes_all_that_belongs_to_it_and_nothing_else(db):
    for number in (1, 2):
        torrents.save(db, torrent(number))
        torrents.save_metainfo(db, infohash(number), b"metainfo")
        files.replace(db, infohash(number), [file(number)])
        events.record(db, event(number))

    torrents.delete(db, infohash(1))

    assert [record.hash for record in torrents.load_all(db)] == [infohash(2)]
    assert torrents.metainfo(db, infohash(1)) is None
    assert torrents.metainfo(db, infohash(2)) == b"metainfo"
    assert files.load_all(db) == {infohash(2): [file(2)]}
    assert events.of(db, infohash(1)) == []
    assert events.of(db, infohash(2)) == [event(2)]


def test_deleting_a_torrent_that_is_not_there_does_nothing(db):
    torrents.save(db, torrent())
    torrents.delete(db, infohash(9))
    assert len(torrents.load_all(db)) == 1


def test_has_metainfo_says_whether_the_metainfo_is_there_whatever_was_saved(db):
    torrents.save(db, torrent(1, has_metainfo=True))
    torrents.save(db, torrent(2, has_metainfo=False))
    torrents.save_metainfo(db, infohash(2), b"metainfo")
    assert [record.has_metainfo for record in torrents.load_all(db)] == [False, True]


def test_metainfo_comes_back_byte_for_byte_and_may_be_replaced(db):
    torrents.save(db, torrent())
    data = bytes(range(256)) * 40_000
    torrents.save_metainfo(db, infohash(1), b"first")
    torrents.save_metainfo(db, infohash(1), data)
    assert torrents.metainfo(db, infohash(1)) == data


def test_metainfo_of_a_torrent_that_is_not_there_is_refused(db):
    with pytest.raises(apsw.ConstraintError):
        torrents.save_metainfo(db, infohash(1), b"metainfo")
