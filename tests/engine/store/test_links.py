from engine.store import files, links, torrents
from tests.engine.store.samples import file, infohash, torrent, unlocked


def test_a_link_that_was_never_unlocked_is_not_there(db):
    assert links.get(db, unlocked().link) is None


def test_an_unlocked_link_comes_back_as_it_was_put(db):
    links.put(db, unlocked())
    assert links.get(db, unlocked().link) == unlocked()


def test_a_newer_unlocked_link_takes_the_place_of_the_older(db):
    newer = unlocked(url="https://y.debrid.it/dl/other", unlocked_at=2, max_connections=0)
    links.put(db, unlocked())
    links.put(db, newer)
    assert links.get(db, newer.link) == newer


def test_a_forgotten_link_is_gone_and_others_stay(db):
    links.put(db, unlocked("a"))
    links.put(db, unlocked("b"))
    links.forget(db, "a")
    links.forget(db, "never there")
    assert (links.get(db, "a"), links.get(db, "b")) == (None, unlocked("b"))


def test_the_links_of_a_torrents_files_are_forgotten_and_others_stay(db):
    for number in (1, 2):
        torrents.save(db, torrent(number))
        files.replace(db, infohash(number), [file(number, index) for index in range(2)])
        for index in range(2):
            links.put(db, unlocked(file(number, index).link))
    links.forget_of(db, infohash(1))
    assert [links.get(db, file(1, index).link) for index in range(2)] == [None, None]
    assert links.get(db, file(2).link) is not None


def test_all_links_are_forgotten_at_once(db):
    links.put(db, unlocked("a"))
    links.put(db, unlocked("b"))
    links.forget_all(db)
    assert (links.get(db, "a"), links.get(db, "b")) == (None, None)


def test_pruning_drops_what_was_unlocked_before_a_time(db):
    for link, at in (("a", 99), ("b", 100), ("c", 101)):
        links.put(db, unlocked(link, unlocked_at=at))
    links.prune(db, 100)
    assert [links.get(db, link) is not None for link in ("a", "b", "c")] == [False, True, True]
