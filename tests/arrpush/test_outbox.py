"""The outbox: nothing that was accepted is lost, and nothing goes out twice."""

import asyncio
import json
import logging

import pytest

from arrpush import links, steady
from arrpush.course import State
from arrpush.outbox import CHORES, DAY, NotSetUp
from arrpush.payload import BadRelease, Target
from engine.store import pushes, releases
from engine.store.errors import StoreError
from engine.store.records import TorrentRecord
from tests.arrpush.outbox_desk import BASE, OutboxDesk, logged, release, with_torrent
from tests.engine.jobs.world import Torrent
from tests.fakes import arr_faults
from tests.fakes.arr import KEY, FakeArr

TORRENT = Torrent("A.Show.S01E01.1080p.WEB-GROUP", b"some bytes of an episode")
PUSH = ("POST", "/release/push")
SONARR, RADARR = Target.SONARR, Target.RADARR


@pytest.fixture
def sonarr():
    with FakeArr() as fake:
        yield fake


@pytest.fixture
def radarr():
    with FakeArr(radarr=True, category="radarr") as fake:
        yield fake


@pytest.fixture
async def desk(tmp_path, sonarr, radarr):
    desk = OutboxDesk(tmp_path, {SONARR: sonarr, RADARR: radarr})
    async with desk.open():
        yield desk


async def grabbed(desk, taken):
    """Add the torrent of an approved release, as its program does."""
    await desk.becomes(taken, State.APPROVED, State.GRABBED)
    record = desk.stored(taken)
    await desk.outbox.added(record.infohash, record.title, 1000)


async def test_t_01_a_release_that_is_approved_and_grabbed_has_arrived(desk, sonarr):
    taken = await desk.accepts(release())
    await grabbed(desk, taken)
    record = desk.stored(taken)

    assert (record.state, record.code, record.attempts) == (State.GRABBED, 200, 1)
    assert record.said == "Sonarr approved the release"
    [pushed] = sonarr.pushed
    assert pushed["title"] == "A.Show.S01E01.1080p.WEB-GROUP"
    assert pushed["guid"] == f"torrent:{1:040x}"
    [line] = desk.attempts.lines
    assert "target=sonarr code=200 " in line
    assert "outcome=approved" in line


async def test_t_01_an_empty_202_is_a_success_too(desk, sonarr):
    sonarr.push_faults = [arr_faults.TAKEN]
    taken = await desk.accepts(release())
    await grabbed(desk, taken)

    assert desk.stored(taken).code == 202


async def test_t_05_a_program_that_does_not_answer_in_time_is_asked_again(desk, sonarr):
    desk.answer_within = 0.2
    sonarr.push_faults = [arr_faults.HANGS]
    taken = await desk.accepts(release())
    first = await desk.waits()
    assert desk.stored(taken).state == State.WAITING
    desk.answer_within = None
    sonarr.let_go()
    await desk.until(lambda: sonarr.pushing == 0)
    await desk.waits_and_passes()
    record = await desk.delivered(taken)

    assert first == 10.0
    assert record.state in {State.APPROVED, State.GRABBED}
    assert sonarr.grabbed_times(record.infohash) == 1
    assert "code=0 " in desk.attempts.lines[0]


TEMPORARY = [
    *(arr_faults.fails_with(status) for status in (408, 429, 500, 502, 503, 504)),
    *(arr_faults.STARTING, arr_faults.CUT),
]


@pytest.mark.parametrize("fault", TEMPORARY, ids=lambda fault: fault.name)
async def test_trouble_that_passes_is_waited_for_longer_and_longer(desk, sonarr, fault):
    sonarr.push_faults = [fault] * 5
    taken = await desk.accepts(release())
    slept = [await desk.waits_and_passes() for _ in range(5)]
    record = await desk.delivered(taken)

    assert slept == [10.0, 20.0, 40.0, 80.0, 160.0]
    assert (record.state, record.attempts) == (State.APPROVED, 6)
    assert len(desk.attempts.lines) == 6


