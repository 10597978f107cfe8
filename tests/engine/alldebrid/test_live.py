"""Invariant: however a series of changes is cut into answers, the result is the full state."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from engine.alldebrid.live import Live, apply, merge
from engine.alldebrid.values import MagnetStatus
from engine.alldebrid.wire import Change, StatusAnswer

IDS = st.integers(1, 4)
NUMBERS = st.integers(0, 9)
WORDS = st.sampled_from(["a", "b", "c"])
STATES = st.builds(
    Change,
    id=IDS,
    name=WORDS,
    size=NUMBERS,
    hash=WORDS,
    code=st.integers(0, 15),
    text=WORDS,
    downloaded=NUMBERS,
    speed=NUMBERS,
    seeders=NUMBERS,
)


def difference(before, after):
    """What live mode sends: the id and what is another value now."""
    values = {
        field: value
        for field, value in msgspec.structs.asdict(after).items()
        if before is None or field == "id" or getattr(before, field) != value
    }
    return Change(**values)


@given(st.lists(STATES, min_size=1, max_size=20), st.data())
def test_any_cut_of_changes_into_answers_equals_the_full_state(states, data):
    live = Live(session=1)
    server: dict[int, Change] = {}
    sent: dict[int, Change] = {}
    counter = 0
    for state in states:
        server[state.id] = state
        if data.draw(st.booleans(), label="answer now"):
            counter += 1
            changes = tuple(
                difference(sent.get(key), value)
                for key, value in server.items()
                if sent.get(key) != value
            )
            live = apply(live, StatusAnswer(changes, counter, full=counter == 1))
            sent = dict(server)
            assert dict(live.known) == server
            assert live.counter == counter
    counter += 1
    rest = tuple(difference(sent.get(key), value) for key, value in server.items())
    live = apply(live, StatusAnswer(rest, counter))
    full = apply(Live(session=2), StatusAnswer(tuple(server.values()), 1, full=True))
    assert live.statuses() == full.statuses()
    assert not live.lost


def test_a_change_touches_only_what_it_mentions():
    old = Change(1, name="A", size=100, hash="h", code=1, downloaded=5)
    assert merge(old, Change(1, speed=7)) == Change(
        1, name="A", size=100, hash="h", code=1, downloaded=5, speed=7
    )


def test_only_a_full_answer_removes():
    live = apply(Live(1), StatusAnswer((Change(1, code=4), Change(2, code=1)), 1, full=True))
    live = apply(live, StatusAnswer((Change(2, code=4),), 2))
    assert set(live.known) == {1, 2}
    live = apply(live, StatusAnswer((Change(2, code=4),), 1, full=True))
    assert set(live.known) == {2}


def test_the_first_answer_is_everything_even_if_it_does_not_say_so():
    live = Live(1, known={9: Change(9, code=1)})
    assert set(apply(live, StatusAnswer((Change(1, code=0),), 1)).known) == {1}


def test_a_change_of_something_never_seen_is_lost_until_everything_comes():
    live = apply(Live(1), StatusAnswer((), 1, full=True))
    live = apply(live, StatusAnswer((Change(5, speed=1),), 2))
    assert live.lost
    live = apply(live, StatusAnswer((Change(5, code=1, hash="h"),), 1, full=True))
    assert not live.lost


def test_something_new_that_comes_complete_is_not_lost():
    live = apply(Live(1), StatusAnswer((), 1, full=True))
    live = apply(live, StatusAnswer((Change(5, code=0, hash="h"),), 2))
    assert not live.lost
    assert live.statuses() == {5: MagnetStatus(5, hash="h")}
