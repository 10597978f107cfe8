"""Whoever asked for a torrent hears how it ended: once, whatever goes wrong on the way."""

import asyncio
import logging
import threading

import pytest

from arrpush import courier, steady
from arrpush.courier import LOOKS, PATIENCE, REFRESH_INTERVAL
from arrpush.line import FIRST_DELAY, KEY_LOOK, USER_DELAY
from engine.jobs.states import State
from tests.arrpush.desk import Desk
from tests.fakes.arr import KEY, REFRESH, FakeArr

A, B, C = "ab" * 20, "cd" * 20, "ef" * 20


@pytest.fixture
def sonarr():
    with FakeArr() as fake:
        yield fake


@pytest.fixture
def radarr():
    with FakeArr(radarr=True) as fake:
        yield fake


@pytest.fixture
async def desk(tmp_path, sonarr, caplog):
    caplog.set_level(logging.INFO, "arrpush")
    desk = Desk(tmp_path, sonarr)
    await desk.start()
    yield desk
    await desk.stop()
    assert KEY not in caplog.text


@pytest.fixture
async def both(tmp_path, sonarr, radarr, caplog):
    caplog.set_level(logging.INFO, "arrpush")
    desk = Desk(tmp_path, sonarr, radarr)
    await desk.start()
    yield desk
    await desk.stop()


def lines(caplog, word):
    return [message for message in caplog.messages if word in message]


# What has failed


async def test_a_failed_download_is_given_up_blocklisted_and_searched_again(desk, sonarr, caplog):
    sonarr.grab(A)
    await desk.fails(A)
    await desk.told()

    assert desk.deleted == [A]
    assert (sonarr.queue(), sonarr.blocklist, len(sonarr.searches)) == ([], ["A.Show.S01"], 1)
    [asked] = sonarr.asked_for("DELETE", "/queue")
    assert asked.query == {
        "removeFromClient": "true",
        "blocklist": "true",
        "skipRedownload": "false",
    }
    assert lines(caplog, "told=") == [
        f"torrent={A} told=Sonarr outcome='given up, blocklisted and searched again'"
    ]


async def test_of_a_season_pack_all_is_gone_after_one_search(desk, sonarr):
    sonarr.grab(B)
    sonarr.grab(A, episodes=10)
    await desk.fails(A)
    await desk.told()

    assert [one["downloadId"] for one in sonarr.queue()] == [B.upper()]
    assert sonarr.searches == [list(range(10))]
    assert len(sonarr.asked_for("DELETE", "/queue")) == 1


async def test_many_failures_are_told_one_after_the_other(desk, sonarr):
    hashes = [f"{number:040x}" for number in range(30)]
    for infohash in hashes:
        sonarr.grab(infohash)
    await desk.fails(*hashes)
    await desk.told()

    assert sorted(desk.deleted) == hashes
    assert len(sonarr.searches) == 30


async def test_only_who_asked_for_it_gives_it_up(both, sonarr, radarr):
    radarr.grab(A)
    await both.fails(A)
    await both.told()

    assert len(radarr.searches) == 1
    assert sonarr.asked_for("DELETE", "/queue") == []
    assert len(sonarr.asked) <= 2


async def test_while_one_program_is_down_the_other_is_told(both, sonarr, radarr):
    sonarr.down = True
    radarr.grab(A)
    await both.fails(A)
    await both.until(lambda: len(radarr.searches) == 1)
    await both.sleeps(FIRST_DELAY)
    sonarr.down = False
    await both.passes(FIRST_DELAY)
    await both.told()

    assert len(sonarr.asked_for("GET", "/history")) == 2  # the first one was cut off
    assert len(radarr.searches) == 1


@pytest.mark.parametrize("first", ["Sonarr", "Radarr"])
async def test_all_who_asked_for_it_give_it_up(both, sonarr, radarr, first):
    for fake in (sonarr, radarr):
        fake.down = both.fakes[first] is not fake
        fake.grab(A)
    await both.fails(A)
    await both.until(lambda: len(both.fakes[first].searches) == 1)
    await both.sleeps(FIRST_DELAY)
    for fake in (sonarr, radarr):
        fake.down = False
        fake.grabs[A.upper()].in_queue = False  # our torrent is gone
    await both.passes(FIRST_DELAY)
    await both.told()

    assert (len(sonarr.searches), len(radarr.searches)) == (1, 1)


