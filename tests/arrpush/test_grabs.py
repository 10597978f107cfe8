"""Watching for grabs: which release a torrent that is added here was, and who has grabbed it."""

import asyncio

import pytest

from arrpush import course, grabs
from arrpush.course import State
from arrpush.grabs import ASKED_FOR, UNSURE_FOR, named
from arrpush.outbox import CHORES, DAY
from arrpush.payload import Target
from engine.store import kept, pushes, torrents
from engine.store.records import TorrentRecord
from tests.arrpush.outbox_desk import OutboxDesk, logged, release, with_torrent
from tests.engine.jobs.world import Torrent
from tests.engine.store.samples import push
from tests.fakes import arr_faults
from tests.fakes.arr import FakeArr

SONARR, RADARR = Target.SONARR, Target.RADARR
SONARRS, RADARRS = "Sonarr/4.0.15 (debian)", "Radarr/5.2 (alpine)"
PUSH = ("POST", "/release/push")
HISTORY = ("GET", "/history")
NAME = release().name
HASH = release().infohash
ANOTHER = "ab" * 20
TORRENT = Torrent("A.Show.S01E01.1080p.WEB-GROUP", b"some bytes of an episode")
APPROVED = arr_faults.Fault(
    name="approved",
    status=200,
    body='[{"approved": true, "rejected": false, "temporarilyRejected": false}]',
)
"""It approves, and nothing is grabbed: not even its history knows of it."""


@pytest.fixture
def sonarr():
    with FakeArr() as fake:
        fake.push_faults = lambda _number, _body: None if fake.rejections else APPROVED
        yield fake


@pytest.fixture
def radarr():
    with FakeArr(radarr=True, category="radarr") as fake:
        fake.push_faults = lambda _number, _body: None if fake.rejections else APPROVED
        yield fake


@pytest.fixture
async def desk(tmp_path, sonarr, radarr):
    desk = OutboxDesk(tmp_path, {SONARR: sonarr, RADARR: radarr})
    async with desk.open():
        yield desk


def later(fake):
    """Have a program reject for now what is pushed."""
    fake.rejections, fake.temporarily = ["waits for its delay profile"], True


async def accepts(desk, *args, state=State.APPROVED, **fields):
    """Have a release accepted, and answered as its program does."""
    taken = await desk.accepts(release(*args, **fields))
    await desk.becomes(taken, state)
    return taken


def states(desk, *taken):
    return [desk.stored(one).state for one in taken]


async def turns(number=20):
    for _ in range(number):
        await asyncio.sleep(0)


class TestOneTorrentForTwoPrograms:
    async def both(self, desk):
        return [await accepts_for(desk, target) for target in (SONARR, RADARR)]

    @pytest.mark.parametrize(("agent", "whose"), [(SONARRS, 0), (RADARRS, 1)])
    async def test_the_grab_of_one_is_not_the_other_s(self, desk, agent, whose):
        taken = await self.both(desk)
        await desk.outbox.added(HASH, NAME, 1, agent)

        expected = [State.APPROVED, State.APPROVED]
        expected[whose] = State.GRABBED
        assert states(desk, *taken) == expected

    async def test_each_grabs_for_itself(self, desk):
        taken = await self.both(desk)
        await desk.outbox.added(HASH, NAME, 1, RADARRS)
        await desk.outbox.added(HASH, NAME, 1, SONARRS)

        assert states(desk, *taken) == [State.GRABBED] * 2

    @pytest.mark.parametrize("agent", ["", "curl/8.0", "Sonarr-4k/4.0", "Mozilla/5.0", "Lidarr/2"])
    async def test_one_that_nobody_knows_may_be_both_s(self, desk, agent):
        taken = await self.both(desk)
        await desk.outbox.added(HASH, NAME, 1, agent)

        assert states(desk, *taken) == [State.GRABBED] * 2

    async def test_what_one_has_rejected_is_not_grabbed_by_it_because_the_other_did(
        self, desk, radarr
    ):
        radarr.rejections = ["Unknown Movie"]
        film = await accepts_for(desk, RADARR, State.REJECTED)
        show = await accepts_for(desk, SONARR)
        for agent in (SONARRS, "", "curl/8.0"):
            await desk.outbox.added(HASH, NAME, 1, agent)

        assert states(desk, film, show) == [State.REJECTED, State.GRABBED]

    async def test_what_one_has_rejected_and_then_added_itself_is_grabbed(self, desk, radarr):
        """A search of its own has found it, and now it wants it."""
        radarr.rejections = ["Unknown Movie"]
        film = await accepts_for(desk, RADARR, State.REJECTED)
        await desk.outbox.added(HASH, NAME, 1, RADARRS)

        assert states(desk, film) == [State.GRABBED]

    async def test_one_that_is_down_is_not_thought_to_have_it(self, desk, radarr):
        """Else the film would never be heard of again."""
        radarr.down = True
        film = await desk.accepts(release(), RADARR)
        await desk.waits()
        show = await accepts_for(desk, SONARR)
        await desk.outbox.added(HASH, NAME, 1, SONARRS)
        await desk.as_time_passes(lambda: desk.stored(film).state != State.WAITING, step=600)

        assert states(desk, film, show) == [State.EXPIRED, State.GRABBED]
        assert not (await desk.accepts(release(), RADARR)).known

    async def test_by_its_name_it_is_only_whose_agent_added_it(self, desk):
        film = await accepts_for(desk, RADARR, infohash="")
        show = await accepts_for(desk, SONARR, infohash="")
        await desk.outbox.added(ANOTHER, NAME, 1, RADARRS)

        assert states(desk, film, show) == [State.GRABBED, State.APPROVED]
        assert desk.stored(show).infohash == ""

    async def test_what_the_other_was_told_of_is_found_by_its_name_all_the_same(self, desk):
        show = await accepts_for(desk, SONARR, infohash="")
        film = await accepts_for(desk, RADARR)
        await desk.outbox.added(HASH, NAME, 1, SONARRS)

        assert states(desk, show, film) == [State.GRABBED, State.APPROVED]


