import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.jobs.states import MOVES, RESTING, SPECIFIED, IllegalMove, State, handed_back, move

PAIRS = [(source, target) for source in State for target in State]


def reachable(start: State) -> set[State]:
    seen, edge = {start}, [start]
    while edge:
        for target in MOVES[edge.pop()] - seen:
            seen.add(target)
            edge.append(target)
    return seen


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_a_move_is_made_when_the_table_has_it_and_raises_otherwise(source, target):
    if target in MOVES[source]:
        assert move(source, target) is target
    else:
        with pytest.raises(IllegalMove, match=f"cannot go from {source} to {target}") as caught:
            move(source, target)
        assert (caught.value.source, caught.value.target) == (source, target)


def test_every_state_has_its_line_in_both_tables():
    assert set(MOVES) == set(State)
    assert set(SPECIFIED) == set(State)


def test_the_specified_words_are_the_five():
    assert set(SPECIFIED.values()) == {"queued", "downloading", "completed", "paused", "error"}


def test_every_state_can_be_reached_from_a_new_torrent():
    assert reachable(State.ADDED) == set(State)


@pytest.mark.parametrize("state", State)
def test_from_every_state_a_torrent_can_still_be_completed(state):
    assert State.COMPLETED in reachable(state)


@pytest.mark.parametrize("state", State)
def test_no_state_moves_to_itself(state):
    assert state not in MOVES[state]


@pytest.mark.parametrize("state", [state for state in State if state is not State.ERROR])
def test_every_state_may_end_in_an_error(state):
    assert State.ERROR in MOVES[state]


def test_the_states_that_rest_are_those_that_wait_for_somebody():
    assert frozenset({State.COMPLETED, State.PAUSED, State.ERROR}) == RESTING


@given(st.lists(st.sampled_from(State), max_size=40))
def test_a_random_walk_only_ever_stands_where_the_table_leads(wishes):
    here = State.ADDED
    for wish in wishes:
        allowed = wish in MOVES[here]
        try:
            there = move(here, wish)
        except IllegalMove:
            assert not allowed
        else:
            assert allowed
            here = there
    assert here in reachable(State.ADDED)


@pytest.mark.parametrize("state", State)
def test_what_was_handed_over_is_handed_over_again_and_the_rest_stays(state):
    stays = state in {*RESTING, State.ADDED, State.CHECKING, State.MOVING}

    assert handed_back(state) is (state if stays else State.ADDED)
