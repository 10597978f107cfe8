"""The .torrent files that came along: the newest, byte by byte, as long as somebody needs them."""

import contextlib

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.store import kept, pushes
from engine.store.schema import migrate
from tests.engine.store.samples import infohash, push

DATA = bytes(range(256))
LONG_AGO, OLD, UNNEEDED, NOW = 100, 200, 300, 400
"""Two ages to forget at, and a time before and one after both."""


def keep(db, number, at, state=""):
    kept.put(db, infohash(number), DATA, at)
    if state:
        pushes.add(db, push(number, state=state))


def left(db, most=10_000):
    kept.prune(db, OLD, UNNEEDED, most)
    return [number for number in range(1, 9) if kept.has(db, infohash(number))]


def test_the_bytes_come_back_as_they_are(db):
    kept.put(db, infohash(1), DATA, NOW)
    kept.put(db, infohash(2), b"", NOW)

    assert kept.get(db, infohash(1)) == DATA
    assert kept.get(db, infohash(2)) == b""
    assert kept.has(db, infohash(1))


def test_what_was_never_kept_is_not_there(db):
    assert kept.get(db, infohash(1)) is None
    assert not kept.has(db, infohash(1))
    assert not kept.has(db, "")


def test_a_newer_one_takes_the_place_of_an_older_and_its_age(db):
    kept.put(db, infohash(1), DATA, LONG_AGO)
    kept.put(db, infohash(1), b"newer", NOW)

    assert left(db) == [1]
    assert kept.get(db, infohash(1)) == b"newer"


@pytest.mark.parametrize("state", ["waiting", "approved"])
def test_what_goes_out_yet_is_kept_however_old_it_is(db, state):
    keep(db, 1, LONG_AGO, state)

    assert left(db) == [1]


def test_what_the_program_grabs_later_is_kept_until_it_is_old(db):
    keep(db, 1, OLD, "later")
    keep(db, 2, OLD - 1, "later")

    assert left(db) == [1]


@pytest.mark.parametrize(
    "state", ["", "grabbed", "rejected", "bad_payload", "refused", "expired", "ungrabbed"]
)
def test_what_nobody_is_going_to_fetch_is_forgotten_sooner(db, state):
    keep(db, 1, UNNEEDED, state)
    keep(db, 2, UNNEEDED - 1, state)

    assert left(db) == [1]


def test_what_one_program_has_got_is_kept_for_the_other(db):
    keep(db, 1, LONG_AGO, "grabbed")
    pushes.add(db, push(2, infohash=infohash(1), target="radarr"))

    assert left(db) == [1]


def test_a_release_without_a_torrent_keeps_nothing_and_harms_nothing(db):
    keep(db, 1, LONG_AGO, "waiting")
    keep(db, 2, LONG_AGO)
    pushes.add(db, push(3, infohash=""))

    assert left(db) == [1]


def test_what_was_touched_counts_as_if_it_had_come_then(db):
    for number in (1, 2):
        keep(db, number, LONG_AGO, "later")
    kept.touch(db, infohash(1), NOW)

    assert left(db) == [1]
    assert kept.get(db, infohash(1)) == DATA


def test_to_touch_what_is_not_there_keeps_nothing(db):
    kept.touch(db, infohash(1), NOW)

    assert not kept.has(db, infohash(1))


class TestBytes:
    """Together they are no more than so many bytes, whatever is announced."""

    def test_the_oldest_beyond_them_are_forgotten(self, db):
        for number, at in ((1, NOW + 2), (2, NOW), (3, NOW + 1)):
            keep(db, number, at, "later")

        assert left(db, 3 * len(DATA)) == [1, 2, 3]
        assert left(db, 3 * len(DATA) - 1) == [1, 3]
        assert left(db, len(DATA)) == [1]
        assert left(db, 0) == []

    def test_of_one_moment_exactly_as_many_stay_as_may(self, db):
        for number in range(1, 9):
            keep(db, number, NOW)

        assert len(left(db, 3 * len(DATA))) == 3

    @pytest.mark.parametrize("state", ["waiting", "approved"])
    def test_what_goes_out_yet_stays_beyond_them(self, db, state):
        keep(db, 1, LONG_AGO, state)
        keep(db, 2, NOW, "later")

        assert left(db, len(DATA)) == [1, 2]
        assert left(db, 0) == [1]

    def test_one_that_is_too_large_by_itself_is_forgotten_like_any_other(self, db):
        kept.put(db, infohash(1), DATA * 9, NOW)
        keep(db, 2, NOW + 1)

        assert left(db, 8 * len(DATA)) == [2]

    @given(
        st.lists(
            st.tuples(
                st.integers(0, 40),
                st.integers(UNNEEDED, NOW),
                st.sampled_from(["", "later", "waiting", "approved", "grabbed", "rejected"]),
            ),
            max_size=8,
        ),
        st.integers(0, 200),
    )
    def test_whatever_is_kept_the_newest_are_left_and_what_goes_out(self, given_, most):
        with contextlib.closing(apsw.Connection(":memory:")) as db:
            migrate(db)
            for number, (size, at, state) in enumerate(given_, 1):
                kept.put(db, infohash(number), bytes(size), at)
                if state:
                    pushes.add(db, push(number, state=state))
            stay = set(left(db, most))
        goes_out = {
            number for number, one in enumerate(given_, 1) if one[2] in ("waiting", "approved")
        }
        may_go = set(range(1, len(given_) + 1)) - goes_out
        assert goes_out <= stay
        for number in may_go:
            at = given_[number - 1][1]
            newer = [size for size, other, _ in given_ if other > at]
            older_too = [size for size, other, _ in given_ if other >= at]
            if sum(older_too) <= most:
                assert number in stay
            if sum(newer) + given_[number - 1][0] > most:
                assert number not in stay