async def test_who_is_down_may_be_the_one_who_asked(both, sonarr, radarr):
    sonarr.down = True
    sonarr.grab(A)
    await both.fails(A)
    await both.as_time_passes(lambda: len(radarr.asked) > len(LOOKS))
    sonarr.down = False
    await both.as_time_passes(lambda: not both.stored())

    assert len(sonarr.searches) == 1
    assert len(radarr.asked_for("GET", "/history")) == len(LOOKS) + 1


async def test_what_the_program_does_not_see_yet_is_looked_for_again(desk, sonarr):
    sonarr.grab(A, in_queue=False)
    await desk.fails(A)
    await desk.sleeps(LOOKS[0])
    assert sonarr.commands() == [REFRESH]
    sonarr.grabs[A.upper()].in_queue = True
    await desk.passes(LOOKS[0])
    await desk.told()

    assert len(sonarr.searches) == 1
    assert sonarr.commands() == [REFRESH]


async def test_a_grab_that_is_noted_late_is_found(desk, sonarr):
    await desk.fails(A)
    await desk.sleeps(LOOKS[0])
    sonarr.grab(A)
    await desk.passes(LOOKS[0])
    await desk.told()

    assert len(sonarr.searches) == 1


async def test_what_nobody_asked_for_is_left_alone_after_a_while(desk, sonarr, caplog):
    sonarr.finds(A)
    await desk.fails(A)
    for delay in LOOKS:
        await desk.passes(delay)
    await desk.told()

    assert desk.deleted == []
    assert len(sonarr.queue()) == 1
    assert sonarr.asked_for("DELETE", "/queue") == []
    assert lines(caplog, "told=") == [f"torrent={A} told=nobody reason='Sonarr did not ask for it'"]


async def test_what_never_comes_into_the_queue_is_given_up_with_one_line(desk, sonarr, caplog):
    sonarr.grab(A, in_queue=False)
    await desk.fails(A)
    for delay in LOOKS:
        await desk.passes(delay)
    await desk.told()

    assert sonarr.searches == []
    [line] = lines(caplog, "told=")
    assert "does not have it in its queue" in line


@pytest.mark.parametrize("event", ["downloadFailed", "downloadFolderImported", "downloadIgnored"])
async def test_what_is_settled_there_is_not_touched(desk, sonarr, event):
    sonarr.grab(A)
    sonarr.notes(event, A)
    await desk.fails(A)
    await desk.told()

    assert sonarr.asked_for("DELETE", "/queue") == []


async def test_what_is_not_the_releases_fault_is_told_to_nobody(desk, sonarr):
    sonarr.grab(A)
    sonarr.grab(B)
    await desk.fails(A, bad_release=False)
    await desk.fails(B)
    await desk.told()

    assert desk.deleted == [B]


async def test_what_is_resumed_while_the_program_is_down_has_not_failed(desk, sonarr):
    sonarr.down = True
    sonarr.grab(A)
    await desk.fails(A)
    await desk.sleeps(FIRST_DELAY)
    await desk.ledger.move(A, State.ADDED)
    await desk.told()
    sonarr.down = False
    desk.time.passes(FIRST_DELAY)
    sonarr.grab(B)
    await desk.fails(B)
    await desk.told()

    assert desk.deleted == [B]


async def test_what_is_resumed_at_the_last_moment_has_not_failed(desk, sonarr, monkeypatch):
    sonarr.grab(A)
    queued = courier.queued

    async def resumed(*args):
        found = await queued(*args)
        await desk.ledger.move(A, State.ADDED)
        return found

    monkeypatch.setattr(courier, "queued", resumed)
    await desk.fails(A)
    await desk.told()

    assert sonarr.asked_for("DELETE", "/queue") == []


