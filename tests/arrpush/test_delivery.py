"""Delivering to one program: what it cannot stand holds up nothing else, and nothing spins."""

import asyncio
import datetime as dt
import logging

import msgspec
import pytest

from arrpush import delivery
from arrpush.arr import Arr
from arrpush.course import State
from arrpush.delivery import GRACE, LONGEST_ASIDE, STUBBORN
from arrpush.downloads import history
from arrpush.line import KEY_LOOK, LONGEST_DELAY, USER_DELAY
from arrpush.outbox import CHORES, DAY
from arrpush.payload import Target
from engine.store import pushes
from tests.arrpush.outbox_desk import OutboxDesk, logged, release, with_torrent
from tests.engine.jobs.world import Torrent
from tests.fakes import arr_faults
from tests.fakes.arr import FakeArr

SONARR, RADARR = Target.SONARR, Target.RADARR
PUSH = ("POST", "/release/push")
HISTORY = ("GET", "/history")
BAD = "S01E01"
"""In the title of the release that is the trouble."""

UNTIL_ASIDE = 10.0 + 20.0 + 40.0 + 80.0 + 160.0
"""Seconds of the pauses until it steps aside, when chance makes none of them shorter."""

APPROVED = '[{"approved": true, "rejected": false, "temporarilyRejected": false}]'
DEEP = "[" * 100_000 + "]" * 100_000
DEEP_REASONS = f'[{{"approved": false, "rejected": true, "rejections": {DEEP}}}]'
DEEP_HISTORY = f'{{"records": [], "more": {DEEP}}}'
TORRENT = Torrent("A.Show.S01E01.1080p.WEB-GROUP", b"some bytes of an episode")


@pytest.fixture
def sonarr():
    """It rejects what it understands, so that nothing but deliveries takes time."""
    with FakeArr() as fake:
        fake.rejections = ["not wanted"]
        yield fake


@pytest.fixture
async def desk(tmp_path, sonarr):
    desk = OutboxDesk(tmp_path, {SONARR: sonarr})
    async with desk.open():
        yield desk


async def turns(number=20):
    """Let everything that can go on get as far as it sleeps or asks."""
    for _ in range(number):
        await asyncio.sleep(0)


async def spins(seconds=0.3):
    """Let what spins do so for a moment, while no time passes in the test's world."""
    await asyncio.sleep(seconds)


async def passes_until(desk, condition, most=10 * DAY):
    """Let time pass, but only while the delivery sleeps; return how long each pause was."""
    pauses = []
    while True:
        await turns()
        await desk.until(lambda: condition() or bool(desk._naps()))
        if condition():
            return pauses
        pauses.append(await desk.waits_and_passes())
        assert sum(pauses) <= most, pauses


def is_over(desk, *taken):
    return lambda: all(desk.stored(one).state != State.WAITING for one in taken)


def troubles(fault):
    """Have a program fail at the one release, always, and only there."""
    return lambda _, body: fault if BAD in body["title"] else None


def pushed(sonarr):
    """The releases that were pushed, in the order in which the program was asked to."""
    return [one.body["title"].split(".")[2] for one in sonarr.asked_for(*PUSH)]


async def accepts_aside(desk, **fields):
    """Accept a release that steps aside; return when it has."""
    taken = await desk.accepts(release(1, **fields))
    aside = desk.outbox._deliveries[SONARR.value]._aside
    assert sum(await passes_until(desk, lambda: bool(aside))) == UNTIL_ASIDE
    return taken


CANNOT = [
    arr_faults.CUT,
    arr_faults.LOGIN_PAGE,
    arr_faults.fails_with(500),
    arr_faults.fails_with(429, retry_after="1"),
    arr_faults.Fault(name="deep", status=200, body=DEEP),
    arr_faults.Fault(name="deep reasons", status=200, body=DEEP_REASONS),
    arr_faults.Fault(name="no json", status=200, body="[{"),
]


