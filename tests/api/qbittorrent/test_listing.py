import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.qbittorrent import listing as listing_module
from api.qbittorrent.listing import Answers, Question, listing, question
from api.qbittorrent.parameters import BadParameter, Parameters
from api.qbittorrent.shown import Shown
from api.qbittorrent.wire import Torrent
from engine.jobs.states import State
from engine.jobs.views import TorrentView
from engine.store.records import TorrentRecord

NOW = 1_700_000_000


def view(number, state=State.DOWNLOADING, **changes):
    values = {
        "hash": f"{number:040x}",
        "name": f"name {number}",
        "state": state.value,
        "save_path": "/d",
        "added_at": NOW - number,
    }
    return TorrentView(record=TorrentRecord(**(values | changes)), state=state)


def shown_of(views):
    shown = Shown()
    shown.update(views, NOW)
    return shown


ONE_OF_EACH = [view(number, state) for number, state in enumerate(State)]


def listed(views, **asked):
    return listing(shown_of(views).items.values(), Question(**asked))


def states(**asked):
    return {one.torrent.state for one in listed(ONE_OF_EACH, **asked)}


def numbers(views, **asked):
    return [int(one.torrent.hash, 16) for one in listed(views, **asked)]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (
            "downloading",
            {"downloading", "stalledDL", "checkingDL", "pausedDL", "queuedDL"},
        ),
        ("completed", {"pausedUP"}),
        ("seeding", set()),
        ("paused", {"pausedDL", "pausedUP"}),
        ("stopped", {"pausedDL", "pausedUP"}),
        ("active", {"downloading", "moving"}),
        ("stalled", {"stalledDL"}),
        ("stalled_downloading", {"stalledDL"}),
        ("stalled_uploading", set()),
        ("checking", {"checkingDL"}),
        ("moving", {"moving"}),
        ("errored", {"error"}),
    ],
)
def test_a_filter_lets_its_states_through(name, shown):
    assert states(filter=name) == shown


@pytest.mark.parametrize("name", ["", "all", "no such filter", "Completed", "ACTIVE"])
def test_no_filter_that_is_known_lets_all_states_through(name):
    assert len(listed(ONE_OF_EACH, filter=name)) == len(State)


@pytest.mark.parametrize(
    ("name", "opposite"),
    [("resumed", "paused"), ("running", "stopped"), ("inactive", "active")],
)
def test_a_filter_and_its_opposite_show_everything_between_them(name, opposite):
    one, other = states(filter=name), states(filter=opposite)
    assert one | other == states()
    assert not one & other


def test_a_completed_torrent_that_is_checked_counts_as_seeding():
    checked = view(1, State.CHECKING, completed_at=NOW)
    assert numbers([checked], filter="seeding") == [1]
    assert numbers([checked], filter="downloading") == []


def test_the_category_is_matched_exactly_and_empty_means_none():
    views = [view(1, category="tv"), view(2, category="TV"), view(3), view(4, category="tv/hd")]
    assert numbers(views, category="tv") == [1]
    assert numbers(views, category="") == [3]
    assert numbers(views, category=None) == [1, 2, 3, 4]


def test_a_torrent_of_two_categories_is_shown_to_each_as_it_has_it():
    other = view(1, State.COMPLETED, category="radarr", save_path="/r")
    one = msgspec.structs.replace(view(1, category="tv"), others=(other,))
    for category, path in (("tv", "/d"), ("radarr", "/r")):
        (shown,) = listed([one], category=category)
        assert (shown.torrent.category, shown.torrent.save_path) == (category, path)
    assert [shown.torrent.category for shown in listed([one])] == ["tv"]
    assert numbers([one], category="radarr", filter="completed") == [1]
    assert numbers([one], category="tv", filter="completed") == []
    assert numbers([one], category="other") == []


def test_the_tag_is_matched_exactly_and_empty_means_none():
    views = [view(1, tags=("a", "b")), view(2, tags=("ab",)), view(3)]
    assert numbers(views, tag="b") == [1]
    assert numbers(views, tag="") == [3]
    assert numbers(views, tag=None) == [1, 2, 3]


def test_torrents_are_sorted_by_a_field():
    views = [view(2), view(1), view(3)]
    assert numbers(views, sort="name") == [1, 2, 3]
    assert numbers(views, sort="added_on") == [3, 2, 1]
    assert numbers(views, sort="name", reverse=True) == [3, 2, 1]