async def test_no_wait_is_longer_than_ten_minutes(desk, sonarr):
    sonarr.down = True
    await desk.accepts(release())

    assert max([await desk.waits_and_passes() for _ in range(9)]) == 600.0


async def test_a_program_says_itself_when_it_wants_to_be_asked_again(desk, sonarr):
    sonarr.push_faults = [arr_faults.fails_with(429, retry_after="77")]
    await desk.accepts(release())

    assert await desk.waits() == 77.0


async def test_a_program_that_is_not_there_is_waited_for(desk, sonarr):
    sonarr.__exit__()
    taken = await desk.accepts(release())
    await desk.waits_and_passes()
    await desk.waits()
    sonarr.__enter__()
    await desk.waits_and_passes()

    assert (await desk.delivered(taken)).attempts == 3


FINAL = [
    (arr_faults.Fault(name="ours", status=404), State.REFUSED),
    (arr_faults.fails_with(409), State.REFUSED),
    (arr_faults.fails_with(415), State.REFUSED),
    (arr_faults.fails_with(422), State.REFUSED),
]


@pytest.mark.parametrize(("fault", "state"), FINAL, ids=str)
async def test_what_is_refused_is_not_tried_again_and_kept_with_the_answer(
    desk, sonarr, fault, state
):
    sonarr.push_faults = [fault]
    taken = await desk.accepts(release())
    record = await desk.delivered(taken)

    assert (record.state, record.code, record.attempts) == (state, fault.status, 1)
    assert json.loads(record.payload)["title"] == record.title
    assert json.loads(record.answer) == {"message": "something", "description": KEY}
    assert record.ended_at


async def test_both_shapes_of_a_bad_request_are_final(desk, sonarr):
    unparseable = await desk.accepts(release(name="Nobody can read this"))
    listed = await desk.delivered(unparseable)
    sonarr.push_faults = [
        arr_faults.Fault(
            name="no JSON", status=400, body='{"title": "Bad", "errors": {"$.size": ["Not so"]}}'
        )
    ]
    shaped = await desk.delivered(await desk.accepts(release(2)))

    assert (listed.state, listed.code) == (State.BAD_PAYLOAD, 400)
    assert "Unable to parse" in listed.said
    assert (shaped.state, shaped.code) == (State.BAD_PAYLOAD, 400)
    assert "Not so" in shaped.said
    assert len(sonarr.asked_for(*PUSH)) == 2


async def test_a_rejection_is_final_and_tells_the_reasons(desk, sonarr):
    sonarr.rejections = ["Unknown Series"]
    record = await desk.delivered(await desk.accepts(release()))

    assert record.state == State.REJECTED
    assert "Unknown Series" in record.said


async def test_rejected_for_now_is_no_error_and_becomes_a_grab_later(desk, sonarr):
    sonarr.rejections, sonarr.temporarily = ["Waiting for better quality release"], True
    taken = await desk.accepts(release())
    assert (await desk.delivered(taken)).state == State.LATER
    await desk.outbox.added(f"{1:040x}", "whatever it is called", 5)

    assert desk.stored(taken).state == State.GRABBED


async def test_a_wrong_key_stops_one_program_with_one_message_until_it_changes(desk, sonarr):
    sonarr.key = "another-key-0123456789"
    with logged("arrpush.line") as lines:
        taken = [await desk.accepts(release(number)) for number in (1, 2)]
        film = await desk.accepts(release(3, name="A.Film.2020.1080p"), RADARR)
        await desk.delivered(film)
        for _ in range(20):
            await desk.waits_and_passes()
        assert len(sonarr.asked_for(*PUSH)) == 1
        desk.keys[SONARR] = sonarr.key
        changed_at = desk.time.now
        await desk.as_time_passes(lambda: desk.stored(taken[0]).state != State.WAITING, step=0.2)
        assert desk.time.now - changed_at <= 60
        await desk.delivered(taken[1])  # no time passes any more

    assert [line for line in lines if "does not accept" in line] == [
        "program=Sonarr state=trouble reason='Sonarr does not accept SONARR_API_KEY (HTTP 401)'"
    ]
    assert [release["title"][:13] for release in sonarr.pushed] == [
        "A.Show.S01E01",
        "A.Show.S01E02",
    ]