@pytest.mark.parametrize("fault", CANNOT, ids=lambda fault: fault.name)
class TestOneThatTheProgramCannotStand:
    async def test_steps_aside_after_some_minutes_and_the_others_go_out_in_their_order(
        self, desk, sonarr, fault
    ):
        sonarr.push_faults = troubles(fault)
        bad, *good = [await desk.accepts(release(number)) for number in range(1, 5)]
        pauses = await passes_until(desk, is_over(desk, *good))

        assert sum(pauses) <= UNTIL_ASIDE
        assert pushed(sonarr) == [*["S01E01"] * (STUBBORN + 1), "S01E02", "S01E03", "S01E04"]
        assert [desk.stored(one).attempts for one in (bad, *good)] == [STUBBORN + 1, 1, 1, 1]
        assert {desk.stored(one).state for one in good} == {State.REJECTED}
        assert desk.stored(bad).state == State.WAITING

    async def test_delays_no_release_that_is_announced_then(self, desk, sonarr, fault):
        sonarr.push_faults = troubles(fault)
        await accepts_aside(desk)
        for number in range(2, 6):
            good = await desk.accepts(release(number))
            await desk.delivered(good)
            await passes_until(desk, lambda: True)

        assert len(sonarr.pushed) == 4
        assert pushed(sonarr)[-4:] == ["S01E02", "S01E03", "S01E04", "S01E05"]


class TestAside:
    async def test_it_is_tried_again_more_and_more_seldom_but_every_half_hour(self, desk, sonarr):
        sonarr.push_faults = troubles(arr_faults.CUT)
        bad = await accepts_aside(desk)
        pauses = await passes_until(desk, lambda: desk.stored(bad).attempts == STUBBORN + 7)

        assert pauses == [LONGEST_DELAY, 2 * LONGEST_DELAY, *[LONGEST_ASIDE] * 4]

    async def test_it_goes_out_when_the_program_has_learnt_to_stand_it(self, desk, sonarr):
        sonarr.push_faults = troubles(arr_faults.CUT)
        bad = await accepts_aside(desk)
        sonarr.push_faults = []
        pauses = await passes_until(desk, is_over(desk, bad))

        assert sum(pauses) == LONGEST_DELAY
        assert desk.stored(bad).state == State.REJECTED
        await desk.until(lambda: desk.outbox._deliveries["sonarr"]._aside == {})

    async def test_it_is_given_up_after_its_patience_and_says_why(self, tmp_path, sonarr):
        desk = OutboxDesk(tmp_path, {SONARR: sonarr}, patience=6 * 3600.0)
        sonarr.push_faults = troubles(arr_faults.fails_with(500))
        async with desk.open():
            start = desk.time.now
            bad = await accepts_aside(desk)
            await passes_until(desk, is_over(desk, bad))

            assert desk.stored(bad).state == State.EXPIRED
            assert desk.stored(bad).said.startswith("given up: Sonarr has trouble or is starting")
            assert 6 * 3600 < desk.time.now - start <= 6 * 3600 + LONGEST_ASIDE

    async def test_given_up_and_announced_again_it_goes_out_at_once(self, tmp_path, sonarr):
        desk = OutboxDesk(tmp_path, {SONARR: sonarr}, patience=6 * 3600.0)
        sonarr.push_faults = troubles(arr_faults.fails_with(500))
        async with desk.open():
            bad = await accepts_aside(desk)
            await passes_until(desk, is_over(desk, bad))
            tries = len(sonarr.asked_for(*PUSH))
            sonarr.push_faults = []
            again = await desk.accepts(release(1))

            assert not again.known
            assert await passes_until(desk, is_over(desk, again)) == []
            assert len(sonarr.asked_for(*PUSH)) == tries + 1

    async def test_given_up_it_takes_no_other_along(self, tmp_path, sonarr):
        """Those behind it are not late because of it."""
        desk = OutboxDesk(tmp_path, {SONARR: sonarr}, patience=6 * 3600.0)
        sonarr.push_faults = lambda _, body: (
            None if "S01E03" in body["title"] else arr_faults.fails_with(500)
        )
        async with desk.open():
            first, second = [await desk.accepts(release(number)) for number in (1, 2)]
            await passes_until(desk, is_over(desk, first))
            await desk.accepts(release(3))
            await passes_until(desk, is_over(desk, second))

            assert [desk.stored(one).state for one in (first, second)] == [State.EXPIRED] * 2
            assert [one["title"].split(".")[2] for one in sonarr.pushed] == ["S01E03"]

    async def test_two_of_them_have_times_of_their_own(self, desk, sonarr):
        sonarr.push_faults = lambda _, body: (
            None if "S01E03" in body["title"] else arr_faults.fails_with(500)
        )
        bad = [await desk.accepts(release(number)) for number in (1, 2)]
        good = await desk.accepts(release(3))
        pauses = await passes_until(desk, is_over(desk, good))

        assert sum(pauses) <= 2 * UNTIL_ASIDE
        assert [desk.stored(one).state for one in bad] == [State.WAITING] * 2
        await passes_until(desk, lambda: all(desk.stored(one).attempts >= 9 for one in bad))

    async def test_what_comes_meanwhile_goes_out_while_one_aside_is_due(self, desk, sonarr):
        sonarr.push_faults = troubles(arr_faults.CUT)
        bad = await accepts_aside(desk)
        good = [await desk.accepts(release(number)) for number in (2, 3)]
        desk.time.passes(LONGEST_DELAY)
        await desk.until(lambda: len(sonarr.asked_for(*PUSH)) == STUBBORN + 4)

        assert desk.stored(bad).attempts == STUBBORN + 2
        assert pushed(sonarr)[-3:] == ["S01E02", "S01E03", "S01E01"]
        assert is_over(desk, *good)()

    async def test_a_restart_is_a_new_beginning_and_doubles_nothing(self, desk, sonarr):
        sonarr.push_faults = troubles(arr_faults.CUT)
        bad = await accepts_aside(desk)
        good = await desk.accepts(release(2))
        await desk.restart()
        pauses = await passes_until(desk, is_over(desk, good))

        assert sum(pauses) <= UNTIL_ASIDE
        assert desk.stored(bad).state == State.WAITING
        assert len(sonarr.pushed) == 1

    async def test_it_is_not_the_release_while_the_program_answers_nothing_else_either(
        self, desk, sonarr
    ):
        """Else all of them would step aside, one by one, while it is down."""
        sonarr.push_faults = lambda _number, _body: arr_faults.CUT
        sonarr.faults = lambda _method, _path: arr_faults.CUT
        taken = [await desk.accepts(release(number)) for number in (1, 2)]
        await passes_until(desk, lambda: desk.stored(taken[0]).attempts == 4 * STUBBORN)

        assert set(pushed(sonarr)) == {"S01E01"}
        assert desk.stored(taken[1]).attempts == 0
        assert desk.outbox._deliveries["sonarr"]._aside == {}
        assert repr(desk.outbox._deliveries["sonarr"]) == "<Delivery sonarr 0 aside>"


