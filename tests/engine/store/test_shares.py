import apsw
import pytest

from engine.store import shares, torrents
from engine.store.records import ShareRecord
from tests.engine.store.samples import infohash, torrent


def share(number: int = 1, category: str = "tv-4k", **fields) -> ShareRecord:
    return ShareRecord(
        torrent=infohash(number),
        category=category,
        save_path="/downloads/complete/tv-4k",
        **{"root": "Show", "done": True, "reason": "none", **fields},
    )


@pytest.fixture
def db(db):
    for number in (1, 2):
        torrents.save(db, torrent(number))
    return db


def test_shares_come_back_by_torrent_in_the_order_they_came(db):
    shares.replace(db, infohash(2), [share(2)])
    shares.replace(db, infohash(1), [share(1, "z"), share(1, "a")])
    assert shares.load_all(db) == {
        infohash(1): [share(1, "z"), share(1, "a")],
        infohash(2): [share(2)],
    }


def test_replacing_takes_the_place_of_all_shares_of_that_torrent_only(db):
    shares.replace(db, infohash(2), [share(2)])
    shares.replace(db, infohash(1), [share(1)])
    shares.replace(db, infohash(1), [])
    assert shares.load_all(db) == {infohash(2): [share(2)]}


def test_a_torrent_has_a_category_once(db):
    with pytest.raises(apsw.ConstraintError):
        shares.replace(db, infohash(1), [share(), share()])


def test_shares_go_with_their_torrent(db):
    shares.replace(db, infohash(1), [share()])
    torrents.delete(db, infohash(1))
    assert shares.load_all(db) == {}