# What goes wrong


async def test_a_program_that_is_down_is_asked_again_and_again_more_and_more_seldom(
    desk, sonarr, caplog
):
    sonarr.down = True
    sonarr.grab(A)
    await desk.fails(A)
    for tries in range(12):
        await desk.passes(min(FIRST_DELAY * 2**tries, 600))
    await desk.sleeps(600)
    assert len(sonarr.asked) == 13
    sonarr.down = False
    await desk.passes(600)
    await desk.told()

    assert len(sonarr.searches) == 1
    assert len(lines(caplog, "state=trouble")) == 1
    assert len(lines(caplog, "state=reachable")) == 1


@pytest.mark.parametrize("status", [408, 429, 500, 503])
async def test_a_program_that_is_starting_is_asked_again(desk, sonarr, status):
    sonarr.statuses = [status]
    sonarr.grab(A)
    await desk.fails(A)
    await desk.passes(FIRST_DELAY)
    await desk.told()

    assert len(sonarr.searches) == 1


async def test_a_program_is_left_alone_as_long_as_it_asks_for(desk, sonarr):
    sonarr.statuses, sonarr.headers = [503], {"Retry_After": "300"}
    sonarr.grab(A)
    await desk.fails(A)
    await desk.passes(300)
    await desk.told()

    assert len(sonarr.searches) == 1


@pytest.mark.parametrize("status", [401, 403])
async def test_a_wrong_key_is_told_once_and_tried_slowly(desk, sonarr, caplog, status):
    sonarr.statuses = [status] * 3
    sonarr.grab(A)
    await desk.fails(A)
    await desk.until(lambda: len(sonarr.asked) == 1)
    for tries in (1, 2, 3):
        for _ in range(int(USER_DELAY / KEY_LOOK)):
            assert len(sonarr.asked) == tries
            await desk.passes(KEY_LOOK)
        await desk.until(lambda tries=tries: len(sonarr.asked) > tries)
    await desk.told()

    [line] = lines(caplog, "state=trouble")
    assert "SONARR_" in line
    assert len(sonarr.searches) == 1


async def test_a_key_that_was_mended_is_tried_within_half_a_minute(desk, sonarr):
    sonarr.key = "another-key-0123456789"
    sonarr.grab(A)
    await desk.fails(A)
    await desk.sleeps(KEY_LOOK)
    desk.key = sonarr.key
    await desk.passes(KEY_LOOK)
    await desk.told()

    assert len(sonarr.searches) == 1


async def test_somebody_else_at_the_address_is_told_once_and_may_be_a_proxy_for_a_moment(
    desk, sonarr, caplog
):
    sonarr.statuses = [307] * 9
    sonarr.grab(A)
    await desk.fails(A)
    for tries in range(9):
        await desk.passes(min(FIRST_DELAY * 2**tries, USER_DELAY))
    await desk.told()

    [line] = lines(caplog, "state=trouble")
    assert "SONARR_URL" in line
    assert len(sonarr.searches) == 1


async def test_a_deletion_that_fails_is_asked_for_again(desk, sonarr):
    sonarr.delete_fails = True
    sonarr.grab(A)
    await desk.fails(A)
    await desk.sleeps(FIRST_DELAY)
    assert (sonarr.blocklist, [one.tried for one in desk.stored()]) == ([], [True])
    sonarr.delete_fails = False
    await desk.passes(FIRST_DELAY)
    await desk.told()

    assert len(sonarr.searches) == 1


async def test_a_program_that_dies_between_deleting_and_blocklisting_is_told_again(desk, sonarr):
    sonarr.dies_after_delete = True
    sonarr.grab(A, episodes=3)
    await desk.fails(A)
    await desk.sleeps(FIRST_DELAY)
    assert (desk.deleted, sonarr.blocklist) == ([A], [])
    sonarr.grabs[A.upper()].in_queue = False  # started again, it finds no torrent
    await desk.passes(FIRST_DELAY)
    await desk.told()

    assert (len(sonarr.blocklist), len(sonarr.searches)) == (1, 1)