class TestDeepAnswers:
    async def test_one_to_a_push_that_is_not_understood_is_final(self, desk, sonarr):
        sonarr.push_faults = troubles(arr_faults.Fault(name="deep", status=400, body=DEEP))
        bad, good = [await desk.accepts(release(number)) for number in (1, 2)]

        assert await passes_until(desk, is_over(desk, bad, good)) == []
        assert desk.stored(bad).state == State.BAD_PAYLOAD
        assert desk.stored(good).state == State.REJECTED

    @pytest.mark.parametrize("body", [DEEP, DEEP_HISTORY], ids=["other", "history"])
    async def test_one_of_the_history_is_trouble_like_any_other(self, desk, sonarr, body):
        sonarr.push_faults = [arr_faults.CUT]
        deep = arr_faults.Fault(name="deep", status=200, body=body)
        sonarr.faults = lambda _, path: deep if path == "/history" else None
        taken = await desk.accepts(release())
        with logged("arrpush.delivery", logging.ERROR) as lines:
            await passes_until(desk, lambda: desk.stored(taken).attempts == 3, 60)
            sonarr.faults = arr_faults.nothing
            await passes_until(desk, is_over(desk, taken), 60)

        assert lines == []
        assert desk.stored(taken).state == State.REJECTED


class TestBugsOfOurs:
    async def test_a_release_that_trips_over_one_holds_up_no_other(self, desk, sonarr, monkeypatch):
        push = Arr.push

        async def tripping(arr, body):
            if BAD in body["title"]:
                raise LookupError("a bug of ours")
            return await push(arr, body)

        with monkeypatch.context() as broken, logged("arrpush.delivery") as lines:
            broken.setattr(Arr, "push", tripping)
            bad, *good = [await desk.accepts(release(number)) for number in range(1, 4)]
            assert await passes_until(desk, is_over(desk, *good)) == []
        assert desk.stored(bad).said == "an error of this service; its log says which"
        assert lines == [f"target=sonarr push={bad.push.id} state=failed"]

        assert sum(await passes_until(desk, is_over(desk, bad))) == LONGEST_DELAY

    async def test_so_does_one_whose_answer_we_cannot_read(self, desk, sonarr, monkeypatch):
        sonarr.push_faults = lambda _, body: (
            arr_faults.Fault(name="approved", status=202, body="") if BAD in body["title"] else None
        )
        of_answer = delivery.of_answer

        def tripping(name, answer):
            if answer.status == 202:
                raise RecursionError
            return of_answer(name, answer)

        monkeypatch.setattr(delivery, "of_answer", tripping)
        bad, *good = [await desk.accepts(release(number)) for number in range(1, 4)]

        assert await passes_until(desk, is_over(desk, *good)) == []
        assert desk.stored(bad).tried

    async def test_so_does_one_whose_payload_cannot_be_made(self, desk, sonarr):
        sonarr.down = True
        bad, good = [await desk.accepts(release(number)) for number in (1, 2)]
        await desk.waits()
        broken = msgspec.structs.replace(desk.stored(bad), payload="{")
        await desk.store.run(lambda db: pushes.save(db, broken))
        sonarr.down = False
        pauses = await passes_until(desk, is_over(desk, good), 2 * LONGEST_DELAY)

        assert sum(pauses) <= LONGEST_DELAY