async def accepts_for(desk, target, state=State.APPROVED, **fields):
    taken = await desk.accepts(release(**fields), target)
    await desk.becomes(taken, state)
    return taken


def tried(number, **changes):
    return push(number, tried=True, infohash="", **changes)


class TestNamed:
    """Which release is meant by a torrent's name."""

    LONG = "A.Show.S01E01.1080p.WEB.H264-GROUP"

    def test_of_none_there_is_none(self):
        assert named([], self.LONG) == []
        assert named([tried(1, title="A.Show.S01E02.1080p.WEB.H264-GROUP")], self.LONG) == []

    @pytest.mark.parametrize("state", [State.WAITING, State.APPROVED])
    def test_what_is_under_way_comes_before_what_may_be_grabbed_later_however_alike(self, state):
        lasting = tried(1, title=self.LONG, state=State.LATER)
        under_way = tried(2, title=f"{self.LONG}-Site", state=state)

        assert named([lasting, under_way], self.LONG) == [under_way]
        assert named([under_way, lasting], self.LONG) == [under_way]

    @pytest.mark.parametrize("state", [State.APPROVED, State.LATER])
    def test_the_likeness_comes_before_the_order(self, state):
        alike = tried(1, title="A.Show.S01E01.1080p.WEB.H264", state=state)
        same = tried(2, title=self.LONG, state=state)

        assert named([alike, same], self.LONG) == [same]
        assert named([same, alike], self.LONG) == [same]

    @pytest.mark.parametrize("order", [(1, 2), (2, 1)])
    def test_among_equals_the_first_one_is_meant(self, order):
        one, other = (tried(number, title=self.LONG) for number in order)

        assert named([one, other], self.LONG) == [one]

    def test_one_that_is_under_way_but_another_episode_is_not_meant(self):
        lasting = tried(1, title=self.LONG, state=State.LATER)
        other = tried(2, title=self.LONG.replace("E01", "E02"), state=State.APPROVED)

        assert named([other, lasting], self.LONG) == [lasting]


