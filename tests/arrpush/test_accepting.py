"""Accepting releases: on disk before anybody is answered, each once, several with one commit."""

import asyncio
import contextlib
import itertools
import json
import random
import subprocess
import sys
from pathlib import Path

import apsw
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrpush import accepting, catalogue, course
from arrpush.accepting import Desk, Offer, take
from arrpush.course import State
from arrpush.payload import LONGEST_TITLE, BadRelease, Release, Target
from engine.metainfo import parse_torrent
from engine.store import kept, pushes
from engine.store.errors import StoreError
from engine.store.store import Store
from tests.arrpush import acceptor
from tests.arrpush.memory import memory
from tests.engine.store.samples import infohash

ROOT = Path(__file__).parents[2]
PATIENCE = 20.0
"""Seconds a test waits for something before it fails."""

NOW = 1_700_000_000.5
URL = "https://indexer.invalid/download/1?passkey=marked-passkey"
NAME = "The.Show.S01E02.1080p.WEB.H264-GROUP"
TORRENT = acceptor.torrent(1)
HASH = parse_torrent(TORRENT).infohash
BADLY = sorted(set(State) - course.OPEN - course.WELL)


def offer(target=Target.SONARR, torrent=b"", base="", **fields):
    fields = {"name": NAME, "url": URL} | fields
    if torrent:
        fields["torrent"] = parse_torrent(torrent)
    return Offer(release=Release(**fields), target=target, torrent=torrent, base=base)


def numbered(number, **fields):
    return offer(name=acceptor.name(number), infohash=infohash(number), **fields)


def announce(db, *args, now=NOW, **fields):
    return take(db, offer(*args, **fields), now)


def stored(db):
    return list(reversed(pushes.recent(db, 10_000)))


def change(db, taken, **changes):
    """Have something become of a push."""
    record = pushes.get(db, taken.push.id)
    pushes.save(db, msgspec.structs.replace(record, **changes))


class TestOne:
    def test_is_stored_with_all_that_is_needed_to_push_it(self, db):
        taken = announce(db, infohash=infohash(1), base="http://nas:6500")

        assert not taken.known
        assert stored(db) == [taken.push]
        assert len(taken.push.id) == 16
        assert int(taken.push.id, 16)
        assert taken.push.target == "sonarr"
        assert (taken.push.title, taken.push.infohash) == (NAME, infohash(1))
        assert taken.push.base == "http://nas:6500"
        assert (taken.push.state, taken.push.accepted_at) == ("waiting", int(NOW))
        assert (taken.push.attempts, taken.push.tried, taken.push.ended_at) == (0, False, 0)
        assert (taken.push.since, taken.push.guessed) == (int(NOW), False)
        assert json.loads(taken.push.payload) == {
            "title": NAME,
            "protocol": "torrent",
            "indexer": "autobrr",
            "size": 0,
            "infoUrl": "",
            "publishDate": "2023-11-14T22:13:20Z",
            "guid": f"torrent:{infohash(1)}",
            "downloadUrl": URL,
            "infoHash": infohash(1),
        }

    def test_is_remembered_by_its_name(self, db):
        announce(db, infohash=infohash(1))

        assert catalogue.infohash_of(db, NAME.replace(".", " ")) == infohash(1)

    def test_that_is_not_enough_for_a_push_is_refused_and_leaves_nothing(self, db):
        for fields in ({"name": ""}, {"url": ""}, {"url": "ftp://marked"}, {"magnet": "magnet:?x"}):
            with pytest.raises(BadRelease):
                announce(db, **fields)
        with pytest.raises(BadRelease):
            announce(db, torrent=TORRENT, magnet=f"magnet:?xt=urn:btih:{infohash(9)}")

        assert stored(db) == []
        assert not kept.has(db, HASH)

    @pytest.mark.parametrize("more", [{"infohash": infohash(1)}, {"torrent": TORRENT}, {}])
    def test_that_has_a_name_longer_than_any_is_refused_and_leaves_nothing(self, db, more):
        with pytest.raises(BadRelease, match=f"more than {LONGEST_TITLE} characters"):
            announce(db, name="A" * (LONGEST_TITLE + 1), **more)

        assert stored(db) == []
        assert not kept.has(db, HASH)

    def test_t_04_size_not_numeric_is_0_and_no_failure(self, db):
        for number, size in enumerate(["unknown", "1.5 GB", "-1", "", None, [], "1e9", "٣"], 1):
            taken = announce(db, name=f"{NAME}.{number}", size=size)

            assert json.loads(taken.push.payload)["size"] == 0
            assert not taken.known

    def test_t_04_a_size_that_is_a_number_is_pushed_and_remembered(self, db):
        taken = announce(db, infohash=infohash(1), size="1234")

        assert json.loads(taken.push.payload)["size"] == 1234

    def test_shows_no_link_and_nothing_of_its_torrent(self, db):
        one = offer(torrent=TORRENT)

        assert "marked" not in repr(one)
        assert NAME in repr(one)
        assert HASH in repr(announce(db, torrent=TORRENT))
        assert "marked" not in repr(announce(db, torrent=TORRENT))