class TestWrongKey:
    NEW = "another-key-0123456789"

    async def refused(self, desk, sonarr, number=1):
        """Accept releases while the key is wrong, and mend it."""
        sonarr.key = self.NEW
        taken = [await desk.accepts(release(one)) for one in range(1, number + 1)]
        assert await desk.waits() == KEY_LOOK
        desk.keys[SONARR] = self.NEW
        return taken

    async def test_all_that_waits_goes_out_when_another_key_is_set(self, desk, sonarr):
        taken = await self.refused(desk, sonarr, 9)
        pauses = await passes_until(desk, is_over(desk, *taken))

        assert sum(pauses) <= KEY_LOOK
        assert len(sonarr.asked_for(*PUSH)) == 1 + 9

    async def test_others_may_have_asked_with_the_new_key_meanwhile(self, desk, sonarr):
        [taken] = await self.refused(desk, sonarr)
        await history(desk.outbox._programs["sonarr"], "ab" * 20)

        assert sum(await passes_until(desk, is_over(desk, taken))) <= KEY_LOOK

    async def test_a_program_that_restarts_with_its_new_key_is_not_hammered(self, desk, sonarr):
        [taken] = await self.refused(desk, sonarr)
        sonarr.down = True
        desk.time.passes(KEY_LOOK)
        await spins()

        assert desk.stored(taken).attempts <= 2
        assert len(desk.attempts.lines) <= 2
        sonarr.down = False
        assert sum(await passes_until(desk, is_over(desk, taken))) <= 30

    async def test_nor_is_one_that_cannot_even_be_reached_then(self, desk, sonarr):
        [taken] = await self.refused(desk, sonarr)
        sonarr.__exit__()
        try:
            desk.time.passes(KEY_LOOK)
            await spins()
        finally:
            sonarr.__enter__()

        assert desk.stored(taken).attempts <= 2
        assert len(desk.attempts.lines) <= 2
        assert sum(await passes_until(desk, is_over(desk, taken))) <= 30

    async def test_nor_is_one_that_refuses_the_next_key_too(self, desk, sonarr):
        [taken] = await self.refused(desk, sonarr)
        desk.keys[SONARR] = "still-not-the-right-one"
        desk.time.passes(KEY_LOOK)
        await spins()
        assert desk.stored(taken).attempts == 2

        desk.keys[SONARR] = self.NEW
        assert sum(await passes_until(desk, is_over(desk, taken))) <= KEY_LOOK

    async def test_it_asks_nothing_until_the_key_changes_but_for_a_look_now_and_then(
        self, desk, sonarr
    ):
        sonarr.key = self.NEW
        taken = await desk.accepts(release())
        pauses = await passes_until(desk, lambda: len(desk.attempts.lines) == 3)

        assert desk.stored(taken).attempts == 3
        assert max(pauses) <= KEY_LOOK
        assert sum(pauses) == 2 * USER_DELAY
        assert len(sonarr.asked) == 3

    async def test_a_program_that_takes_the_old_key_after_all_is_noticed(self, desk, sonarr):
        right, sonarr.key = sonarr.key, self.NEW
        taken = await desk.accepts(release())
        await desk.waits()
        sonarr.key = right

        assert sum(await passes_until(desk, is_over(desk, taken))) == USER_DELAY

    async def test_a_wrong_key_makes_no_release_stubborn(self, desk, sonarr):
        sonarr.key = self.NEW
        taken = [await desk.accepts(release(number)) for number in (1, 2)]
        await passes_until(desk, lambda: desk.stored(taken[0]).attempts == 2 * STUBBORN)

        assert desk.stored(taken[1]).attempts == 0
        desk.keys[SONARR] = self.NEW
        assert sum(await passes_until(desk, is_over(desk, *taken))) <= KEY_LOOK