class TestByName:
    """Nobody told the infohash: a torrent that is added tells it, if its name is alike."""

    async def test_one_under_way_is_grabbed_before_one_for_later(self, desk, sonarr):
        later(sonarr)
        old = await accepts(desk, infohash="", state=State.LATER)
        desk.time.passes(2 * DAY)
        sonarr.rejections = []
        new = await accepts(desk, infohash="", url="https://another.example/x")
        assert new.push.id != old.push.id
        await desk.outbox.added(ANOTHER, NAME, 1, SONARRS)

        assert states(desk, old, new) == [State.LATER, State.GRABBED]
        assert [desk.stored(one).infohash for one in (old, new)] == ["", ANOTHER]

    async def test_the_most_alike_is_grabbed_not_the_first(self, desk):
        name = "A.Show.S01E01.1080p.WEB.H264"
        first = await accepts(desk, 1, infohash="", name=name)
        second = await accepts(desk, 2, infohash="", name=f"{name}-GROUP")
        await desk.outbox.added(ANOTHER, f"{name}-GROUP", 1)

        assert states(desk, first, second) == [State.APPROVED, State.GRABBED]

    @pytest.mark.parametrize("agent", ["", SONARRS])
    async def test_a_torrent_that_has_a_release_of_its_own_is_nobody_else_s(
        self, desk, sonarr, agent
    ):
        """Programs add a torrent twice, after a login that was over for example."""
        name = "A.Show.S01E01.1080p.WEB.H264-GROUP"
        later(sonarr)
        other = await accepts(desk, 2, infohash="", name=f"{name}-Site", state=State.LATER)
        sonarr.rejections = []
        own = await accepts(desk, 1, name=name)
        for _ in range(3):
            await desk.outbox.added(HASH, name, 1, agent)

        assert states(desk, own, other) == [State.GRABBED, State.LATER]
        assert desk.stored(other).infohash == ""

    async def test_one_that_was_never_sent_is_not_grabbed(self, desk, sonarr):
        sonarr.push_faults = [arr_faults.HANGS]
        under_way = await desk.accepts(release(1, infohash=""))
        await desk.until(lambda: sonarr.hanging == 1)
        behind = await desk.accepts(release(2, infohash=""))
        told = await desk.accepts(release(3))
        await desk.outbox.added(release(3).infohash, release(3).name, 1, SONARRS)
        assert desk.stored(told).grabbed_at == 0
        await desk.outbox.added(ANOTHER, release(2).name, 1)
        assert desk.stored(behind).infohash == ""
        await desk.outbox.added("cd" * 20, release(1).name, 1)
        assert desk.stored(under_way).infohash == "cd" * 20
        sonarr.rejections = ["no"]
        sonarr.let_go()

        assert (await desk.becomes(under_way, State.GRABBED)).infohash == "cd" * 20
        await desk.becomes(behind, State.REJECTED)
        await desk.becomes(told, State.REJECTED)

    async def test_nothing_old_is_compared_with_what_is_added(self, desk, monkeypatch):
        def fill(db):
            at = int(desk.time.now - UNSURE_FOR - 1)
            for number in range(9_000):
                pushes.add(db, tried(number, state=State.LATER, attempted_at=at, ended_at=at))

        assert await self.compared(desk, fill, monkeypatch) == 0

    async def test_no_more_than_some_hundreds_are_compared_whatever_waits(self, desk, monkeypatch):
        def fill(db):
            at = int(desk.time.now)
            for number in range(9_000):
                pushes.add(db, tried(number, state=State.LATER, attempted_at=at, ended_at=at))

        assert await self.compared(desk, fill, monkeypatch) == pushes.MOST_UNSURE

    async def compared(self, desk, fill, monkeypatch):
        """Return how many releases a torrent's name is compared with when it is added."""
        seen = []
        monkeypatch.setattr(grabs, "likeness", lambda *names: seen.append(names) or 0.0)
        await desk.store.run(fill)
        await desk.outbox.added(ANOTHER, "Another.Film.2020.1080p", 1)
        return len(seen)