async def test_releases_go_out_one_after_the_other_in_their_order(desk, sonarr):
    sonarr.push_faults = [arr_faults.fails_with(500), None, arr_faults.CUT]
    taken = [await desk.accepts(release(number)) for number in range(1, 13)]
    await desk.as_time_passes(lambda: all(desk.stored(one).state != State.WAITING for one in taken))

    assert [one["infoHash"] for one in sonarr.pushed] == [f"{n:040x}" for n in range(1, 13)]
    assert sonarr.pushing_at_once == 1


async def test_one_program_that_is_down_holds_no_other_up(desk, sonarr):
    sonarr.down = True
    await desk.accepts(release(1))
    film = await desk.accepts(release(2, name="A.Film.2020.1080p"), RADARR)

    assert (await desk.delivered(film)).state == State.APPROVED


async def test_what_waited_too_long_is_given_up_and_may_be_announced_again(desk, sonarr):
    sonarr.down = True
    taken = [await desk.accepts(release(number)) for number in (1, 2)]
    await desk.as_time_passes(lambda: desk.stored(taken[1]).state == State.EXPIRED, step=600)
    record = desk.stored(taken[0])
    sonarr.down = False
    again = await desk.accepts(release(1))

    assert record.said.startswith("given up: Sonarr cannot be reached")
    assert not again.known
    await desk.as_time_passes(lambda: desk.stored(again).state == State.APPROVED, step=60)


LOST = [arr_faults.ANSWER_LOST, arr_faults.fails_after_with(500), arr_faults.fails_after_with(503)]


@pytest.mark.parametrize("fault", LOST, ids=lambda fault: fault.name)
async def test_a_lost_answer_doubles_nothing(desk, sonarr, fault):
    sonarr.push_faults, sonarr.remembers = [fault], False
    taken = await desk.accepts(release())
    await desk.waits_and_passes()
    record = await desk.delivered(taken)

    assert record.state == State.GRABBED
    assert record.said == "Sonarr had grabbed the release already"
    assert sonarr.grabbed_times(record.infohash) == 1
    assert len(sonarr.asked_for(*PUSH)) == 1


async def test_a_lost_answer_to_a_release_without_an_infohash_doubles_nothing(desk, sonarr):
    sonarr.push_faults = [arr_faults.ANSWER_LOST]
    taken = await desk.accepts(release(infohash=""))
    await desk.until(lambda: len(sonarr.attempts) == 1)
    sonarr.grab("ab" * 20, title=release().name)
    await desk.waits_and_passes()
    record = await desk.delivered(taken)

    assert (record.state, record.infohash) == (State.GRABBED, "ab" * 20)
    assert len(sonarr.asked_for(*PUSH)) == 1


async def test_what_was_under_way_at_the_end_is_looked_after_at_the_next_start(desk, sonarr):
    sonarr.push_faults, sonarr.remembers = [arr_faults.HANGS_AFTER], False
    taken = await desk.accepts(release())
    await desk.until(lambda: sonarr.hanging == 1)
    await desk.stop()
    sonarr.let_go()
    await desk.start()

    assert (await desk.delivered(taken)).state == State.GRABBED
    assert sonarr.grabbed_times(f"{1:040x}") == 1


async def test_what_was_accepted_is_delivered_after_a_restart(desk, sonarr):
    sonarr.down = True
    taken = [await desk.accepts(release(number)) for number in range(1, 5)]
    await desk.stop()
    sonarr.down = False
    await desk.start()
    for one in taken:
        await desk.delivered(one)

    assert [one["infoHash"] for one in sonarr.pushed] == [f"{n:040x}" for n in range(1, 5)]


