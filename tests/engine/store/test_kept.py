"""The .torrent files that came along: the newest, byte by byte, as long as somebody needs them."""

import pytest

from engine.store import kept, pushes
from tests.engine.store.samples import infohash, push

DATA = bytes(range(256))
LONG_AGO, OLD, UNNEEDED, NOW = 100, 200, 300, 400
"""Two ages to forget at, and a time before and one after both."""


def keep(db, number, at, state=""):
    kept.put(db, infohash(number), DATA, at)
    if state:
        pushes.add(db, push(number, state=state))


def left(db):
    kept.prune(db, OLD, UNNEEDED)
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
