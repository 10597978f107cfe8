from engine.store import removals, torrents
from tests.engine.store.samples import infohash, removal, torrent


def test_removals_come_back_by_magnet(db):
    removals.save(db, removal(9))
    removals.save(db, removal(7, 2))
    assert removals.load_all(db) == [removal(7, 2), removal(9)]


def test_a_magnet_is_to_be_removed_only_once(db):
    removals.save(db, removal(9, 1))
    removals.save(db, removal(9, 2))
    assert removals.load_all(db) == [removal(9, 2)]


def test_a_removal_outlives_its_torrent(db):
    torrents.save(db, torrent())
    removals.save(db, removal(9))
    torrents.delete(db, infohash(1))
    assert removals.load_all(db) == [removal(9)]


def test_what_is_removed_is_forgotten_and_others_stay(db):
    for magnet_id in (7, 8, 9):
        removals.save(db, removal(magnet_id))
    removals.delete(db, 8)
    removals.delete(db, 1234)
    assert removals.load_all(db) == [removal(7), removal(9)]
    removals.delete_all(db)
    assert removals.load_all(db) == []