async def test_a_record_that_goes_while_we_look_is_looked_for_again(desk, sonarr, monkeypatch):
    sonarr.grab(A)
    queued = courier.queued

    async def stale(*_):
        monkeypatch.setattr(courier, "queued", queued)
        return [4711]

    monkeypatch.setattr(courier, "queued", stale)
    await desk.fails(A)
    await desk.passes(LOOKS[0])
    await desk.told()

    assert len(sonarr.searches) == 1


@pytest.mark.parametrize("status", [400, 404])
async def test_a_removal_that_is_refused_ends_in_one_line(desk, sonarr, caplog, status):
    sonarr.grab(A)
    route = sonarr.answer

    def answer(asked, key):
        if asked.method == "DELETE":
            sonarr.statuses = [status]
        return route(asked, key)

    sonarr.answer = answer
    await desk.fails(A)
    for delay in LOOKS:
        await desk.passes(delay)
    await desk.told()

    [line] = lines(caplog, "told=")
    assert f"HTTP {status}" in line


async def test_what_could_not_be_told_for_a_day_is_told_no_more(desk, sonarr, caplog):
    sonarr.down = True
    sonarr.grab(A)
    await desk.fails(A)
    await desk.sleeps(FIRST_DELAY)
    desk.time.passes(PATIENCE + 1)
    await desk.told()

    assert "for a day" in lines(caplog, "told=nobody")[0]
    assert lines(caplog, "state=reachable") == []


async def test_a_store_that_fails_is_waited_for(desk, sonarr):
    sonarr.grab(A)
    queue = sonarr.queue

    def broken_from_here_on():
        desk.store.broken = True
        return queue()

    sonarr.queue = broken_from_here_on
    await desk.fails(A)
    await desk.sleeps(steady.STORE_DELAY)
    assert desk.deleted == []
    sonarr.queue = queue
    desk.store.broken = False
    await desk.passes(steady.STORE_DELAY)
    await desk.told()

    assert len(sonarr.searches) == 1


async def test_endings_that_cannot_be_read_are_read_later(desk, sonarr):
    sonarr.grab(A)
    desk.store.broken = True
    desk.hand_over.hear()
    await desk.sleeps(steady.STORE_DELAY)
    desk.store.broken = False
    await desk.fails(A)
    await desk.passes(steady.STORE_DELAY)
    await desk.told()

    assert len(sonarr.searches) == 1