class TestAgain:
    def test_the_same_torrent_for_the_same_program_is_accepted_once(self, db):
        first = announce(db, infohash=infohash(1))
        again = announce(db, infohash=infohash(1).upper(), name="Another.Name", now=NOW + 9)

        assert again.known
        assert again.push == first.push
        assert stored(db) == [first.push]

    def test_for_two_programs_it_is_two(self, db):
        first, second = (announce(db, target, infohash=infohash(1)) for target in Target)

        assert not second.known
        assert [one.target for one in stored(db)] == ["sonarr", "radarr"]
        assert first.push.id != second.push.id

    def test_two_torrents_of_one_name_are_two(self, db):
        announce(db, infohash=infohash(1))
        assert not announce(db, infohash=infohash(2)).known

        assert len(stored(db)) == 2

    def test_one_name_without_a_torrent_is_one_in_any_spelling(self, db):
        first = announce(db)
        again = announce(db, name=NAME.replace(".", " ").lower(), url=f"{URL}&again=1")

        assert again.known
        assert again.push == first.push

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("Film.2024.2160p.HDR10.x265-GRP", "Film.2024.2160p.HDR10+.x265-GRP"),
            ("!!!", "???"),
            ("The.Show.S01E02", "The.Show.S01E03"),
            ("A" * (LONGEST_TITLE - 1), "A" * LONGEST_TITLE),
        ],
    )
    def test_two_names_without_a_torrent_are_two(self, db, one, other):
        announce(db, name=one)
        assert not announce(db, name=other).known

        assert [record.title for record in stored(db)] == [one, other]

    @pytest.mark.parametrize("state", sorted(course.WELL))
    def test_what_has_ended_well_does_not_go_again(self, db, state):
        first = announce(db, infohash=infohash(1))
        change(db, first, state=state, ended_at=5)
        again = announce(db, infohash=infohash(1), torrent=b"")

        assert again.known
        assert again.push.state == state
        assert pushes.first(db, "waiting", "sonarr") is None

    @pytest.mark.parametrize("state", BADLY)
    def test_what_has_ended_badly_goes_again_behind_the_others_by_its_old_id(self, db, state):
        first = announce(db, infohash=infohash(1))
        other = announce(db, infohash=infohash(2))
        change(
            db,
            first,
            state=state,
            ended_at=5,
            tried=True,
            attempts=3,
            said="no",
            answer="[]",
            code=9,
        )
        again = announce(db, infohash=infohash(1), now=NOW + 60)

        assert not again.known
        assert again.push.id == first.push.id
        assert stored(db) == [other.push, again.push]
        at = int(NOW) + 60
        expected = {"accepted_at": at, "since": at, "payload": again.push.payload}
        if state == State.EXPIRED:
            expected |= {"tried": True, "since": first.push.since}
        assert again.push == msgspec.structs.replace(first.push, **expected)

    def test_what_expired_and_was_never_sent_is_as_new(self, db):
        first = announce(db, infohash=infohash(1))
        change(db, first, state=State.EXPIRED, ended_at=5)
        again = announce(db, infohash=infohash(1), now=NOW + 60)

        assert (again.push.tried, again.push.since) == (False, int(NOW) + 60)

    def test_what_nobody_answered_is_asked_for_as_of_the_first_time_however_often_it_expires(
        self, db
    ):
        for days in range(4):
            taken = announce(db, infohash=infohash(1), now=NOW + days * 86400)
            assert taken.push.tried == bool(days)
            assert taken.push.since == int(NOW)
            change(db, taken, state=State.EXPIRED, tried=True, ended_at=5)

    @pytest.mark.parametrize("state", sorted(course.OPEN))
    def test_what_is_under_way_is_left_alone(self, db, state):
        first = announce(db, infohash=infohash(1))
        change(db, first, state=state, tried=True, attempts=3)
        before = stored(db)
        again = announce(db, infohash=infohash(1), url=f"{URL}&again=1")

        assert again.known
        assert [again.push] == before == stored(db)


