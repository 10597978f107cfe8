from engine.store import events, torrents
from tests.engine.store.samples import event, infohash, torrent


def test_events_come_back_in_the_order_they_were_recorded(db):
    torrents.save(db, torrent())
    recorded = [event(at=at, kind=f"kind_{at}") for at in (5, 5, 3, 9)]
    for one in recorded:
        events.record(db, one)
    assert events.of(db, infohash(1)) == recorded


def test_only_the_newest_events_of_a_torrent_are_kept(db):
    for number in (1, 2):
        torrents.save(db, torrent(number))
    for at in range(510):
        events.record(db, event(1, at))
        if at < 3:
            events.record(db, event(2, at))
    assert [one.at for one in events.of(db, infohash(1))] == list(range(10, 510))
    assert [one.at for one in events.of(db, infohash(2))] == [0, 1, 2]


def test_an_event_of_a_torrent_that_is_gone_is_dropped(db):
    events.record(db, event())
    assert events.of(db, infohash(1)) == []
