"""What an answer, a grab, or time makes of a push: the table of states, and what always holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from arrpush import accepting, course
from arrpush.accepting import News
from arrpush.answer import Outcome, Reply
from arrpush.course import State
from tests.engine.store.samples import infohash, push

NOW = 1_700_000_500.75
AT = int(NOW)

STAYS = (Outcome.WRONG_KEY, Outcome.WRONG_ADDRESS, Outcome.TRY_AGAIN)
"""What says nothing of the release itself."""

BECOMES = {
    Outcome.APPROVED: State.APPROVED,
    Outcome.LATER: State.LATER,
    Outcome.REJECTED: State.REJECTED,
    Outcome.BAD_PAYLOAD: State.BAD_PAYLOAD,
    Outcome.REFUSED: State.REFUSED,
}

BADLY = (State.REJECTED, State.BAD_PAYLOAD, State.REFUSED, State.EXPIRED, State.UNGRABBED)


def answered(record, outcome, now=NOW, code=200, answer="[]"):
    return course.answered(record, Reply(outcome, "a sentence"), code=code, answer=answer, now=now)


def test_every_state_is_open_or_ended_and_ended_well_or_badly():
    assert set(BADLY) | course.WELL | course.OPEN == set(State)
    for state in State:
        record = push(state=state)
        assert course.ended(record) == (state not in course.OPEN)
        assert course.may_go_again(record) == (state in BADLY)


def test_a_torrent_is_no_sign_for_a_release_that_was_refused_or_given_up():
    """Unless its program says that it is its own: nobody else would have grabbed it."""
    assert set(State) - course.HOPEFUL == {
        *(State.GRABBED, State.REJECTED, State.BAD_PAYLOAD, State.REFUSED, State.EXPIRED)
    }


def test_every_outcome_is_final_or_leaves_the_release_waiting():
    assert {*STAYS, *BECOMES} == set(Outcome)


def test_a_push_that_begins_counts_and_may_have_reached_the_program():
    after = course.begun(push(attempts=2), NOW)

    assert after == push(attempts=3, tried=True, attempted_at=AT)


@pytest.mark.parametrize("outcome", STAYS)
def test_trouble_of_the_program_leaves_the_release_waiting(outcome):
    after = answered(push(), outcome, code=503, answer="starting")

    assert after == push(code=503, answer="starting", said="a sentence")


@pytest.mark.parametrize(("outcome", "state"), BECOMES.items())
def test_what_the_program_says_of_the_release_is_kept_and_final(outcome, state):
    after = answered(push(), outcome, code=201, answer="words")

    ended_at = 0 if state is State.APPROVED else AT
    expected = push(state=state, code=201, answer="words", said="a sentence", ended_at=ended_at)
    assert after == expected


def test_of_a_long_answer_the_beginning_is_kept():
    after = answered(push(), Outcome.REJECTED, answer="x" * (course.LONGEST_ANSWER + 1))

    assert after.answer == "x" * course.LONGEST_ANSWER


@pytest.mark.parametrize("outcome", BECOMES)
def test_a_torrent_that_was_added_while_the_push_was_under_way_is_grabbed_whatever_is_said(outcome):
    seen = course.seen(push(tried=True, infohash=""), NOW, infohash(5))
    after = answered(seen, outcome, NOW + 9)

    assert (seen.state, seen.infohash, seen.grabbed_at) == (State.WAITING, infohash(5), AT)
    assert (after.state, after.grabbed_at, after.ended_at) == (State.GRABBED, AT, AT + 9)


@pytest.mark.parametrize("state", sorted(set(State) - {State.WAITING}))
def test_a_torrent_that_is_added_afterwards_is_a_grab_whatever_was_thought_of_it(state):
    after = course.seen(push(state=state, said="so far"), NOW, infohash(5))

    expected = push(state=State.GRABBED, said="so far", grabbed_at=AT, ended_at=AT)
    assert after == expected


def test_the_infohash_of_a_release_is_not_another_one_afterwards():
    assert course.grabbed(push(), NOW, infohash=infohash(5)).infohash == push().infohash
    assert course.grabbed(push(infohash=""), NOW, infohash=infohash(5)).infohash == infohash(5)
    assert course.grabbed(push(), NOW).infohash == push().infohash


@pytest.mark.parametrize("state", sorted(set(State)))
def test_an_infohash_that_was_guessed_becomes_the_one_of_the_torrent_that_is_here(state):
    before = push(state=state, guessed=True)
    after = course.seen(before, NOW, infohash(5))
    grabbed = course.grabbed(before, NOW, infohash=infohash(5))

    assert (after.infohash, after.guessed) == (infohash(5), False)
    assert (grabbed.infohash, grabbed.guessed) == (infohash(5), False)


def test_a_right_guess_is_none_afterwards_and_without_news_it_stays_one():
    before = push(guessed=True)

    assert not course.seen(before, NOW, before.infohash).guessed
    assert course.grabbed(before, NOW).guessed
    assert course.grabbed(before, NOW).infohash == before.infohash


@pytest.mark.parametrize("known", [{"infohash": ""}, {"guessed": True}])
def test_what_is_known_once_is_not_another_torrent_afterwards(known):
    """A release that is added, fails, and is added again by hand is still the first one."""
    first = course.seen(push(**known), NOW, infohash(5))
    second = course.seen(first, NOW + 9, infohash(6))

    assert (second.infohash, second.grabbed_at) == (infohash(5), AT)


def test_what_is_said_of_a_grab_is_kept_and_what_was_said_before_where_nothing_is():
    assert course.grabbed(push(said="before"), NOW, said="elsewhere").said == "elsewhere"
    assert course.grabbed(push(said="before"), NOW).said == "before"


def test_an_approved_release_that_nobody_grabbed_says_why():
    after = course.not_grabbed(push(state=State.APPROVED), NOW, "nobody came")

    assert after == push(state=State.UNGRABBED, said="nobody came", ended_at=AT)


def test_a_release_goes_out_again_without_a_link():
    after = course.without_link(push(state=State.APPROVED, tried=True), "cannot be reached")

    assert after == push(state=State.WAITING, tried=True, base="", said="cannot be reached")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Sonarr is starting", "given up: Sonarr is starting"),
        ("", "given up: nothing was heard of the program"),
    ],
)
def test_a_release_that_waited_too_long_says_what_for(said, expected):
    after = course.expired(push(said=said), NOW)

    assert after == push(state=State.EXPIRED, said=expected, ended_at=AT)


def test_a_release_whose_torrent_was_added_is_not_given_up_because_its_answer_never_came():
    """Given up, it would go out again at its next announcement."""
    seen = course.seen(course.begun(push(), NOW), NOW + 1, infohash(1))
    lost = answered(seen, Outcome.TRY_AGAIN, NOW + 2, code=0)
    after = course.expired(lost, NOW + 3)

    assert (after.state, after.grabbed_at, after.ended_at) == (State.GRABBED, AT + 1, AT + 3)
    assert "given up" not in after.said
    assert not course.may_go_again(after)


def test_an_approved_release_is_looked_for_a_minute_after_it_was_sent():
    record = course.begun(push(), NOW)

    assert course.check_at(record) == AT + course.GRAB_PATIENCE


STEPS = {
    "begun": lambda record, now, _: course.begun(record, now),
    "answered": lambda record, now, outcome: answered(record, outcome, now),
    "seen": lambda record, now, _: course.seen(record, now, infohash(5)),
    "grabbed": lambda record, now, _: course.grabbed(record, now, infohash=infohash(5)),
    "not_grabbed": lambda record, now, _: course.not_grabbed(record, now, "no grab"),
    "expired": lambda record, now, _: course.expired(record, now),
    "without_link": lambda record, _now, _: course.without_link(record, "no link"),
}


@given(
    st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.sampled_from(Outcome))),
    st.sampled_from([{"infohash": ""}, {}, {"guessed": True}]),
)
def test_whatever_happens_in_whatever_order(steps, known):
    record = push(**known)
    for now, (step, outcome) in enumerate(steps, 1):
        before, record = record, STEPS[step](record, now, outcome)

        assert record.attempts == before.attempts + (step == "begun")
        assert record.tried >= before.tried
        assert bool(record.ended_at) == course.ended(record)
        assert record.infohash == before.infohash or not before.infohash or before.guessed
        assert before.guessed or not record.guessed
        assert record.infohash or not before.infohash
        if before.grabbed_at:
            assert record.grabbed_at
            assert record.state in {before.state, State.GRABBED}
        if before.state == State.GRABBED:
            assert record.state == State.GRABBED
        if record.grabbed_at:
            assert not course.may_go_again(record)
        changed = {
            name
            for name in record.__struct_fields__
            if getattr(record, name) != getattr(before, name)
        }
        assert not changed & {"id", "target", "title", "words", "payload"}
        assert not changed & {"accepted_at", "since"}


class AsItIsUsed(RuleBasedStateMachine):
    """Deliveries, grabs and time, each touching a push only where it really does."""

    @initialize(known=st.sampled_from([{"infohash": ""}, {}, {"guessed": True}]))
    def accept(self, known):
        self.record = push(**known)
        self.sending, self.now, self.well = False, 1.0, False

    def become(self, record):
        self.now += 1
        assert record.attempts >= self.record.attempts
        self.record = record
        if record.state in course.WELL:
            self.well = True

    @precondition(lambda self: self.record.state == State.WAITING and not self.sending)
    @rule()
    def begin(self):
        self.sending = True
        self.become(course.begun(self.record, self.now))

    @precondition(lambda self: self.sending)
    @rule(outcome=st.sampled_from(Outcome))
    def answer(self, outcome):
        self.sending = False
        self.become(answered(self.record, outcome, self.now))

    @precondition(lambda self: self.sending)
    @rule()
    def had_it_already(self):
        self.sending = False
        self.become(course.grabbed(self.record, self.now, infohash=infohash(1)))

    @precondition(lambda self: self.sending)
    @rule()
    def killed_while_sending(self):
        self.sending = False

    @precondition(lambda self: self.record.tried and not self.record.grabbed_at)
    @rule()
    def torrent_is_added(self):
        self.become(course.seen(self.record, self.now, infohash(1)))

    @precondition(lambda self: self.record.state == State.WAITING)
    @rule()
    def more_is_announced(self):
        self.become(accepting._instead(self.record, push(base="http://nas:1"), News.MORE))

    @precondition(lambda self: self.record.state == State.APPROVED)
    @rule(how=st.sampled_from(["grabbed", "not_grabbed", "without_link"]))
    def a_minute_later(self, how):
        self.become(STEPS[how](self.record, self.now, None))

    @precondition(lambda self: self.record.state == State.WAITING and not self.sending)
    @rule()
    def days_later(self):
        self.become(course.expired(self.record, self.now))

    @rule()
    def nothing_happens(self):
        self.become(self.record)

    @precondition(lambda self: course.may_go_again(self.record))
    @rule()
    def announced_again(self):
        assert not self.well
        before, fresh = self.record, push(2, since=int(self.now))
        self.record = accepting._instead(before, fresh, News.RELEASE)
        assert self.record.id == before.id
        assert self.record.tried == (before.state == State.EXPIRED and before.tried)

    @invariant()
    def what_ended_well_never_goes_again(self):
        assert not (self.well and course.may_go_again(self.record))
        assert not (self.well and self.record.state not in course.WELL)

    @invariant()
    def it_is_ended_exactly_when_that_has_a_time(self):
        assert bool(self.record.ended_at) == course.ended(self.record)

    @invariant()
    def what_is_guessed_is_something(self):
        assert self.record.infohash or not self.record.guessed

    @invariant()
    def a_grab_has_a_time(self):
        if self.record.state == State.GRABBED:
            assert self.record.grabbed_at

    @invariant()
    def while_it_is_being_sent_it_waits(self):
        """So nobody else takes it out of the store, or sends it again."""
        if self.sending:
            assert self.record.state == State.WAITING
            assert self.record.tried


TestAsItIsUsed = AsItIsUsed.TestCase