async def test_everything_else_goes_on_while_a_push_is_under_way(desk, sonarr):
    sonarr.push_faults = [arr_faults.HANGS]
    first = await desk.accepts(release(1))
    await desk.until(lambda: sonarr.hanging == 1)
    second = await desk.accepts(release(2))
    await desk.outbox.added("cd" * 20, "Another.Show.S01E01", 1)
    shown = await desk.outbox.recent(10)
    sonarr.let_go()

    assert {one.id for one in shown} == {first.push.id, second.push.id}
    await desk.delivered(second)


async def test_a_grab_that_arrives_before_the_answer_counts(desk, sonarr):
    sonarr.push_faults = [arr_faults.HANGS_AFTER]
    taken = await desk.accepts(release())
    await desk.until(lambda: sonarr.hanging == 1)
    await desk.outbox.added(f"{1:040x}", release().name, 1)
    assert desk.stored(taken).state == State.WAITING
    sonarr.let_go()

    assert (await desk.delivered(taken)).state == State.GRABBED


async def test_a_grab_is_known_by_its_name_when_nobody_told_the_infohash(desk):
    taken = await desk.accepts(release(infohash=""))
    await desk.becomes(taken, State.APPROVED)
    await desk.outbox.added("ab" * 20, "A.Show.S01E02.1080p.WEB-GROUP", 1)
    assert desk.stored(taken).state == State.APPROVED
    await desk.outbox.added("cd" * 20, "A Show S01E01 1080p WEB-GROUP", 1)

    assert desk.stored(taken).infohash == "cd" * 20
    assert desk.stored(taken).state == State.GRABBED


async def test_approved_and_not_grabbed_within_a_minute_is_noticed_and_said(desk, sonarr):
    sonarr.push_faults = [arr_faults.Fault(name="approved", status=200, body=APPROVED)]
    taken = await desk.accepts(release())
    await desk.becomes(taken, State.APPROVED)
    with logged("arrpush.grabs") as lines:
        assert await desk.waits_and_passes() == 60.0
        record = await desk.becomes(taken, State.UNGRABBED)

    assert "its torrent was not added within 60 s" in record.said
    assert len(lines) == 1
    await desk.outbox.added(record.infohash, record.title, 1)
    assert desk.stored(taken).state == State.GRABBED


APPROVED = '[{"approved": true, "rejected": false, "temporarilyRejected": false}]'


async def test_a_grab_by_another_download_client_is_told_from_none(desk, sonarr):
    taken = await desk.accepts(release())
    await desk.becomes(taken, State.APPROVED)
    await desk.waits_and_passes()
    record = await desk.becomes(taken, State.GRABBED)

    assert sonarr.grabbed_times(record.infohash) == 1
    assert "another download client" in record.said
    assert "ARRPUSH_DOWNLOAD_CLIENT" in record.said


async def test_a_program_gets_a_link_to_exactly_the_torrent_that_came_along(desk, sonarr):
    taken = await desk.accepts(
        with_torrent(TORRENT, magnet=TORRENT.magnet), torrent=TORRENT.metainfo
    )
    await desk.delivered(taken)
    [pushed] = sonarr.pushed
    path = pushed["downloadUrl"].removeprefix(BASE)

    assert path.startswith("/arrpush/torrent/")
    assert "magnetUrl" not in pushed
    assert pushed["infoHash"] == TORRENT.infohash
    token = path.split("/")[3]
    assert await desk.outbox.torrent(token) == TORRENT.metainfo
    await desk.restart()
    assert await desk.outbox.torrent(token) == TORRENT.metainfo
    desk.time.now += 7 * 24 * 3600
    assert await desk.outbox.torrent(token) is None
    assert await desk.outbox.original(TORRENT.infohash) == TORRENT.metainfo


