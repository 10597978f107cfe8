import pytest

from api.qbittorrent.listing import Question, listing, question
from api.qbittorrent.parameters import Parameters
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


ONE_OF_EACH = [view(number, state) for number, state in enumerate(State)]


def states(asked):
    return {one.state for one in listing(ONE_OF_EACH, asked, NOW)}


def numbers(views, **asked):
    return [int(one.hash, 16) for one in listing(views, Question(**asked), NOW)]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (
            "downloading",
            {"downloading", "stalledDL", "checkingDL", "pausedDL", "queuedDL"},
        ),
        ("completed", {"pausedUP"}),
        ("seeding", set()),
        ("uploading", set()),
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
    assert states(Question(filter=name)) == shown


@pytest.mark.parametrize("name", ["", "all", "no such filter"])
def test_no_filter_lets_all_states_through(name):
    assert len(listing(ONE_OF_EACH, Question(filter=name), NOW)) == len(State)


@pytest.mark.parametrize(
    ("name", "opposite"),
    [("resumed", "paused"), ("running", "stopped"), ("inactive", "active")],
)
def test_a_filter_and_its_opposite_show_everything_between_them(name, opposite):
    one, other = states(Question(filter=name)), states(Question(filter=opposite))
    assert one | other == states(Question())
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


def test_the_tag_is_matched_exactly_and_empty_means_none():
    views = [view(1, tags=("a", "b")), view(2, tags=("ab",)), view(3)]
    assert numbers(views, tag="b") == [1]
    assert numbers(views, tag="") == [3]
    assert numbers(views, tag=None) == [1, 2, 3]


def test_torrents_are_sorted_by_any_field_and_by_none_that_does_not_exist():
    views = [view(2), view(1), view(3)]
    assert numbers(views, sort="name") == [1, 2, 3]
    assert numbers(views, sort="added_on") == [3, 2, 1]
    assert numbers(views, sort="name", reverse=True) == [3, 2, 1]
    for unknown in ("", "nonsense", "__class__"):
        assert numbers(views, sort=unknown) == [2, 1, 3]
        assert numbers(views, sort=unknown, reverse=True) == [3, 1, 2]


@pytest.mark.parametrize(
    ("limit", "offset", "shown"),
    [
        (0, 0, [0, 1, 2, 3, 4]),
        (2, 0, [0, 1]),
        (2, 3, [3, 4]),
        (2, 4, [4]),
        (-1, 2, [2, 3, 4]),
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
        "filter": "Completed",
        "category": "",
        "tag": "a",
        "hashes": f"{'A' * 40}|{'b' * 40}",
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


@pytest.mark.parametrize(
    ("hashes", "chosen"), [("", None), ("all", None), ("nonsense", frozenset())]
)
def test_hashes_that_say_nothing_ask_for_any_torrent(hashes, chosen):
    assert question(Parameters([("hashes", hashes)])).hashes == chosen
    assert question(Parameters()) == Question()
