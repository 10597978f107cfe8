"""A state with an increment applied is the later state, whatever happened in between."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.qbittorrent.journal import Journal


class Point(msgspec.Struct, frozen=True):
    x: int
    y: int


POINTS = st.builds(Point, st.integers(0, 2), st.integers(0, 2))
CHANGES = st.dictionaries(st.sampled_from("abcd"), st.none() | POINTS, max_size=3)


def state(journal):
    return {key: msgspec.structs.asdict(value) for key, value in journal.state("points").items()}


def applied(before, journal, revision):
    after = {key: dict(fields) for key, fields in before.items()}
    increment = journal.since(revision).get("points")
    if increment is None:
        return after
    for key, fields in increment.changed.items():
        whole = isinstance(fields, Point)
        new = msgspec.structs.asdict(fields) if whole else fields
        after[key] = new if whole else after[key] | new
    for key in increment.removed:
        after.pop(key, None)
    return after


@settings(deadline=None)
@given(st.lists(CHANGES, max_size=12))
def test_an_increment_since_any_revision_leads_to_the_present(steps):
    journal = Journal(["points"])
    known = {0: {}}
    for step in steps:
        journal.advance({"points": step})
        known[journal.revision] = state(journal)

    for revision, before in known.items():
        assert applied(before, journal, revision) == state(journal)


@settings(deadline=None)
@given(st.lists(CHANGES, max_size=30))
def test_the_log_stays_small_and_says_how_far_back_it_reaches(steps):
    journal = Journal(["points"], limit=5)
    known = {0: {}}
    for step in steps:
        journal.advance({"points": step})
        known[journal.revision] = state(journal)
        assert journal._logged <= 5

    for revision, before in known.items():
        if journal.since(revision) is not None:
            assert applied(before, journal, revision) == state(journal)
    assert journal.since(journal.revision) == {}


def test_only_fields_that_changed_are_named():
    journal = Journal(["points"])
    journal.advance({"points": {"a": Point(1, 1), "b": Point(1, 1)}})
    journal.advance({"points": {"a": Point(1, 2)}})

    assert journal.since(1)["points"].changed == {"a": {"y": 2}}
    assert journal.since(0)["points"].changed == {"a": Point(1, 2), "b": Point(1, 1)}


def test_what_comes_again_is_told_whole():
    journal = Journal(["points"])
    journal.advance({"points": {"a": Point(1, 1)}})
    journal.advance({"points": {"a": None}})
    journal.advance({"points": {"a": Point(1, 1)}})

    assert journal.since(1)["points"].changed == {"a": Point(1, 1)}
    assert journal.since(1)["points"].removed == []


def test_what_went_is_removed():
    journal = Journal(["points"])
    journal.advance({"points": {"a": Point(1, 1)}})
    journal.advance({"points": {"a": None}})

    assert journal.since(1)["points"].removed == ["a"]
    assert journal.since(2) == {}


def test_without_a_change_there_is_no_revision():
    journal = Journal(["points"])
    journal.advance({"points": {"a": Point(1, 1)}})
    journal.advance({"points": {"a": Point(1, 1), "b": None}})

    assert journal.revision == 1


@pytest.mark.parametrize("revision", [-1, 1, 99])
def test_since_a_revision_that_never_was_there_is_no_increment(revision):
    assert Journal(["points"]).since(revision) is None
