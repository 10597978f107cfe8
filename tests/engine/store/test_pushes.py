"""Releases on their way: their order, which are the same, and which are forgotten."""

import contextlib

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.store import pushes
from engine.store.schema import migrate
from tests.engine.store.samples import infohash, push, tried_push

OPEN = ("waiting", "approved")
ENDED = ("grabbed", "later", "rejected", "bad_payload", "refused", "expired", "ungrabbed")


def ids(records):
    return [int(record.id, 16) for record in records]


def everything(db):
    return ids(reversed(pushes.recent(db, 1_000)))


def add(db, *records):
    for record in records:
        pushes.add(db, record)


def test_a_push_comes_back_with_every_field(db):
    add(db, push(1), tried_push(2))

    assert pushes.get(db, push(1).id) == push(1)
    assert pushes.get(db, push(2).id) == tried_push(2)
    assert pushes.get(db, push(3).id) is None


def test_they_go_out_in_the_order_they_were_accepted_and_each_program_has_its_own(db):
    add(db, push(3), push(1), push(2, target="radarr"), push(4, state="approved"))

    assert pushes.first(db, "waiting", "sonarr") == push(3)
    assert pushes.first(db, "waiting", "radarr") == push(2, target="radarr")
    assert ids(pushes.in_state(db, "waiting")) == [3, 1, 2]
    assert pushes.first(db, "approved", "radarr") is None


def test_a_push_that_is_saved_keeps_its_place(db):
    add(db, push(1), push(2), push(3))
    pushes.save(db, push(1, attempts=7))

    assert pushes.first(db, "waiting", "sonarr") == push(1, attempts=7)
    assert everything(db) == [1, 2, 3]


def test_one_that_is_added_again_goes_behind_all_others_and_is_there_once(db):
    add(db, tried_push(1, state="rejected"), push(2), push(3), push(1))

    assert everything(db) == [2, 3, 1]
    assert pushes.get(db, push(1).id) == push(1)


def test_the_first_is_looked_for_among_all_but_some(db):
    add(db, push(1), push(2), push(3, target="radarr"), push(4))

    def first(*but, target="sonarr"):
        found = pushes.first(db, "waiting", target, [push(number).id for number in but])
        return None if found is None else int(found.id, 16)

    assert first() == 1
    assert first(1) == 2
    assert first(2) == 1
    assert first(1, 2) == 4
    assert first(4, 2, 1) is None
    assert first(1, 2, 9, target="radarr") == 3


def test_those_that_are_left_out_may_have_any_id_and_any_number(db):
    add(db, push(1), push(2))
    strange = ['"', "'); --", "", "é", *(push(number).id for number in range(3, 5_000))]

    assert pushes.first(db, "waiting", "sonarr", strange) == push(1)
    assert pushes.first(db, "waiting", "sonarr", {*strange, push(1).id}) == push(2)
    assert pushes.first(db, "waiting", "sonarr", {push(1).id: 1.0, push(2).id: 2.0}) is None


@given(st.lists(st.tuples(st.sampled_from(["add", "save"]), st.integers(1, 6))))
def test_whatever_moves_the_order_is_that_of_the_last_moves(steps):
    expected = []
    with contextlib.closing(apsw.Connection(":memory:")) as db:
        migrate(db)
        for step, number in steps:
            if step == "save" and number not in expected:
                continue
            {
                "add": lambda n: pushes.add(db, push(n)),
                "save": lambda n: pushes.save(db, push(n, attempts=1)),
            }[step](number)
            if step == "add":
                expected = [*(one for one in expected if one != number), number]
        assert everything(db) == expected


def test_the_recent_ones_are_the_last_and_the_last_comes_first(db):
    add(db, *map(push, range(1, 8)))

    assert ids(pushes.recent(db, 3)) == [7, 6, 5]


def test_all_pushes_of_a_torrent_are_found_in_their_order(db):
    add(db, push(1), push(2), push(3, infohash=infohash(1), target="radarr"))

    assert ids(pushes.of_torrent(db, infohash(1))) == [1, 3]
    assert pushes.of_torrent(db, infohash(9)) == []


class TestSame:
    """Which push is of the same release as one that is announced."""

    def same(self, db, number=1, target="sonarr", **changes):
        one = push(number, **changes)
        found = pushes.same(db, target, one.infohash, one.words)
        return None if found is None else int(found.id, 16)

    def test_one_torrent_is_one_release_whatever_it_is_called(self, db):
        add(db, push(1))

        assert self.same(db, words="another.name") == 1

    def test_the_last_one_of_a_torrent_counts(self, db):
        """There are two when a release without a torrent turned out to be one that is known."""
        add(db, push(2, infohash=infohash(1)), push(1), push(3, target="radarr"))

        assert self.same(db) == 1

    def test_two_programs_get_a_push_each(self, db):
        add(db, push(1))

        assert self.same(db, target="radarr") is None

    def test_two_torrents_of_one_name_are_two_releases(self, db):
        add(db, push(1))

        assert self.same(db, infohash=infohash(2)) is None

    @pytest.mark.parametrize(("first", "second"), [("", ""), (infohash(1), ""), ("", infohash(1))])
    def test_the_name_decides_where_one_torrent_is_not_known(self, db, first, second):
        add(db, push(1, infohash=first))

        assert self.same(db, infohash=second) == 1
        assert self.same(db, infohash=second, words="another.name") is None
        assert self.same(db, infohash=second, target="radarr") is None

    def test_the_torrent_comes_before_the_name(self, db):
        add(db, push(1), push(2, infohash="", words=push(1).words))

        assert self.same(db) == 1

    def test_a_torrent_that_is_known_elsewhere_is_found_by_its_name_here(self, db):
        add(db, push(1, target="radarr"), push(2, infohash="", words=push(1).words))

        assert self.same(db) == 2

    def test_the_last_one_of_a_name_counts(self, db):
        words = push(1).words
        add(db, push(2, words=words), push(3, words=words), push(4, words=words, target="radarr"))

        assert self.same(db, infohash="") == 3

    def test_one_without_a_torrent_is_found_behind_others_of_its_name(self, db):
        words = push(1).words
        add(db, push(2, words=words, infohash=""), push(3, words=words))

        assert self.same(db) == 2