async def test_a_bug_of_ours_ends_no_courier(desk, sonarr, monkeypatch, caplog):
    sonarr.grab(A)
    with monkeypatch.context() as broken:
        broken.setattr(courier, "verdict", lambda *_, **__: 1 // 0)
        await desk.fails(A)
        await desk.sleeps(steady.BUG_DELAY)
    await desk.passes(steady.BUG_DELAY)
    await desk.told()

    assert len(lines(caplog, "step=failed")) == 1
    assert len(sonarr.searches) == 1


# Restarts


async def test_what_was_not_told_is_told_after_a_restart(desk, sonarr):
    sonarr.down = True
    sonarr.grab(A)
    await desk.fails(A)
    await desk.finishes(B)
    await desk.sleeps(FIRST_DELAY)
    await desk.stop()
    sonarr.down = False
    await desk.start()
    await desk.until(lambda: len(sonarr.searches) == 1)
    await desk.passes(courier.GATHERED)
    await desk.told()

    assert sonarr.commands() == [REFRESH]
    assert desk.deleted == [A]


async def test_a_restart_in_the_middle_of_a_removal_makes_no_second_search(desk, sonarr):
    reached, go_on = threading.Event(), threading.Event()

    def deletes(infohash):
        desk.delete(infohash)
        reached.set()
        assert go_on.wait(20)

    sonarr.on_delete = deletes
    sonarr.grab(A, episodes=4)
    await desk.fails(A)
    await desk.until(reached.is_set)
    await desk.stop()
    go_on.set()
    await desk.until(lambda: bool(sonarr.searches))
    await desk.start()
    await desk.told()

    assert (len(sonarr.blocklist), len(sonarr.searches)) == (1, 1)


async def test_a_torrent_that_is_added_again_has_not_failed(desk, sonarr):
    sonarr.dies_after_delete = True
    sonarr.grab(A)
    await desk.fails(A)
    await desk.sleeps(FIRST_DELAY)
    await desk.adds(A)
    await desk.told()
    desk.time.passes(FIRST_DELAY)
    await desk.restart()

    assert desk.stored() == []
    assert sonarr.searches == []


# What has finished


async def test_a_finished_download_is_looked_at_within_a_second(desk, sonarr, caplog):
    sonarr.grab(A)
    before = desk.time.now
    await desk.finishes(A)
    await desk.passes(courier.GATHERED)
    await desk.told()

    assert sonarr.commands() == [REFRESH]
    assert desk.time.now - before <= 1
    assert lines(caplog, "told=") == ["program=Sonarr told=finished downloads=1"]


async def test_what_finishes_together_is_told_together(both, sonarr, radarr):
    await both.finishes(A, B, C)
    await both.passes(courier.GATHERED)
    await both.told()

    assert sonarr.commands() == [REFRESH]
    assert radarr.commands() == [REFRESH]


async def test_what_finishes_soon_after_is_told_a_little_later(desk, sonarr):
    await desk.finishes(A)
    await desk.passes(courier.GATHERED)
    await desk.told()
    await desk.finishes(B)
    await desk.passes(REFRESH_INTERVAL)
    await desk.told()

    assert sonarr.commands() == [REFRESH, REFRESH]


async def test_a_finished_download_is_told_to_who_was_down_before(both, sonarr, radarr):
    radarr.down = True
    await both.finishes(A)
    await both.passes(courier.GATHERED)
    await both.sleeps(FIRST_DELAY)
    await both.until(lambda: sonarr.commands() == [REFRESH])
    assert len(both.stored()) == 1
    radarr.down = False
    await both.passes(FIRST_DELAY)
    await both.told()

    assert sonarr.commands() == [REFRESH]
    assert len(radarr.commands()) == 2  # the first one was cut off


async def test_a_failure_that_takes_long_holds_no_import_up(desk, sonarr):
    go_on = threading.Event()
    sonarr.on_delete = lambda infohash: go_on.wait(20) and desk.delete(infohash)
    sonarr.grab(A)
    sonarr.grab(B)
    await desk.fails(A)
    await desk.until(lambda: bool(sonarr.asked_for("DELETE", "/queue")))
    await desk.finishes(B)
    await desk.passes(courier.GATHERED)
    await desk.until(lambda: sonarr.commands() == [REFRESH])
    assert sonarr.searches == []
    go_on.set()
    await desk.told()


async def test_what_finished_and_is_deleted_is_not_told(desk, sonarr):
    await desk.finishes(A)
    await desk.sleeps(courier.GATHERED)
    await desk.ledger.remove(A)
    await desk.told()
    desk.time.passes(courier.GATHERED)
    await desk.finishes(B)
    await desk.passes(courier.GATHERED)
    await desk.told()

    assert sonarr.commands() == [REFRESH]


# How it behaves


async def test_nothing_runs_while_there_is_nothing_to_tell(desk, sonarr):
    await desk.adds(A)
    await desk.ledger.move(A, State.PREPARING)
    for _ in range(50):
        await asyncio.sleep(0)

    assert desk.time.asleep() == []
    assert sonarr.asked == []


async def test_repr_tells_what_there_is(desk, sonarr):
    sonarr.down = True
    await desk.fails(A)
    await desk.finishes(B)
    await desk.sleeps(FIRST_DELAY)
    await desk.until(lambda: len(desk.hand_over._open) == 2)

    assert repr(desk.hand_over) == "<HandOver to Sonarr: 2 to tell>"
    assert repr(desk.hand_over._failures) == "[<Failures Sonarr 1 to tell>]"
    assert repr(desk.hand_over._finishes) == "[<Finishes Sonarr 1 to tell>]"
    assert repr(desk.hand_over._failures[0]._line) == "<Line Sonarr down>"