class TestMoreIsKnown:
    """A release is announced once more, now with its .torrent, before it was sent."""

    @pytest.mark.parametrize(
        "before", [{}, {"infohash": HASH}, {"magnet": f"magnet:?xt=urn:btih:{HASH}"}]
    )
    def test_the_push_gets_better_and_keeps_id_and_place(self, db, before):
        first = announce(db, **before)
        other = announce(db, infohash=infohash(2), name="Other.2024.1080p.x264-GRP")
        again = announce(db, torrent=TORRENT, url="https://indexer.invalid/2", base="http://nas:1")

        assert again.known
        assert again.push.id == first.push.id
        assert stored(db) == [again.push, other.push]
        assert (again.push.infohash, again.push.base) == (HASH, "http://nas:1")
        assert json.loads(again.push.payload)["infoHash"] == HASH
        assert kept.get(db, HASH) == TORRENT

    def test_so_it_does_when_it_was_tried_and_keeps_what_it_has_come_to(self, db):
        """Nobody could answer, or what it was given was no use: the .torrent may be."""
        first = announce(db, infohash=HASH)
        come_to = {
            "tried": True,
            "attempts": 3,
            "attempted_at": 7,
            "since": 5,
            "code": 503,
            "said": "Sonarr is starting",
            "answer": "starting",
        }
        change(db, first, **come_to)
        again = announce(db, torrent=TORRENT, base="http://nas:1", now=NOW + 60)

        assert again.known
        news = {"payload": again.push.payload, "base": "http://nas:1", "answer": ""}
        assert again.push == msgspec.structs.replace(first.push, **(come_to | news))
        assert [again.push] == stored(db)
        assert json.loads(again.push.payload)["infoHash"] == HASH
        assert kept.get(db, HASH) == TORRENT

    @pytest.mark.parametrize("state", sorted(course.OPEN))
    @pytest.mark.parametrize("more", [{"torrent": TORRENT}, {"infohash": HASH}], ids=list)
    def test_once_one_was_sent_without_an_infohash_it_stays_what_it_is(self, db, state, more):
        """Which torrent of that name is grabbed for it nobody knows; this one is another push."""
        first = announce(db)
        change(db, first, state=state, tried=True)
        again = announce(db, **more)

        assert not again.known
        assert [one.infohash for one in stored(db)] == ["", HASH]

    @pytest.mark.parametrize("state", ["approved", "later", "ungrabbed"])
    def test_a_torrent_that_comes_late_is_kept_for_the_grab(self, db, state):
        first = announce(db, infohash=HASH)
        change(db, first, state=state, tried=True, ended_at=5 if state != "approved" else 0)
        announce(db, torrent=TORRENT)

        assert kept.get(db, HASH) == TORRENT

    def test_one_whose_torrent_is_here_already_stays_grabbed(self, db):
        first = announce(db, infohash=HASH)
        change(db, first, tried=True, grabbed_at=9)

        assert announce(db, torrent=TORRENT).push.grabbed_at == 9

    def test_an_infohash_that_was_guessed_is_told_then(self, db):
        announce(db, Target.RADARR, torrent=TORRENT)
        first = announce(db)
        assert (first.push.infohash, first.push.guessed) == (HASH, True)
        again = announce(db, torrent=TORRENT)

        assert again.known
        assert again.push.id == first.push.id
        assert (again.push.infohash, again.push.guessed) == (HASH, False)
        assert [one.target for one in stored(db)] == ["radarr", "sonarr"]

    @pytest.mark.parametrize("told", [{"torrent": TORRENT}, {"infohash": HASH}])
    def test_a_guess_that_was_wrong_makes_no_second_release_of_it(self, db, told):
        announce(db, Target.RADARR, infohash=infohash(1))
        first = announce(db)
        assert (first.push.infohash, first.push.guessed) == (infohash(1), True)
        again = announce(db, **told)

        assert again.known
        assert again.push.id == first.push.id
        assert [one.target for one in stored(db)] == ["radarr", "sonarr"]

    def test_a_wrong_guess_makes_no_second_release_of_one_whose_infohash_was_told(self, db):
        first = announce(db, infohash=infohash(1))
        announce(db, Target.RADARR, infohash=infohash(2), now=NOW + 5)
        again = announce(db, now=NOW + 9)

        assert again.known
        assert again.push == first.push

    def test_but_not_when_nothing_of_it_is_new(self, db):
        first = announce(db, torrent=TORRENT)
        again = announce(db, torrent=acceptor.torrent(1, "another-passkey"), now=NOW + 9)

        assert again.known
        assert again.push == first.push
        assert kept.get(db, HASH) == TORRENT

    def test_less_is_no_news(self, db):
        first = announce(db, torrent=TORRENT)
        again = announce(db)

        assert again.known
        assert [again.push] == [first.push] == stored(db)

    def test_a_torrent_that_one_program_has_got_is_news_for_the_other_that_knows_of_none(self, db):
        announce(db, Target.RADARR, torrent=TORRENT, name="Another.Name")
        first = announce(db)
        again = announce(db, torrent=TORRENT)

        assert (first.push.infohash, again.push.infohash) == ("", HASH)
        assert again.push.id == first.push.id


