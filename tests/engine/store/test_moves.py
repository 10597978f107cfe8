import msgspec
import pytest

from engine.store import moves, torrents
from engine.store.records import MoveRecord
from tests.engine.store.samples import infohash, torrent


def move(number: int = 1) -> MoveRecord:
    return MoveRecord(
        torrent=infohash(number),
        source="/downloads/complete",
        target="/library",
        old="Show",
        new="Show (2)",
        auto_managed=True,
    )


@pytest.fixture
def db(db):
    for number in (1, 2):
        torrents.save(db, torrent(number))
    return db


def test_moves_come_back_by_torrent(db):
    moves.save(db, move(2))
    moves.save(db, move(1))
    assert moves.load_all(db) == [move(1), move(2)]


def test_a_torrent_has_one_move_which_may_get_further(db):
    moves.save(db, move())
    further = msgspec.structs.replace(move(), copied=True)
    moves.save(db, further)
    assert moves.load_all(db) == [further]


def test_a_move_that_is_over_is_forgotten_and_others_stay(db):
    moves.save(db, move(1))
    moves.save(db, move(2))
    moves.delete(db, infohash(1))
    moves.delete(db, infohash(1))
    assert moves.load_all(db) == [move(2)]


def test_a_move_goes_with_its_torrent(db):
    moves.save(db, move(1))
    torrents.delete(db, infohash(1))
    assert moves.load_all(db) == []
