"""Every case of what may be known of a failed download."""

import pytest

from arrpush.downloads import FAILED, GRABBED, IGNORED, IMPORTED, HistoryRecord
from arrpush.verdict import Step, Verdict, settled, verdict

OTHER = "episodeFileDeleted"


def past(*events):
    """A history, given oldest first."""
    return [HistoryRecord(id=number, event_type=event) for number, event in enumerate(events, 1)][
        ::-1
    ]


def decide(*events, queued=(), tried=False, here=True):
    return verdict(past(*events), list(queued), tried=tried, here=here)


@pytest.mark.parametrize("queued", [(), (7,)])
@pytest.mark.parametrize("events", [(), (OTHER,)])
def test_what_was_never_grabbed_is_the_users_own(events, queued):
    assert decide(*events, queued=queued) == Verdict(Step.NOT_THEIRS)


def test_what_is_in_the_queue_is_given_up_by_one_record_of_it():
    assert decide(GRABBED, GRABBED, queued=(7, 9, 8)) == Verdict(Step.GIVE_UP, 7)


def test_what_they_do_not_see_yet_is_waited_for():
    assert decide(GRABBED) == Verdict(Step.WAIT)


@pytest.mark.parametrize("event", [FAILED, IMPORTED, IGNORED])
def test_what_they_have_settled_is_left_alone(event):
    found = decide(GRABBED, event, queued=(7,))

    assert found.step is Step.SETTLED
    assert "there" in found.why


@pytest.mark.parametrize("event", [FAILED, IMPORTED, IGNORED])
def test_what_is_grabbed_again_begins_anew(event):
    assert decide(GRABBED, event, GRABBED, queued=(7,)) == Verdict(Step.GIVE_UP, 7)


def test_events_of_another_kind_do_not_count():
    assert decide(GRABBED, OTHER, queued=(7,)) == Verdict(Step.GIVE_UP, 7)


def test_a_removal_that_went_only_half_way_is_brought_to_its_end():
    found = decide(GRABBED, FAILED, GRABBED, GRABBED, tried=True, here=False)

    assert found == Verdict(Step.MARK_FAILED, 4)


def test_a_torrent_that_is_still_here_will_be_in_the_queue():
    assert decide(GRABBED, tried=True, here=True) == Verdict(Step.WAIT)


def test_what_the_user_deleted_was_not_tried():
    assert decide(GRABBED, tried=False, here=False) == Verdict(Step.WAIT)


def test_the_history_alone_is_enough_where_the_queue_does_not_matter():
    assert settled(past()) == Verdict(Step.NOT_THEIRS)
    assert settled(past(GRABBED)) is None