class TestTorrents:
    def test_one_is_kept_with_the_release_it_came_with_byte_by_byte(self, db):
        announce(db, torrent=TORRENT)

        assert kept.get(db, HASH) == TORRENT

    @pytest.mark.parametrize("state", BADLY)
    def test_one_that_comes_again_after_a_bad_end_is_the_one_that_holds(self, db, state):
        first = announce(db, torrent=TORRENT)
        change(db, first, state=state, ended_at=5)
        newer = acceptor.torrent(1, "newer-passkey")
        announce(db, torrent=newer)

        assert kept.get(db, HASH) == newer

    def test_one_of_a_release_that_has_been_grabbed_is_not_kept(self, db):
        first = announce(db, infohash=HASH)
        change(db, first, state=State.GRABBED, tried=True)
        assert announce(db, torrent=TORRENT).known

        assert not kept.has(db, HASH)


class TestT03:
    def test_t_03_absence_infohash_fallback_db(self, db):
        first = announce(db, Target.RADARR, infohash=infohash(1))
        taken = announce(db, name=NAME.replace(".", " "))

        assert first.push.infohash == taken.push.infohash == infohash(1)
        assert (first.push.guessed, taken.push.guessed) == (False, True)
        body = json.loads(taken.push.payload)
        assert (body["infoHash"], body["guid"]) == (infohash(1), f"torrent:{infohash(1)}")

    def test_t_03_the_most_recent_one_counts(self, db):
        for number, now in ((1, NOW + 5), (2, NOW + 9), (3, NOW + 7)):
            announce(db, Target.RADARR, infohash=infohash(number), now=now)

        assert announce(db).push.infohash == infohash(2)

    def test_t_03_a_release_without_anything_else_is_pushed_as_a_magnet_then(self, db):
        announce(db, Target.RADARR, infohash=infohash(1))
        taken = announce(db, url="")

        uri = json.loads(taken.push.payload)["magnetUrl"]
        assert uri == f"magnet:?xt=urn:btih:{infohash(1)}&dn={NAME}"

    def test_t_03_another_episode_has_no_part_in_it(self, db):
        announce(db, infohash=infohash(1))
        taken = announce(db, name=NAME.replace("E02", "E03"))

        assert (taken.push.infohash, taken.push.guessed) == ("", False)
        assert "infoHash" not in json.loads(taken.push.payload)

    def test_t_03_what_was_only_looked_up_is_not_taken_for_seen(self, db):
        """Else a guess would outlive the truth, and lead to guesses of its own."""
        spelled = f"{NAME}[site]"
        announce(db, Target.RADARR, infohash=infohash(1))
        assert announce(db, name=spelled).push.infohash == infohash(1)
        announce(db, Target.RADARR, infohash=infohash(2), now=NOW + 60)

        assert catalogue.infohash_of(db, spelled) == infohash(2)

    def test_t_03_what_the_announcement_says_itself_comes_first(self, db):
        announce(db, infohash=infohash(1))

        assert announce(db, infohash=infohash(2)).push.infohash == infohash(2)

    def test_t_03_the_same_release_without_its_infohash_is_still_the_same(self, db):
        first = announce(db, infohash=infohash(1))

        assert announce(db).push == first.push


