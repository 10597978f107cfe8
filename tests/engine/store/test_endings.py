from engine.store import endings, torrents
from tests.engine.store.samples import ending, infohash, torrent


def test_endings_come_back_oldest_first(db):
    endings.save(db, ending(1, at=20))
    endings.save(db, ending(2, at=10, failed=False, tried=True))

    assert endings.load_all(db) == [
        ending(2, at=10, failed=False, tried=True),
        ending(1, at=20),
    ]


def test_a_torrent_has_ended_in_one_way_only(db):
    endings.save(db, ending(1, at=10, tried=True))
    endings.save(db, ending(1, at=20, failed=False))

    assert endings.load_all(db) == [ending(1, at=20, failed=False)]


def test_who_acts_on_an_ending_says_so_first(db):
    endings.save(db, ending(1))
    endings.save(db, ending(2))

    assert endings.begin(db, ending(1))
    assert endings.load_all(db) == [ending(1, tried=True), ending(2)]
    assert endings.begin(db, ending(1))


def test_an_ending_that_is_void_is_not_acted_on(db):
    endings.save(db, ending(1, at=20))

    assert not endings.begin(db, ending(1, at=10))
    assert not endings.begin(db, ending(1, at=20, failed=False))
    assert not endings.begin(db, ending(2))
    assert endings.load_all(db) == [ending(1, at=20)]


def test_what_was_told_is_forgotten_and_what_came_after_it_stays(db):
    endings.save(db, ending(1, at=10))
    endings.begin(db, ending(1, at=10))
    endings.save(db, ending(2, at=20))
    endings.told(db, ending(1, at=10))
    endings.told(db, ending(2, at=10))

    assert endings.load_all(db) == [ending(2, at=20)]


def test_an_ending_outlives_its_torrent_only_when_somebody_acted_on_it(db):
    for number in (1, 2):
        torrents.save(db, torrent(number))
        endings.save(db, ending(number))
    endings.begin(db, ending(1))
    for number in (1, 2):
        torrents.delete(db, infohash(number))
        endings.deleted(db, infohash(number))

    assert endings.load_all(db) == [ending(1, tried=True)]


def test_a_torrent_that_goes_on_has_not_ended(db):
    for number in (1, 2, 3):
        endings.save(db, ending(number))
    endings.begin(db, ending(1))
    endings.forget(db, infohash(1))

    assert endings.load_all(db) == [ending(2), ending(3)]
    endings.delete_all(db)
    assert endings.load_all(db) == []
