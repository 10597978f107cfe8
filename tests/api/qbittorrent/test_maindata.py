"""Whoever applies the increments has the full state, whatever happens in between."""

import json
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.qbittorrent import numbers as numbers_module
from api.qbittorrent.journal import Journal
from api.qbittorrent.maindata import Around, MainData
from api.qbittorrent.numbers import Clients
from api.qbittorrent.shown import Shown
from api.qbittorrent.wire import Category, ServerState
from engine.jobs.states import State
from engine.jobs.views import TorrentView
from engine.store.records import TorrentRecord

NOW = 1_700_000_000
TRACKERS = ((), ("http://a.example",), ("http://a.example", "http://b.example:80", ""))


def view(number, state=State.DOWNLOADING, trackers=(), speed=0.0, **changes):
    record = TorrentRecord(
        hash=f"{number:040x}",
        name=f"name {number}",
        state=state.value,
        save_path="/d",
        added_at=NOW - 1000,
        size=1000,
        **changes,
    )
    return TorrentView(record=record, state=state, trackers=trackers, speed=speed)


def server_state(speed=0):
    return ServerState(
        connection_status="connected",
        dl_info_data=0,
        dl_info_speed=speed,
        dl_rate_limit=0,
        up_rate_limit=0,
        alltime_dl=0,
        free_space_on_disk=1,
        use_alt_speed_limits=False,
    )


class Service:
    """What is followed."""

    def __init__(self):
        self.views, self.categories, self.tags, self.speed, self.now = [], {}, [], 0, NOW
        self.shown, self.main_data, self.clients = Shown(), MainData(), Clients()

    def answer(self, rid, who=("one",)):
        self.shown.update(list(self.views), self.now)
        around = Around(
            categories={name: Category(name, path) for name, path in self.categories.items()},
            tags=self.tags,
            server_state=server_state(self.speed),
        )
        numbers = self.clients.of(who)
        return json.loads(self.main_data.answer(self.shown, around, numbers, rid))


class Follower:
    """A client that keeps the state, as clients of qBittorrent do."""

    def __init__(self, who):
        self.who = who
        self.rid = 0
        self.state = {}

    def ask(self, service):
        return service.answer(self.rid, self.who)

    def apply(self, answer):
        self.rid = answer.pop("rid")
        if answer.pop("full_update", False):
            self.state = answer
            return
        for section in ("torrents", "categories"):
            for key, fields in answer.pop(section, {}).items():
                self.state[section][key] = self.state[section].get(key, {}) | fields
            for key in answer.pop(f"{section}_removed", []):
                self.state[section].pop(key, None)
        self.state["trackers"] |= answer.pop("trackers", {})
        for key in answer.pop("trackers_removed", []):
            self.state["trackers"].pop(key, None)
        gone = answer.pop("tags_removed", [])
        tags = [*self.state["tags"], *answer.pop("tags", [])]
        self.state["tags"] = [tag for tag in dict.fromkeys(tags) if tag not in gone]
        self.state["server_state"] |= answer.pop("server_state", {})
        assert answer == {}


def comparable(state):
    tags = sorted(state["tags"])
    trackers = {tracker: sorted(hashes) for tracker, hashes in state["trackers"].items()}
    return state | {"tags": tags, "trackers": trackers}


VIEWS = st.builds(
    view,
    st.integers(0, 4),
    st.sampled_from([State.DOWNLOADING, State.PAUSED, State.COMPLETED]),
    st.sampled_from(TRACKERS),
    st.sampled_from([0.0, 1.0]),
    completed_at=st.sampled_from([0, NOW - 10]),
    category=st.sampled_from(["", "tv"]),
)

CHANGES = st.one_of(
    st.tuples(st.just("put"), VIEWS),
    st.tuples(st.just("drop"), st.integers(0, 4)),
    st.tuples(st.just("category"), st.tuples(st.sampled_from("xy"), st.sampled_from(["", "/p"]))),
    st.tuples(st.just("no category"), st.sampled_from("xy")),
    st.tuples(st.just("tags"), st.lists(st.sampled_from("abc"), unique=True).map(sorted)),
    st.tuples(st.just("speed"), st.integers(0, 2)),
    st.tuples(st.just("time"), st.integers(0, 400)),
)

STEPS = st.one_of(
    CHANGES,
    st.tuples(st.just("ask"), st.integers(0, 3)),
    st.tuples(st.just("lose"), st.integers(0, 3)),
    st.tuples(st.just("start anew"), st.integers(0, 3)),
)