NAMELESS = {"infohash": "", "tried": True, "attempted_at": 100}
GUESSED = {"guessed": True, "tried": True, "attempted_at": 100}


@pytest.mark.parametrize("fields", [NAMELESS, GUESSED], ids=["nameless", "guessed"])
class TestUnsure:
    """Releases whose torrent nobody told, and one that is added may be theirs."""

    @pytest.mark.parametrize("state", ["waiting", "approved", "later", "ungrabbed"])
    def test_what_was_tried_and_may_be_grabbed_just_now_is_asked_about(self, db, fields, state):
        add(db, push(1, state=state, **fields))

        assert ids(pushes.unsure(db, 0)) == [1]

    @pytest.mark.parametrize("state", sorted(set(ENDED) - {"later", "ungrabbed"}))
    def test_what_has_ended_for_good_is_not(self, db, fields, state):
        add(db, push(1, state=state, **fields))

        assert pushes.unsure(db, 0) == []

    def test_neither_is_what_was_never_sent_nor_what_has_a_torrent_of_its_own(self, db, fields):
        told = {"infohash": infohash(2), "guessed": False}
        add(db, push(1, **fields | {"tried": False}), push(2, **fields | told))

        assert pushes.unsure(db, 0) == []

    def test_neither_is_what_was_tried_long_ago(self, db, fields):
        add(db, *(push(n, **fields | {"attempted_at": at}) for n, at in [(1, 99), (2, 100)]))

        assert ids(pushes.unsure(db, 100)) == [2]

    def test_the_last_one_comes_first_whatever_they_are(self, db, fields):
        states = [("waiting", 3), ("later", 1), ("approved", 2), ("waiting", 4)]
        add(db, *(push(n, state=state, **fields) for state, n in states))

        assert ids(pushes.unsure(db, 0)) == [4, 2, 1, 3]

    def test_of_too_many_the_most_recent_are_asked_about(self, db, fields):
        most = pushes.MOST_UNSURE
        with db:
            add(db, *(push(n, **fields) for n in range(1, most + 10)))

        assert ids(pushes.unsure(db, 0)) == list(range(most + 9, 9, -1))


def test_overdue_is_what_was_accepted_before_a_time_in_that_state_for_that_program(db):
    add(
        db,
        push(1, accepted_at=99),
        push(2, accepted_at=100),
        push(3, accepted_at=98),
        push(4, accepted_at=1, target="radarr"),
        push(5, accepted_at=1, state="approved"),
        tried_push(6, accepted_at=1),
    )

    assert ids(pushes.overdue(db, "waiting", "sonarr", 100)) == [1, 3]


class TestPrune:
    def test_what_ended_long_ago_is_forgotten(self, db):
        add(db, tried_push(1, ended_at=99), tried_push(2, ended_at=100))
        pushes.prune(db, 100, 1_000)

        assert everything(db) == [2]

    @pytest.mark.parametrize("state", OPEN)
    def test_what_is_under_way_is_never_forgotten(self, db, state):
        add(db, push(1, state=state, accepted_at=1), *map(tried_push, range(2, 6)))
        pushes.prune(db, 2_000_000_000, 0)

        assert everything(db) == [1]

    def test_of_too_many_the_last_ones_stay(self, db):
        add(db, *map(tried_push, (5, 4, 3, 2, 1)))
        pushes.prune(db, 0, 2)

        assert everything(db) == [2, 1]

    def test_what_is_under_way_counts_among_the_most_but_stays(self, db):
        add(db, push(1), tried_push(2), tried_push(3), push(4))
        pushes.prune(db, 0, 2)

        assert everything(db) == [1, 3, 4]

    @given(
        st.lists(st.tuples(st.sampled_from(OPEN + ENDED), st.integers(1, 9)), max_size=12),
        st.integers(0, 10),
        st.integers(0, 12),
    )
    def test_nothing_that_is_under_way_is_dropped_and_nothing_else_is_left_over(
        self, given_, older_than, most
    ):
        records = [
            push(n, state=state, ended_at=at if state in ENDED else 0)
            for n, (state, at) in enumerate(given_, 1)
        ]
        with contextlib.closing(apsw.Connection(":memory:")) as db:
            migrate(db)
            add(db, *records)
            pushes.prune(db, older_than, most)
            left = everything(db)
        young = [
            n for n, one in enumerate(records, 1) if not one.ended_at or one.ended_at >= older_than
        ]
        last = young[len(young) - most :] if most < len(young) else young
        assert left == [n for n in young if n in last or not records[n - 1].ended_at]