class TestGuessed:
    """The infohash is that of a release of the same name which was seen before."""

    async def guessed(self, desk):
        """Accept a release of another tracker than the one that was grabbed long ago."""
        await desk.outbox.added(ANOTHER, NAME, 1)
        desk.time.passes(2 * DAY)
        taken = await accepts(desk, infohash="", url="https://good.example/x.torrent")
        record = desk.stored(taken)
        assert (record.infohash, record.guessed) == (ANOTHER, True)
        return taken

    async def test_what_is_added_is_the_release_though_it_is_another_torrent(self, desk):
        taken = await self.guessed(desk)
        await desk.outbox.added("cd" * 20, NAME, 1, SONARRS)
        record = desk.stored(taken)

        assert (record.state, record.infohash) == (State.GRABBED, "cd" * 20)
        assert not record.guessed

    async def test_a_right_guess_is_the_release_too(self, desk):
        taken = await self.guessed(desk)
        await desk.outbox.added(ANOTHER, "whatever it is called", 1, SONARRS)
        record = desk.stored(taken)

        assert (record.state, record.infohash, record.guessed) == (State.GRABBED, ANOTHER, False)

    async def test_a_grab_elsewhere_is_found_by_its_name(self, desk, sonarr):
        taken = await self.guessed(desk)
        sonarr.grab("cd" * 20, title=NAME)
        await desk.waits_and_passes()
        record = await desk.becomes(taken, State.GRABBED, State.UNGRABBED)

        assert (record.state, record.infohash) == (State.GRABBED, "cd" * 20)
        assert "another download client" in record.said

    async def test_before_it_goes_out_again_it_is_asked_for_by_its_name(self, desk, sonarr):
        await desk.outbox.added(ANOTHER, NAME, 1)
        desk.time.passes(2 * DAY)
        sonarr.push_faults = [arr_faults.CUT]
        taken = await desk.accepts(release(infohash="", url="https://good.example/x.torrent"))
        await desk.waits()
        sonarr.grab("cd" * 20, title=NAME)
        await desk.waits_and_passes()
        record = await desk.becomes(taken, State.GRABBED, State.APPROVED)

        assert (record.state, record.infohash) == (State.GRABBED, "cd" * 20)
        assert len(sonarr.asked_for(*PUSH)) == 1

    async def test_the_torrent_of_the_guess_is_not_what_the_program_is_given(self, desk, sonarr):
        first = await desk.accepts(with_torrent(TORRENT), torrent=TORRENT.metainfo)
        await desk.becomes(first, State.APPROVED)
        await desk.outbox.added(TORRENT.infohash, TORRENT.name, 1, SONARRS)
        desk.time.passes(DAY + 10)
        await turns()
        now = int(desk.time.now)  # it may be kept for the other program, say
        await desk.store.run(lambda db: kept.put(db, TORRENT.infohash, TORRENT.metainfo, now))
        second = await accepts(desk, infohash="", url="https://good.example/x.torrent")
        sent = sonarr.asked_for(*PUSH)[-1].body

        assert not second.known
        assert sent["downloadUrl"] == "https://good.example/x.torrent"
        assert "magnetUrl" not in sent
        await desk.waits_and_passes()
        record = await desk.becomes(second, State.UNGRABBED, State.GRABBED, State.WAITING)
        assert "goes out again as a magnet" not in record.said