def change(service, what, value):
    match what:
        case "put":
            there = [one.record.hash for one in service.views]
            if value.record.hash in there:
                service.views[there.index(value.record.hash)] = value
            else:
                service.views.append(value)
        case "drop":
            service.views = [one for one in service.views if int(one.record.hash, 16) != value]
        case "category":
            service.categories[value[0]] = value[1]
        case "no category":
            service.categories.pop(value, None)
        case "tags":
            service.tags = value
        case "speed":
            service.speed = value
        case "time":
            service.now += value


@settings(deadline=None, max_examples=300)
@given(
    st.lists(STEPS, max_size=40),
    st.sampled_from([1, 5, 50_000]),
    st.sampled_from([2, 4, 64]),
)
def test_followers_have_the_full_state_whatever_happened(steps, limit, remembered):
    """Two in one session, one in another, one without a cookie; some answers are lost."""
    service = Service()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numbers_module, "REMEMBERED", remembered)
        service.main_data._journal = Journal(service.main_data._journal._state, limit=limit)
        followers = [Follower(who) for who in (("a",), ("a",), ("b",), ())]
        for what, value in steps:
            if what == "ask":
                follower = followers[value]
                follower.apply(follower.ask(service))
                fresh = service.answer(0, ("witness",))
                assert fresh.pop("full_update")
                fresh.pop("rid")
                assert comparable(follower.state) == comparable(fresh)
            elif what == "lose":
                followers[value].ask(service)
            elif what == "start anew":
                followers[value].rid = 0
            else:
                change(service, what, value)


def test_the_first_answer_is_everything_and_the_next_what_changed():
    service = Service()
    service.views = [view(1, State.PAUSED), view(2, State.PAUSED)]
    service.tags = ["a"]
    first = service.answer(0)
    assert (first["rid"], first["full_update"]) == (1, True)
    assert set(first) == {
        "rid", "full_update", "torrents", "categories", "tags", "trackers", "server_state",
    }  # fmt: skip
    assert service.answer(1) == {"rid": 2}

    service.views = [service.views[0], view(2, State.PAUSED, category="tv")]
    service.categories = {"tv": ""}
    service.tags = ["b"]
    assert service.answer(2) == {
        "rid": 3,
        "torrents": {f"{2:040x}": {"category": "tv"}},
        "categories": {"tv": {"name": "tv", "savePath": ""}},
        "tags": ["b"],
        "tags_removed": ["a"],
    }
    service.categories = {"tv": "/tv"}
    service.views = service.views[1:]
    service.speed = 7
    assert service.answer(3) == {
        "rid": 4,
        "torrents_removed": [f"{1:040x}"],
        "categories": {"tv": {"savePath": "/tv"}},
        "server_state": {"dl_info_speed": 7},
    }


def test_a_lost_answer_is_told_again_with_what_changed_since():
    service = Service()
    service.answer(0)
    service.tags = ["a"]
    service.answer(1)
    service.tags = ["a", "b"]

    assert service.answer(1) == {"rid": 3, "tags": ["a", "b"]}
    assert service.answer(3) == {"rid": 4}


@pytest.mark.parametrize("rid", [0, -5, 99, 2**53])
def test_an_unknown_number_is_answered_with_everything(rid):
    service = Service()
    service.answer(0)

    assert service.answer(rid)["full_update"]


def test_trackers_are_told_as_a_whole_and_removed_with_their_last_torrent():
    service = Service()
    service.views = [view(1, trackers=TRACKERS[1]), view(2, trackers=TRACKERS[2])]
    service.answer(0)
    one, two = (one.record.hash for one in service.views)
    service.views = service.views[:1]
    told = service.answer(1)

    assert told["trackers"] == {"http://a.example": [one]}
    assert told["trackers_removed"] == ["http://b.example:80"]
    assert told["torrents_removed"] == [two]


def test_an_increment_is_as_large_as_what_changed():
    service, random = Service(), Random(1)
    service.views = [
        view(number, State.QUEUED) for number in [random.getrandbits(159) for _ in range(3000)]
    ]
    full = len(msgspec.json.encode(service.answer(0)))
    sizes = []
    for rid in range(1, 41):
        service.now += 2
        sizes.append(len(msgspec.json.encode(service.answer(rid))))

    assert max(sizes) < full / 50