TITLES = {
    NAME: ["", infohash(1), infohash(2)],
    NAME.replace(".", " ").lower(): ["", infohash(1), infohash(2)],
    "Film.2024.2160p.HDR10.x265-GRP": ["", HASH, TORRENT],
    "Film.2024.2160p.HDR10+.x265-GRP": ["", infohash(3)],
    "!!!": [""],
    "???": [""],
}
"""Names, and the torrents they are announced with."""

ANNOUNCED = st.one_of(
    *(
        st.fixed_dictionaries(
            {
                "target": st.sampled_from(Target),
                "name": st.just(name),
                "torrent" if one == TORRENT else "infohash": st.just(one),
            }
        )
        for name, known in TITLES.items()
        for one in known
    )
)


@pytest.mark.parametrize("first", [infohash(1), ""], ids=["with an infohash", "without"])
@pytest.mark.parametrize(("later", "known"), [(3600, True), (25 * 3600, False)])
def test_a_name_alone_tells_for_a_day_that_a_release_has_ended(db, first, later, known):
    taken = announce(db, infohash=first)
    change(db, taken, state=State.GRABBED, ended_at=int(NOW))
    again = announce(db, now=NOW + later)

    assert again.known is known
    assert (again.push.id == taken.push.id) is known
    assert len(stored(db)) == (1 if known else 2)


def test_an_infohash_tells_for_ever_that_a_release_has_ended_well(db):
    taken = announce(db, infohash=infohash(1))
    change(db, taken, state=State.GRABBED, ended_at=int(NOW))

    assert announce(db, now=NOW + 1e7, infohash=infohash(1)).known


@given(st.lists(st.tuples(ANNOUNCED, st.sampled_from([*State, None, None])), max_size=12))
def test_whatever_is_announced_in_whatever_order_each_is_there_once(steps):
    with memory() as db:
        for now, (fields, becomes) in enumerate(steps, 1):
            try:
                taken = announce(db, now=now, **fields)
            except BadRelease:
                continue
            assert pushes.get(db, taken.push.id) == taken.push
            assert taken.known or taken.push.state == State.WAITING
            if becomes:
                ended_at = 0 if becomes in course.OPEN else now
                change(db, taken, state=becomes, tried=True, ended_at=ended_at)
        records = stored(db)
    identities = [(one.target, one.infohash) for one in records if one.infohash]
    assert len(set(identities)) == len(identities)
    for one in records:
        same_name = [
            other for other in records if (one.target, one.words) == (other.target, other.words)
        ]
        assert one.infohash or one.tried or same_name == [one]


@given(
    st.builds(
        Release,
        name=st.text(st.characters()),
        url=st.sampled_from(["", URL]) | st.text(st.characters()),
        magnet=st.just("") | st.text(st.characters()),
        infohash=st.sampled_from(["", HASH]) | st.text(st.characters()),
        indexer=st.text(st.characters()),
        size=st.none() | st.integers() | st.text() | st.floats(),
        info_url=st.text(st.characters()),
        download_client=st.text(st.characters()),
        imdb=st.integers(0, 2**63 - 1),
    ),
    st.sampled_from(Target),
)
def test_whatever_a_release_holds_it_is_stored_or_refused(release, target):
    with memory() as db:
        try:
            taken = take(db, Offer(release=release, target=target), NOW)
        except BadRelease:
            assert stored(db) == []
        else:
            assert stored(db) == [taken.push]
            assert take(db, Offer(release=release, target=target), NOW).known


class WatchedStore(Store):
    """Counts the works it is given, holds them back, and fails when it is told to."""

    def __init__(self, path):
        super().__init__(path)
        self.durable = []
        self.problems = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def run(self, work, *, durable=False):
        self.durable.append(durable)
        await self.gate.wait()
        if self.problems:
            raise self.problems.pop(0)
        return await super().run(work, durable=durable)


@pytest.fixture
async def store(tmp_path):
    with contextlib.closing(WatchedStore(tmp_path / "client.db")) as store:
        yield store