class TestCheck:
    """What was not added within a minute is asked for in the program's history."""

    async def test_a_torrent_that_is_here_under_another_name_is_not_elsewhere(self, desk, sonarr):
        taken = await accepts(desk, infohash="")
        other = TorrentRecord(
            hash=ANOTHER, name="something else", state="added", save_path="/x", added_at=1
        )
        await desk.store.run(lambda db: torrents.save(db, other))
        sonarr.grab(ANOTHER, title=NAME)
        await desk.outbox.added(ANOTHER, other.name, 1)
        assert states(desk, taken) == [State.APPROVED]
        await desk.waits_and_passes()
        record = await desk.becomes(taken, State.GRABBED, State.UNGRABBED)

        assert (record.state, record.infohash) == (State.GRABBED, ANOTHER)
        assert "another download client" not in record.said

    async def test_a_program_that_is_down_then_is_asked_again(self, desk, sonarr):
        taken = await accepts(desk)
        sonarr.grab(HASH, title=NAME)
        sonarr.down = True
        for number in range(1, 6):
            assert await desk.waits_and_passes() == course.GRAB_PATIENCE
            await desk.until(lambda number=number: len(sonarr.asked_for(*HISTORY)) == number)
        assert states(desk, taken) == [State.APPROVED]
        sonarr.down = False
        await desk.waits_and_passes()
        record = await desk.becomes(taken, State.GRABBED, State.UNGRABBED)

        assert record.state == State.GRABBED
        assert "another download client" in record.said

    async def test_for_an_hour_at_most(self, desk, sonarr):
        taken = await accepts(desk)
        sonarr.down = True
        waited = 0.0
        while states(desk, taken) == [State.APPROVED]:
            await desk.until(lambda: states(desk, taken) != [State.APPROVED] or bool(desk._naps()))
            if desk._naps():
                waited += await desk.waits_and_passes()
                await turns()
        asked = len(sonarr.asked_for(*HISTORY))

        assert states(desk, taken) == [State.UNGRABBED]
        assert waited == course.GRAB_PATIENCE + ASKED_FOR
        assert asked == 1 + ASKED_FOR / course.GRAB_PATIENCE

    async def test_its_torrent_may_come_meanwhile(self, desk, sonarr):
        taken = await accepts(desk)
        sonarr.down = True
        await desk.waits_and_passes()
        await desk.until(lambda: len(sonarr.asked_for(*HISTORY)) == 1)
        await desk.outbox.added(HASH, NAME, 1, SONARRS)

        assert states(desk, taken) == [State.GRABBED]

    async def test_one_that_is_asked_again_keeps_no_other_waiting(self, desk, sonarr, radarr):
        show = await accepts(desk)
        film = await accepts_for(desk, RADARR)
        sonarr.down = True
        await desk.waits_and_passes()
        await desk.becomes(film, State.UNGRABBED)

        assert states(desk, show) == [State.APPROVED]

    async def test_a_clock_that_is_set_back_keeps_none_waiting(self, desk):
        desk.time.now += DAY
        one = await accepts(desk, 1)
        desk.time.now -= DAY
        await desk.restart()
        await desk.becomes(one, State.UNGRABBED)
        two = await accepts(desk, 2)
        assert await desk.waits_and_passes() == course.GRAB_PATIENCE

        await desk.becomes(two, State.UNGRABBED)

    async def test_a_clock_that_is_set_back_while_it_runs_delays_nobody(self, desk):
        desk.skew = DAY
        one = await accepts(desk, 1)
        await desk.waits()
        desk.skew = 0.0
        two = await accepts(desk, 2)
        began = desk.time.now
        ungrabbed = [State.UNGRABBED] * 2
        await desk.as_time_passes(lambda: states(desk, one, two) == ungrabbed, step=5)

        assert desk.time.now - began < 300

    @pytest.mark.parametrize(
        "fields",
        [
            {},
            {"infohash": ""},
        ],
        ids=["told", "by name"],
    )
    async def test_a_torrent_that_comes_after_all_is_a_grab(self, desk, fields):
        taken = await accepts(desk, **fields)
        await desk.waits_and_passes()
        await desk.becomes(taken, State.UNGRABBED)
        await desk.outbox.added(HASH, NAME, 1, SONARRS)

        assert states(desk, taken) == [State.GRABBED]

    async def test_each_is_said_once(self, desk):
        with logged("arrpush.grabs") as lines:
            taken = await accepts(desk)
            await desk.waits_and_passes()
            await desk.becomes(taken, State.UNGRABBED)
            await turns()

        assert len(lines) == 1


class TestKeptTorrents:
    async def test_one_for_later_can_be_fetched_as_long_as_its_link_says(self, tmp_path, sonarr):
        """The release may have waited for days before the program was given that link."""
        keep = 2 * DAY
        async with OutboxDesk(tmp_path, {SONARR: sonarr}, keep_torrents=keep).open() as desk:
            sonarr.down = True
            taken = await desk.accepts(with_torrent(TORRENT), torrent=TORRENT.metainfo)
            await desk.waits()
            sonarr.down = False
            later(sonarr)
            desk.time.passes(1.5 * DAY)
            await desk.becomes(taken, State.LATER)
            token = sonarr.pushed[-1]["downloadUrl"].split("/")[-2]
            until = desk.stored(taken).attempted_at + keep
            while desk.time.now + CHORES < until:
                desk.time.passes(CHORES)
                await asyncio.sleep(0.01)
                assert await desk.outbox.torrent(token) == TORRENT.metainfo
            desk.time.now = until - 1
            assert await desk.outbox.torrent(token) == TORRENT.metainfo
            desk.time.now = until

            assert await desk.outbox.torrent(token) is None


async def test_a_program_that_does_not_answer_is_asked_once_a_minute_for_all_it_should_have(
    desk, sonarr
):
    taken = [await accepts(desk, number) for number in range(1, 11)]
    sonarr.down = True
    for minutes in (1, 2):
        asked = len(sonarr.asked)
        assert await desk.waits_and_passes() == 60.0
        await desk.until(lambda asked=asked: len(sonarr.asked) > asked)
        assert await desk.waits() == 60.0
        assert len(sonarr.asked) == asked + 1, minutes

    assert set(states(desk, *taken)) == {State.APPROVED}