def set_clock(desk, ahead):
    """Have the clock on the wall jump, as machines do that have none of their own."""
    jumped = msgspec.structs.replace(desk.outbox._timing, now=lambda: desk.time.now + ahead)
    desk.outbox._timing = desk.outbox._desk._timing = desk.outbox._grabs._timing = jumped
    desk.outbox._desk._now = jumped.now
    for one in desk.outbox._deliveries.values():
        one._timing = jumped


class TestGivingUp:
    async def weekend(self, desk, sonarr, number=1):
        """Accept releases; then both machines are off, and the program starts more slowly."""
        sonarr.down = True
        taken = [await desk.accepts(release(one)) for one in range(1, number + 1)]
        await desk.waits()
        await desk.stop()
        desk.time.now += 3 * DAY
        await desk.start()
        return taken

    async def test_nothing_is_given_up_within_the_first_hour_after_a_start(self, desk, sonarr):
        taken = await self.weekend(desk, sonarr, 2)
        start = desk.time.now
        while desk.time.now - start < GRACE - LONGEST_DELAY:
            await desk.waits_and_passes()
            await turns()
        await desk.waits()
        assert [desk.stored(one).state for one in taken] == [State.WAITING] * 2
        sonarr.down = False
        await passes_until(desk, is_over(desk, *taken))

        assert [desk.stored(one).state for one in taken] == [State.REJECTED] * 2

    async def test_but_soon_after_it_all_that_waits_for_too_long(self, desk, sonarr):
        taken = await self.weekend(desk, sonarr, 2)
        pauses = await passes_until(desk, is_over(desk, *taken))

        assert GRACE <= sum(pauses) <= GRACE + LONGEST_DELAY
        assert {desk.stored(one).state for one in taken} == {State.EXPIRED}
        assert desk.stored(taken[1]).attempts == 0
        assert desk.stored(taken[1]).said == "given up: nothing was heard of the program"

    async def test_what_has_not_waited_for_too_long_by_then_stays(self, desk, sonarr):
        [old] = await self.weekend(desk, sonarr)
        young = await desk.accepts(release(2))
        await passes_until(desk, is_over(desk, old))

        assert desk.stored(young).state == State.WAITING

    @pytest.mark.parametrize("ahead", [(-50 * 365 * DAY, 0), (0, 3 * DAY)])
    async def test_a_clock_that_jumps_gives_up_nothing_within_that_hour(self, desk, sonarr, ahead):
        sonarr.down = True
        set_clock(desk, ahead[0])
        taken = await desk.accepts(release())
        await desk.waits()
        set_clock(desk, ahead[1])
        await passes_until(desk, lambda: len(desk.attempts.lines) == 3)
        await desk.waits()
        assert desk.stored(taken).state == State.WAITING
        sonarr.down = False
        await passes_until(desk, is_over(desk, taken))

        assert desk.stored(taken).state == State.REJECTED