@pytest.fixture
def desk(store):
    return Desk(store, lambda: NOW)


def start(desk, *offers):
    return [asyncio.create_task(desk.accept(one)) for one in offers]


async def turns():
    """Let everything get as far as it can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def outcomes(tasks):
    """Return what became of those who wait."""
    async with asyncio.timeout(PATIENCE):
        return await asyncio.gather(*tasks, return_exceptions=True)


async def all_stored(store):
    return await Store.run(store, stored)


async def test_an_accepted_release_is_on_disk_and_survives_a_power_cut(store, desk):
    taken = await desk.accept(numbered(1))

    assert await all_stored(store) == [taken.push]
    assert store.durable == [True]


async def test_nobody_is_answered_before_the_commit(store, desk):
    store.gate.clear()
    tasks = start(desk, numbered(1), numbered(2))
    await turns()
    assert not any(task.done() for task in tasks)

    store.gate.set()
    assert [(await task).known for task in tasks] == [False, False]


async def test_a_burst_shares_commits(store, desk):
    store.gate.clear()
    first = start(desk, *map(numbered, range(1)))
    await turns()
    rest = start(desk, *map(numbered, range(1, 1_000)))
    await turns()
    store.gate.set()
    taken = await outcomes([*first, *rest])

    assert store.durable == [True, True]
    assert len({one.push.id for one in taken}) == 1_000
    assert [one.infohash for one in await all_stored(store)] == [
        infohash(number) for number in range(1_000)
    ]


async def test_the_same_release_twice_in_one_commit_is_accepted_once(store, desk):
    first, second = await outcomes(start(desk, numbered(1), numbered(1)))

    assert (first.known, second.known) == (False, True)
    assert first.push == second.push
    assert len(store.durable) == 1


async def test_a_bad_one_among_others_is_told_alone(store, desk):
    tasks = start(desk, numbered(1), offer(name=""), numbered(2), offer(url="marked"))
    results = await outcomes(tasks)

    assert [type(one).__name__ for one in results] == ["Taken", "BadRelease", "Taken", "BadRelease"]
    assert len(await all_stored(store)) == 2
    assert len(store.durable) == 1


async def test_one_that_a_bug_trips_over_takes_no_other_with_it(store, desk, monkeypatch):
    def tripping(db, one, now):
        taken = take(db, one, now)
        if one.release.name == acceptor.name(2):
            raise LookupError("a bug of ours")
        return taken

    monkeypatch.setattr(accepting, "take", tripping)
    tasks = start(desk, *map(numbered, range(1, 4)))
    results = await outcomes(tasks)

    assert [type(one).__name__ for one in results] == ["Taken", "LookupError", "Taken"]
    assert [one.infohash for one in await all_stored(store)] == [infohash(1), infohash(3)]
    assert set(store.durable) == {True}


async def test_a_store_that_fails_is_told_to_all_of_that_commit_and_the_next_one_works(store, desk):
    store.gate.clear()
    # The commit they share, and one for each of them.
    store.problems = [StoreError("there is no room left")] * 3
    tasks = start(desk, numbered(1), numbered(2))
    await turns()
    later = start(desk, numbered(3))
    store.gate.set()
    results = await outcomes(tasks)

    assert [str(one) for one in results] == ["there is no room left"] * 2
    assert not (await later[0]).known
    assert not (await desk.accept(numbered(1))).known
    assert [one.infohash for one in await all_stored(store)] == [infohash(3), infohash(1)]
    assert set(store.durable) == {True}


async def test_what_the_store_refuses_of_one_takes_no_other_with_it(store, desk, monkeypatch):
    def refusing(db, one, now):
        if one.release.name == acceptor.name(2):
            raise apsw.TooBigError("string or blob too big")
        return take(db, one, now)

    monkeypatch.setattr(accepting, "take", refusing)
    results = await outcomes(start(desk, *map(numbered, range(1, 5))))

    kinds = [type(one).__name__ for one in results]
    assert kinds == ["Taken", "StoreError", "Taken", "Taken"]
    expected = [infohash(number) for number in (1, 3, 4)]
    assert [one.infohash for one in await all_stored(store)] == expected
    assert set(store.durable) == {True}


async def test_a_failure_that_has_passed_when_they_are_stored_one_by_one_is_told_to_nobody(
    store, desk
):
    store.problems = [StoreError("the disk was away for a moment")]
    results = await outcomes(start(desk, *map(numbered, range(1, 4))))

    assert [one.known for one in results] == [False] * 3
    assert len(await all_stored(store)) == 3
    assert len(store.durable) == 4


async def test_a_disk_that_is_full_takes_what_was_told_and_works_when_there_is_room(store, desk):
    def no_room(db):
        db.pragma("max_page_count", db.pragma("page_count") + 1)

    def room(db):
        db.pragma("max_page_count", 2**30)

    await Store.run(store, no_room)
    results = await outcomes(start(desk, *map(numbered, range(200))))
    told = [number for number, one in enumerate(results) if not isinstance(one, StoreError)]
    assert all(isinstance(one, accepting.Taken | StoreError) for one in results)
    assert len(told) < 100
    assert [one.infohash for one in await all_stored(store)] == [infohash(one) for one in told]

    await Store.run(store, room)
    taken = await outcomes(start(desk, *map(numbered, range(200))))
    assert [number for number, one in enumerate(taken) if one.known] == told
    assert len(await all_stored(store)) == 200


async def test_a_store_that_is_closed_is_told(store, desk):
    store.close()
    with pytest.raises(StoreError, match="closed"):
        await desk.accept(numbered(1))


@pytest.mark.parametrize("when", ["before the commit", "during the commit"])
async def test_who_does_not_wait_any_more_disturbs_nobody_and_loses_nothing(store, desk, when):
    store.gate.clear()
    tasks = start(desk, numbered(1), numbered(2), numbered(3))
    if when == "during the commit":
        await turns()
    else:
        await asyncio.sleep(0)
    tasks[1].cancel()
    await turns()
    store.gate.set()
    results = await outcomes(tasks)

    assert [type(one).__name__ for one in results] == ["Taken", "CancelledError", "Taken"]
    assert len(await all_stored(store)) == 3
    assert (await desk.accept(numbered(2))).known


async def test_who_does_not_wait_any_more_is_not_told_of_a_failure_either(store, desk):
    store.gate.clear()
    store.problems = [StoreError("there is no room left")] * 3
    tasks = start(desk, numbered(1), numbered(2))
    await turns()
    tasks[0].cancel()
    await turns()
    store.gate.set()
    results = await outcomes(tasks)

    assert [type(one).__name__ for one in results] == ["CancelledError", "StoreError"]


async def test_the_repr_tells_how_many_wait(desk):
    assert repr(desk) == "<Desk 0 waiting>"


REPORTS_BEFORE_KILL = (1, *sorted(random.Random(5).sample(range(2, 1_200), 4)))


def kill_after(reports, path):
    """Run the acceptor, kill it after some reports, and return all it reported."""
    command = [sys.executable, "-m", "tests.arrpush.acceptor", str(path), "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as child:
        lines = list(itertools.islice(child.stdout, reports))
        child.kill()
        lines += child.stdout
    # A line that the kill cut off is no report.
    whole = [line.decode().split() for line in lines if line.endswith(b"\n")]
    return [(int(number), push_id) for number, push_id in whole]


def test_nothing_that_was_reported_as_accepted_is_lost_or_doubled_by_kill_9(tmp_path):
    path = tmp_path / "client.db"
    known = {}
    for reports in REPORTS_BEFORE_KILL:
        reported = kill_after(reports, path)
        assert len(reported) >= reports
        for number, push_id in reported:
            # Announced again after a kill, it is still the same.
            assert known.setdefault(number, push_id) == push_id

        with contextlib.closing(Store(path)) as store:
            assert store.call(lambda db: db.pragma("integrity_check")) == "ok"
            records = store.call(stored)
            with_torrent = store.call(
                lambda db, all_=records: {one.id for one in all_ if kept.has(db, one.infohash)}
            )
        by_id = {one.id: one for one in records}
        assert len({one.infohash for one in records}) == len(by_id) == len(records)
        for number, push_id in known.items():
            assert by_id[push_id].title == acceptor.name(number)
        # Whole bursts, each with what belongs to it.
        titles = [one.title for one in records]
        assert titles == [acceptor.name(number) for number in range(len(records))]
        assert with_torrent == {one.id for one in records[::3]}
