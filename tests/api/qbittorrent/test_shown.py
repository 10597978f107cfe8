"""What is remembered is never another answer than one made anew."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from api.qbittorrent import present
from api.qbittorrent.shown import Shown
from engine.jobs.states import State
from engine.jobs.views import TorrentView
from engine.store.records import TorrentRecord

NOW = 1_700_000_000


def view(number, state=State.DOWNLOADING, **changes):
    record = TorrentRecord(
        hash=f"{number:040x}",
        name=f"name {number}",
        state=state.value,
        save_path="/d",
        added_at=NOW - 1000,
        size=1000,
        **changes,
    )
    return TorrentView(record=record, state=state)


VIEWS = st.builds(
    view,
    st.integers(0, 3),
    st.sampled_from(State),
    completed_at=st.sampled_from([0, NOW - 10]),
    seeding_time_limit=st.sampled_from([-2, 0, 5]),
)


@settings(deadline=None)
@given(st.lists(VIEWS, min_size=1, max_size=6), st.data())
def test_a_torrent_is_always_shown_as_it_is(views, data):
    shown = Shown()
    for _ in range(20):
        one, now = data.draw(st.sampled_from(views)), NOW + data.draw(st.integers(-5, 5))
        assert shown.torrent(one, now) == present.torrent(one, now)


def test_nothing_is_made_again_while_nothing_has_changed():
    shown, one = Shown(), view(1)

    assert shown.torrent(one, NOW) is shown.torrent(one, NOW)


def test_a_view_that_is_another_object_is_shown_anew():
    shown, one = Shown(), view(1)
    shown.torrent(one, NOW)

    assert shown.torrent(msgspec.structs.replace(one, speed=5.0), NOW).dlspeed == 5


def test_torrents_that_are_gone_are_forgotten():
    shown = Shown()
    for number in range(5):
        shown.torrent(view(number), NOW)
    shown.forget_all_but([view(3).record.hash])

    assert "1 kept" in repr(shown)
