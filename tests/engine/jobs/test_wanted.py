"""Which files are wanted and which comes next."""

import pytest

from engine.jobs.states import State
from engine.jobs.wanted import lacking, rests, unfinished
from engine.store.records import FileRecord


def file(index: int, priority: int = 1, *, flushed: int = 0, size: int = 9, published=False):
    return FileRecord(
        torrent="0" * 40,
        index=index,
        path=str(index),
        size=size,
        flushed=flushed,
        priority=priority,
        published=published,
    )


def test_what_comes_next_is_wanted_most_and_stands_first():
    files = [file(0), file(1, 6), file(2, 7), file(3, 0), file(4, 6, flushed=3), file(5, 7, size=0)]
    assert [one.index for one in unfinished(files)] == [2, 1, 4, 0]


def test_a_file_is_lacking_until_it_is_in_its_final_place():
    files = [
        file(0, flushed=9),
        file(1, flushed=9, published=True),
        file(2, 0),
        file(3, size=0),
        file(4, published=True),
    ]
    assert [one.index for one in lacking(files)] == [0, 3]
    assert unfinished(files) == []


@pytest.mark.parametrize("state", list(State))
def test_a_complete_torrent_rests_only_while_nothing_is_lacking(state):
    resting = state in {State.COMPLETED, State.PAUSED, State.ERROR}
    assert rests(state, [file(0, published=True), file(1, 0)]) == resting
    assert rests(state, [file(0)]) == (resting and state is not State.COMPLETED)
    assert rests(state, []) == resting