class TestProgramThatIsNotSetUpAnyMore:
    """RADARR_URL was taken out of the settings while something was on its way there."""

    @pytest.fixture
    def radarr(self):
        with FakeArr(radarr=True, category="radarr") as fake:
            yield fake

    @pytest.fixture
    async def both(self, tmp_path, sonarr, radarr):
        desk = OutboxDesk(tmp_path, {SONARR: sonarr, RADARR: radarr})
        async with desk.open():
            yield desk

    async def without_radarr(self, desk, sonarr):
        await desk.stop()
        desk.fakes = {SONARR: sonarr}
        await desk.start()

    async def waiting(self, desk, radarr):
        radarr.down = True
        film = await desk.accepts(release(7, name="A.Film.2020.1080p"), RADARR)
        await desk.waits()
        return film

    @pytest.mark.parametrize("agent", ["", "Radarr/5.1", "Sonarr/4.0"])
    async def test_torrents_are_added_as_ever(self, both, sonarr, radarr, agent):
        await self.waiting(both, radarr)
        await self.without_radarr(both, sonarr)
        await both.outbox.added(f"{7:040x}", "A.Film.2020.1080p", 5, agent)

        show = await both.accepts(release())
        assert (await both.delivered(show)).state == State.REJECTED

    async def test_what_waits_for_it_is_given_up_in_time_and_says_why(self, both, sonarr, radarr):
        film = await self.waiting(both, radarr)
        await self.without_radarr(both, sonarr)
        start = both.time.now
        while both.stored(film).state == State.WAITING:
            both.time.passes(CHORES)
            await spins(0.01)
            assert both.time.now - start <= 3 * DAY

        assert both.stored(film).state == State.EXPIRED
        assert both.stored(film).said == "given up: Radarr is not set up here any more"
        assert both.time.now - start >= 2 * DAY

    async def test_what_waits_for_it_goes_out_when_it_is_set_up_again(self, both, sonarr, radarr):
        film = await self.waiting(both, radarr)
        await self.without_radarr(both, sonarr)
        await both.stop()
        both.fakes, radarr.down, radarr.rejections = {SONARR: sonarr, RADARR: radarr}, False, ["no"]
        await both.start()

        assert (await both.delivered(film)).state == State.REJECTED

    async def test_what_it_has_approved_is_looked_after_all_the_same(self, both, sonarr, radarr):
        fault = arr_faults.Fault(name="approved", status=200, body=APPROVED)
        radarr.push_faults = [fault]
        film = await both.accepts(with_torrent(TORRENT), RADARR, torrent=TORRENT.metainfo)
        await both.becomes(film, State.APPROVED)
        await both.stop()
        both.time.now += 100
        both.fakes = {SONARR: sonarr}
        await both.start()
        await both.becomes(film, State.WAITING)
        show = await both.accepts(release(2))
        await both.delivered(show)

        assert not any(task.done() for task in both.outbox._tasks)
        assert len(radarr.asked_for(*PUSH)) == 1


async def test_what_is_sent_is_what_is_known_by_then(desk, sonarr):
    """A .torrent that comes with a second announcement serves a release that was tried before."""
    sonarr.down = True
    await desk.accepts(release(infohash=TORRENT.infohash))
    await desk.waits()
    again = await desk.accepts(with_torrent(TORRENT), torrent=TORRENT.metainfo)
    sonarr.down = False
    await passes_until(desk, is_over(desk, again))
    [sent] = sonarr.pushed

    assert again.known
    assert sent["downloadUrl"].startswith("http://nas:6500/arrpush/torrent/")
    token = sent["downloadUrl"].split("/")[-2]
    assert await desk.outbox.torrent(token) == TORRENT.metainfo


async def test_what_expired_without_an_answer_is_asked_for_before_it_goes_again(desk, sonarr):
    """Its answer was lost days ago, and what the program grabbed then is in its history."""
    sonarr.rejections, sonarr.remembers = [], False
    sonarr.now = lambda: dt.datetime.fromtimestamp(desk.time.now, dt.UTC)
    sonarr.push_faults = [arr_faults.ANSWER_LOST]
    taken = await desk.accepts(release())
    await desk.waits()
    sonarr.down = True
    await passes_until(desk, is_over(desk, taken))
    assert desk.stored(taken).state == State.EXPIRED
    desk.time.passes(5 * DAY)
    sonarr.down = False
    again = await desk.accepts(release())
    await passes_until(desk, is_over(desk, again))

    assert not again.known
    assert desk.stored(again).state == State.GRABBED
    assert desk.stored(again).said == "Sonarr had grabbed the release already"
    assert sonarr.grabbed_times(f"{1:040x}") == 1
