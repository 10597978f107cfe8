"""What is remembered is never another answer than one made anew."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.qbittorrent import present
from api.qbittorrent.present import SLOW
from api.qbittorrent.shown import Shown
from engine.jobs.preferences import Preferences
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

LISTS = st.lists(VIEWS, max_size=4, unique_by=lambda one: one.record.hash)

LIMITS = st.sampled_from(
    [
        Preferences(max_active_downloads=1, save_path="/d", max_ratio=ratio, max_seeding_time=time)
        for ratio in (-1, 2)
        for time in (-1, 60)
    ]
)


def json(shown):
    return [item.json for item in shown.items.values()]


@settings(deadline=None)
@given(st.lists(LISTS, min_size=1, max_size=4), LIMITS, st.data())
def test_torrents_are_always_shown_as_they_are(lists, limits, data):
    shown = Shown()
    for _ in range(10):
        views, now = data.draw(st.sampled_from(lists)), NOW + data.draw(st.integers(-SLOW, SLOW))
        changed = data.draw(st.booleans())
        limits = data.draw(LIMITS) if changed else limits
        shown.update(views, now, limits)

        expected = [present.torrent(one, now, limits) for one in views]
        assert [item.torrent for item in shown.items.values()] == expected
        assert json(shown) == [msgspec.json.encode(one) for one in expected]


@settings(deadline=None)
@given(st.lists(LISTS, min_size=1, max_size=6), st.lists(st.integers(0, SLOW), min_size=6))
def test_what_changed_is_told_once_and_changes_the_version(lists, pauses):
    shown, now = Shown(), NOW
    known, version = {}, shown.version
    assert shown.changed() == []
    for views, pause in zip(lists, pauses, strict=False):
        now += pause
        shown.update(views, now)
        fresh = {infohash: item.torrent for infohash, item in shown.items.items()}
        changed = shown.changed()
        for infohash in changed:
            known.pop(infohash, None)
            if infohash in fresh:
                known[infohash] = fresh[infohash]

        assert known == fresh
        assert (shown.version != version) == bool(changed)
        version = shown.version
        assert shown.changed() == []


def test_the_first_who_asks_is_told_all():
    shown = Shown()
    shown.update([view(1), view(2)], NOW)

    assert len(shown.changed()) == 2


def test_nothing_is_made_again_while_nothing_has_changed():
    shown = Shown()
    shown.update([view(1, State.PAUSED)], NOW)
    (item,) = shown.items.values()
    version = shown.version
    shown.update([item.view], NOW + 10 * SLOW)

    assert list(shown.items.values()) == [item]
    assert shown.version == version


def test_what_a_further_category_has_grows_too():
    other = view(1, State.COMPLETED, completed_at=NOW - 10)
    shown = Shown()
    shown.update([msgspec.structs.replace(view(1, State.PAUSED), others=(other,))], NOW)
    (item,) = shown.items.values()
    later = present.lasts_until(other, NOW)
    shown.update([item.view], later)
    (aged,) = shown.items.values()

    assert item.others[0].torrent == present.torrent(other, NOW)
    assert aged.others[0].torrent == present.torrent(other, later) != item.others[0].torrent


def test_torrents_are_in_the_order_of_the_list():
    shown = Shown()
    one, two, three = view(1), view(2), view(3)
    shown.update([one, two], NOW)
    shown.update([two, three, one], NOW)

    assert [item.view for item in shown.items.values()] == [two, three, one]


@pytest.mark.parametrize("state", [State.COMPLETED, State.QUEUED])
def test_growing_numbers_of_what_rests_are_read_again_after_five_minutes(state):
    rests = view(0, state, completed_at=NOW - 100)
    shown = Shown()
    shown.update([rests], NOW)
    (before,) = json(shown)
    begin = present.lasts_until(rests, NOW)
    shown.update([rests], begin - 1)
    assert json(shown) == [before]
    shown.update([rests], begin)

    assert begin <= NOW + SLOW
    assert json(shown) != [before]


def test_not_all_torrents_are_read_again_at_once():
    views = [view(number << 144, State.QUEUED) for number in range(1, 1000)]
    moments = [present.lasts_until(one, NOW) for one in views]

    assert max(moments.count(moment) for moment in moments) <= 4


def test_a_member_of_an_object_says_its_infohash_once():
    shown = Shown()
    shown.update([view(1)], NOW)
    (item,) = shown.items.values()
    shown_there = msgspec.json.decode(b"{%b}" % item.member)

    assert shown_there == {
        item.torrent.hash: {
            name: value
            for name, value in msgspec.structs.asdict(item.torrent).items()
            if name != "hash"
        }
    }