@pytest.mark.parametrize("field", Torrent.__struct_fields__)
def test_every_field_sorts(field):
    shown = [getattr(one.torrent, field) for one in listed(ONE_OF_EACH, sort=field)]
    assert shown == sorted(shown)
    shown = [getattr(one.torrent, field) for one in listed(ONE_OF_EACH, sort=field, reverse=True)]
    assert shown == sorted(shown, reverse=True)


@pytest.mark.parametrize("reverse", [False, True])
def test_torrents_that_are_equal_stay_in_their_order_either_way(reverse):
    assert numbers([view(2), view(1), view(3)], sort="size", reverse=reverse) == [2, 1, 3]


def test_without_a_field_to_sort_by_nothing_is_reversed():
    assert numbers([view(2), view(1)], reverse=True) == [2, 1]


@pytest.mark.parametrize("unknown", ["nonsense", "__class__", "NAME", " name"])
def test_a_field_that_there_is_not_is_an_error_where_there_is_something_to_sort(unknown):
    with pytest.raises(BadParameter, match=r"^'sort' parameter is invalid$"):
        listed([view(1)], sort=unknown)
    assert listed([], sort=unknown) == []
    assert listed([view(1)], sort=unknown, category="other") == []


@pytest.mark.parametrize(
    ("limit", "offset", "shown"),
    [
        (0, 0, [0, 1, 2, 3, 4]),
        (2, 0, [0, 1]),
        (2, 3, [3, 4]),
        (2, 4, [4]),
        (-1, 2, [2, 3, 4]),
        (-5, 2, [2, 3, 4]),
        (0, -2, [3, 4]),
        (1, -2, [3]),
        (2, 5, [0, 1]),
        (2, -6, [0, 1]),
        (2**53, 2**53, [0, 1, 2, 3, 4]),
    ],
)
def test_a_page_is_cut_out_as_qbittorrent_does(limit, offset, shown):
    assert numbers([view(number) for number in range(5)], limit=limit, offset=offset) == shown


def test_a_page_of_nothing_is_empty():
    assert numbers([], limit=2, offset=-1) == []


def test_a_question_is_read_from_parameters():
    fields = {
        "filter": "completed",
        "category": "",
        "tag": "a",
        "hashes": f"{'A' * 40}||{'b' * 40}",
        "sort": "name",
        "reverse": "True",
        "limit": "5",
        "offset": "-3",
    }
    assert question(Parameters(fields.items())) == Question(
        filter="completed",
        category="",
        tag="a",
        hashes=frozenset({"a" * 40, "b" * 40}),
        sort="name",
        reverse=True,
        limit=5,
        offset=-3,
    )


@pytest.mark.parametrize("hashes", ["", "|", "||"])
def test_no_hashes_ask_for_any_torrent(hashes):
    assert question(Parameters([("hashes", hashes)])).hashes is None
    assert question(Parameters()) == Question()


@pytest.mark.parametrize("hashes", ["all", "nonsense", "0|nonsense"])
def test_hashes_that_no_torrent_has_find_nothing(hashes):
    asked = question(Parameters([("hashes", hashes)]))
    assert listing(shown_of([view(1)]).items.values(), asked) == []


QUESTIONS = st.builds(
    Question,
    filter=st.sampled_from(["", "paused", "completed"]),
    sort=st.sampled_from(["", "name", "size"]),
    reverse=st.booleans(),
    limit=st.integers(0, 3),
)


@given(
    st.lists(st.tuples(QUESTIONS, st.sampled_from(ONE_OF_EACH), st.booleans()), max_size=20),
    st.sampled_from([0, 500, 5000, 10**6]),
)
def test_an_answer_is_always_what_would_be_put_together_anew(steps, size):
    """Also when there is hardly any room for what is remembered."""
    shown, answers, views = Shown(), Answers(), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(listing_module, "REMEMBERED_BYTES", size)
        for asked, other, changes in steps:
            if changes:
                views = [one for one in views if one is not other] or [*views, other]
            shown.update(views, NOW)
            answer = answers.answer(shown, asked)

            fresh = listing(shown_of(views).items.values(), asked)
            assert msgspec.json.decode(answer) == [
                msgspec.to_builtins(one.torrent) for one in fresh
            ]
            assert answers._size <= size


def test_the_same_question_gets_the_same_answer_while_nothing_changes():
    shown, answers = shown_of([view(1, State.PAUSED)]), Answers()
    first = answers.answer(shown, Question())

    assert answers.answer(shown, Question()) is first
    for number in range(20):
        answers.answer(shown, Question(limit=number + 1))
    assert answers.answer(shown, Question()) is not first
