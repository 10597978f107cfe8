"""What is remembered of releases: the most recent first, and not for ever."""

from engine.store import releases
from engine.store.releases import MOST_CANDIDATES
from tests.engine.store.samples import infohash, release


def hashes(records):
    return [int(record.infohash, 16) for record in records]


def save(db, *records):
    for record in records:
        releases.save(db, record)


def test_a_release_comes_back_with_every_field(db):
    save(db, release(1))

    assert releases.load_all(db) == [release(1)]


def test_the_most_recent_comes_first_whatever_came_in_last(db):
    save(db, release(1, seen_at=20), release(2, seen_at=30), release(3, seen_at=10))

    assert hashes(releases.load_all(db)) == [2, 1, 3]


def test_only_those_with_the_same_numbers_are_candidates(db):
    save(
        db,
        release(1, start="a", seen_at=1),
        release(2, start="b"),
        release(3, start="a", seen_at=3),
        release(4, start="a.b"),
        release(5, start=""),
    )

    assert hashes(releases.candidates(db, "a")) == [3, 1]
    assert hashes(releases.candidates(db, "")) == [5]
    assert releases.candidates(db, "c") == []


def test_no_more_candidates_are_read_than_are_looked_at_and_those_are_the_most_recent(db):
    save(db, *(release(n, start="1") for n in range(MOST_CANDIDATES + 10)))

    found = releases.candidates(db, "1")
    assert len(found) == MOST_CANDIDATES
    assert hashes(found)[0] == MOST_CANDIDATES + 9


def test_one_that_is_seen_again_is_kept_once_with_the_best_that_is_known(db):
    save(db, release(1, size=5, seen_at=10), release(1, size=0, seen_at=20))
    save(db, release(1, size=7, seen_at=15))

    assert releases.load_all(db) == [release(1, size=7, seen_at=20)]


def test_what_a_name_is_found_by_is_renewed_with_it(db):
    """It is made by this program: what an older one made must not stay for ever."""
    save(db, release(1, start="as made before"), release(1, start="as made now"))

    assert releases.candidates(db, "as made before") == []
    assert hashes(releases.candidates(db, "as made now")) == [1]


def test_one_name_may_be_two_torrents_and_one_torrent_may_have_two_names(db):
    save(db, release(1), release(1, infohash=infohash(2)), release(1, name="Another"))

    assert len(releases.load_all(db)) == 3


def test_what_was_not_seen_for_long_is_forgotten(db):
    save(db, release(1, seen_at=99), release(2, seen_at=100))
    releases.prune(db, 100, 1_000)

    assert hashes(releases.load_all(db)) == [2]


def test_of_too_many_the_most_recent_stay(db):
    save(db, *(release(n) for n in range(10)))
    releases.prune(db, 0, 3)

    assert hashes(releases.load_all(db)) == [9, 8, 7]
    releases.prune(db, 0, 0)
    assert releases.load_all(db) == []


def test_of_too_many_of_one_moment_exactly_as_many_stay(db):
    save(db, *(release(n, seen_at=5) for n in range(10)))
    releases.prune(db, 0, 3)

    assert len(releases.load_all(db)) == 3