async def test_the_link_leads_where_the_program_reaches_us(tmp_path, sonarr):
    for number, (config, called, base) in enumerate(
        [
            ({"url": "https://set.example/dl"}, "http://called:1", "https://set.example/dl"),
            ({}, "http://called:1", "http://called:1"),
            ({}, "", BASE),
        ]
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        torrent = Torrent(f"A.Show.S01E{number:02}.1080p", b"bytes %d" % number)
        desk = OutboxDesk(folder, {SONARR: sonarr}, **config)
        async with desk.open():
            if called:
                desk.outbox.called("Sonarr/4.0.15 (debian)", called, "")
                desk.outbox.called("Radarr/5.0", "http://radarrs:1", "")
            await desk.delivered(
                await desk.accepts(
                    with_torrent(torrent, name=torrent.name), torrent=torrent.metainfo
                )
            )
        assert sonarr.pushed[-1]["downloadUrl"].startswith(f"{base}/arrpush/torrent/")


async def test_a_program_that_does_not_come_for_the_torrent_is_given_a_magnet(desk, sonarr):
    sonarr.push_faults = [arr_faults.Fault(name="approved", status=200, body=APPROVED)]
    taken = await desk.accepts(with_torrent(TORRENT), torrent=TORRENT.metainfo)
    await desk.becomes(taken, State.APPROVED)
    assert await desk.waits_and_passes() == 60.0
    await desk.until(lambda: len(sonarr.pushed) == 1)

    assert sonarr.pushed[0]["magnetUrl"].startswith(f"magnet:?xt=urn:btih:{TORRENT.infohash}&dn=A")
    await grabbed(desk, taken)


async def test_a_program_that_came_for_the_torrent_is_not_asked_twice(desk, sonarr):
    sonarr.push_faults = [arr_faults.Fault(name="approved", status=200, body=APPROVED)]
    taken = await desk.accepts(with_torrent(TORRENT), torrent=TORRENT.metainfo)
    await desk.becomes(taken, State.APPROVED)
    link = sonarr.asked_for(*PUSH)[0].body["downloadUrl"]
    await desk.outbox.torrent(link.split("/")[-2])
    await desk.waits_and_passes()

    assert (await desk.becomes(taken, State.UNGRABBED)).attempts == 1


async def test_who_waits_for_a_release_hears_how_it_ended(desk):
    taken = await desk.accepts(release())
    waiting = asyncio.create_task(desk.outbox.wait(taken.push.id, 20))
    await grabbed(desk, taken)

    assert (await waiting).state == State.GRABBED
    assert (await desk.outbox.wait("nothing", 20)) is None


async def test_who_waits_in_vain_hears_how_it_stands(desk, sonarr):
    sonarr.down = True
    taken = await desk.accepts(release())

    assert (await desk.outbox.wait(taken.push.id, 0.01)).state == State.WAITING
    assert desk.outbox._waiting == {}


async def test_a_store_that_fails_is_waited_for(desk, sonarr):
    sonarr.push_faults = [arr_faults.fails_with(500)]
    taken = await desk.accepts(release())
    await desk.waits()
    desk.store.broken = True
    await desk.waits_and_passes()
    await desk.until(lambda: desk.time.asleep()[0] == 30.0)
    with pytest.raises(StoreError):
        await desk.accepts(release(2))
    desk.store.broken = False
    await desk.waits_and_passes()

    assert (await desk.delivered(taken)).state == State.APPROVED


async def test_what_cannot_be_pushed_is_not_accepted(tmp_path, sonarr):
    async with OutboxDesk(tmp_path, {SONARR: sonarr}).open() as desk:
        with pytest.raises(NotSetUp, match="Radarr is not set up here; set RADARR_URL"):
            await desk.accepts(release(), RADARR)
        with pytest.raises(BadRelease, match="no name"):
            await desk.accepts(release(name=""))

        assert await desk.outbox.recent(10) == []


async def test_t_03_a_release_without_an_infohash_is_known_by_one_that_was_finished(desk, sonarr):
    await desk.outbox.added("ab" * 20, "A.Show.S01E01.1080p.WEB-GROUP", 77)
    taken = await desk.accepts(release(infohash="", name="a show s01e01 1080p web-group"))
    await desk.delivered(taken)

    assert sonarr.pushed[0]["guid"] == f"torrent:{'ab' * 20}"


async def test_nobody_waits_for_a_release_when_the_service_ends(desk, sonarr):
    sonarr.down = True
    taken = await desk.accepts(release())
    waiting = asyncio.create_task(desk.outbox.wait(taken.push.id, 60))
    await desk.until(lambda: bool(desk.outbox._waiting))
    desk.outbox.hurry()

    assert (await waiting).state == State.WAITING


async def test_no_link_is_good_before_there_is_a_key(desk):
    taken = await desk.accepts(with_torrent(TORRENT), torrent=TORRENT.metainfo)
    forged = links.token(b"", links.Link(taken.push.infohash, 2**40))
    desk.outbox._link_key = b""

    assert await desk.outbox.torrent(forged) is None


async def test_a_secret_that_a_program_repeats_is_in_no_sentence(desk, sonarr):
    sonarr.rejections = ["https://indexer.example/download/1?passkey=markedpass", "no markedpass!"]
    record = await desk.delivered(await desk.accepts(release()))

    assert record.state == State.REJECTED
    assert "markedpass" not in record.said + str(desk.attempts.lines)


async def test_t_03_a_finished_download_is_known_by_its_final_name(desk, sonarr):
    finished = TorrentRecord(
        hash="ab" * 20,
        name="A.Show.S01E01.1080p.WEB-GROUP",
        state="completed",
        save_path="/x",
        size=77,
        added_at=1,
    )
    desk.outbox.finished(finished)
    await desk.delivered(await desk.accepts(release(infohash="")))

    assert sonarr.pushed[0]["infoHash"] == "ab" * 20


async def test_what_is_too_old_is_forgotten_and_what_is_under_way_is_not(tmp_path, sonarr):
    sonarr.down = True
    keep = {"keep": 10 * DAY, "keep_torrents": DAY, "patience": 1e9}
    async with OutboxDesk(tmp_path, {SONARR: sonarr}, **keep).open() as desk:
        under_way = await desk.accepts(with_torrent(TORRENT), torrent=TORRENT.metainfo)
        await desk.outbox.added("ab" * 20, "A.Film.2020.1080p", 5)
        await desk.waits()
        desk.time.passes(CHORES + 11 * DAY)
        await desk.until(lambda: desk.store.call(releases.load_all) == [])
        desk.time.passes(CHORES)

        assert desk.stored(under_way).state == State.WAITING
        assert await desk.outbox.original(TORRENT.infohash) == TORRENT.metainfo


async def test_no_more_releases_are_remembered_than_wanted(tmp_path, sonarr):
    async with OutboxDesk(tmp_path, {SONARR: sonarr}, keep_most=3).open() as desk:
        for number in range(10):
            desk.time.now += 1
            await desk.outbox.added(f"{number:040x}", f"A.Film.{number}", 5)
        desk.time.passes(CHORES)
        await desk.until(lambda: len(desk.store.call(releases.load_all)) == 3)
        [newest, *_] = desk.store.call(releases.load_all)

        assert newest.name == "A.Film.9"


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("arrpush.delivery.of_answer", "state=failed"),
        ("arrpush.delivery.course.begun", "step=failed"),
        ("arrpush.grabs.course.check_at", "step=failed"),
    ],
)
async def test_a_bug_of_ours_ends_nothing_for_good(desk, where, said, monkeypatch):
    with monkeypatch.context() as broken, logged("arrpush", logging.ERROR) as lines:
        broken.setattr(where, lambda *_, **__: 1 // 0)
        taken = await desk.accepts(release())
        await desk.until(lambda: any(said in line for line in lines))
    desk.time.passes(steady.BUG_DELAY)
    await desk.as_time_passes(lambda: desk.stored(taken).state == State.GRABBED)


async def test_what_is_approved_is_not_read_again_with_every_other_release(desk, monkeypatch):
    reads, read = [], pushes.in_state
    monkeypatch.setattr(pushes, "in_state", lambda db, state: reads.append(1) or read(db, state))
    for number in range(1, 31):
        await desk.becomes(await desk.accepts(release(number)), State.APPROVED)

    assert len(reads) <= 2
