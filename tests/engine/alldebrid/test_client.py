import asyncio

import pytest

from engine.alldebrid import errors
from engine.alldebrid.address import BadAddress
from engine.alldebrid.calls import ENDPOINTS
from engine.alldebrid.client import (
    HASH_LOOKUPS,
    IDS_PER_CALL,
    LISTING_WAITS,
    AllDebrid,
    Settings,
)
from engine.alldebrid.errors import ApiError, Treatment
from engine.alldebrid.values import Phase, RemoteFile
from tests.fakes.alldebrid import FakeAllDebrid, after
from tests.fakes.virtual_time import FastTime

HASH = "a1" * 20
OTHER = "b2" * 20
MAGNET = f"magnet:?xt=urn:btih:{HASH}&dn=A&tr=udp%3A%2F%2Ftracker.example%3A80%2Fannounce%3Fp%3D1"
TORRENT = b"d4:infod6:lengthi3e4:name1:A12:piece lengthi16384e6:pieces20:" + b"x" * 20 + b"ee"


@pytest.fixture
def fake():
    with FakeAllDebrid() as fake:
        yield fake


@pytest.fixture
def time():
    return FastTime()


@pytest.fixture
async def client(fake, time):
    client = AllDebrid(
        lambda: fake.key,
        Settings(base_url=fake.url),
        clock=time.clock,
        sleep=time.sleep,
        random=lambda: 0.5,
    )
    yield client
    await client.close()


async def refused(awaitable) -> ApiError:
    with pytest.raises(ApiError) as caught:
        await awaitable
    return caught.value


# Transport rules


async def test_every_call_goes_to_its_documented_version_as_a_form_with_the_key(fake, client):
    fake.hold(HASH, "A", {"a.mkv": b"123"})
    uploaded = await client.upload_magnet(MAGNET)
    await client.upload_file(TORRENT, "A")
    await client.statuses()
    await client.status_of(uploaded.id)
    await client.changes(1, 0)
    files = await client.files([uploaded.id])
    await client.unlock(files[uploaded.id][0].link)
    await client.restart(uploaded.id)
    await client.delete(uploaded.id)
    await client.user()
    await client.ping()
    for seen in fake.requests:
        expected = ENDPOINTS[seen.endpoint]
        assert (seen.version, seen.method) == (expected.version, expected.method)
        assert seen.key == ("none" if seen.endpoint == "ping" else "ok")
    assert {seen.version for seen in fake.asked("magnet/status")} == {"v4.1"}
    assert set(ENDPOINTS) - {seen.endpoint for seen in fake.requests} == {
        "link/delayed",
        "user/verif",
    }


async def test_the_version_of_an_endpoint_can_be_set(fake):
    client = AllDebrid(
        lambda: fake.key, Settings(base_url=fake.url, versions={"magnet/files": "v4.1"})
    )
    await client.files([1])
    assert fake.requests[-1].version == "v4.1"
    await client.close()


async def test_a_base_address_must_be_usable():
    with pytest.raises(BadAddress):
        AllDebrid(str, Settings(base_url="ftp://api.example"))


@pytest.mark.parametrize("shape", ["answers_array", "answers_object", "answers_map"])
async def test_lists_are_read_in_every_shape(fake, client, shape):
    fake.hold(HASH, "A", {"D/a.mkv": 5, "D/b.mkv": 6})
    uploaded = await client.upload_magnet(MAGNET)
    getattr(fake, shape)()
    assert (await client.status_of(uploaded.id)).phase is Phase.READY
    assert [status.id for status in await client.statuses()] == [uploaded.id]
    files = (await client.files([uploaded.id]))[uploaded.id]
    assert [(file.path, file.size) for file in files] == [(("D", "a.mkv"), 5), (("D", "b.mkv"), 6)]


async def test_numbers_may_be_text(fake, client):
    fake.answers_numbers_as_text()
    fake.hold(HASH, "A", {"a.mkv": 5})
    uploaded = await client.upload_magnet(MAGNET)
    assert uploaded.id == fake.magnet_id(HASH)
    status = await client.status_of(uploaded.id)
    assert (status.code, status.size) == (4, 5)
    file = (await client.files([uploaded.id]))[uploaded.id][0]
    assert (await client.unlock(file.link)).size == 5
    assert (await client.user()).premium_until == 4_102_444_800


# Uploads


async def test_a_magnet_is_sent_with_its_trackers(fake, client):
    fake.hold(HASH, "A", {"a.mkv": 5})
    uploaded = await client.upload_magnet(MAGNET)
    assert fake.asked("magnet/upload")[0].form == {"magnets[]": [MAGNET]}
    assert (uploaded.hash, uploaded.name, uploaded.size, uploaded.ready) == (HASH, "A", 5, True)


async def test_a_torrent_is_sent_as_a_file_under_a_plain_name(fake, client):
    uploaded = await client.upload_file(TORRENT, 'Ä "x"/../y.torrent')
    assert fake.asked("magnet/upload/file")[0].files == (("files[]", "x_.._y.torrent"),)
    assert fake.upload_sizes == [len(TORRENT)]
    assert len(uploaded.hash) == 40


async def test_a_torrent_of_some_mebibytes_is_sent_whole(fake, client):
    pieces = b"x" * 20 * 100_000
    torrent = TORRENT.replace(b"20:" + b"x" * 20, b"%d:%s" % (len(pieces), pieces))
    await client.upload_file(torrent, "A")
    assert fake.upload_sizes == [len(torrent)] != [len(TORRENT)]


async def test_uploading_again_returns_the_same_id(fake, client):
    fake.hold(HASH, "A", {"a.mkv": 5})
    assert (await client.upload_magnet(MAGNET)).id == (await client.upload_magnet(MAGNET)).id


async def test_a_name_that_is_not_known_yet_is_empty(client):
    assert (await client.upload_magnet(HASH)).name == ""


@pytest.mark.parametrize("value", [None, 0])
async def test_an_upload_without_an_id_is_looked_up_by_its_hash(fake, client, value):
    fake.hold(HASH, "A", {"a.mkv": 5})
    fake.leaves_out_ids(value=value)
    uploaded = await client.upload_magnet(MAGNET)
    assert uploaded.id == fake.magnet_id(HASH)
    assert fake.count("magnet/status") == 1


async def test_an_upload_without_id_and_hash_is_looked_up_by_the_callers_hash(fake, client):
    fake.leaves_out_ids()
    fake.leaves_out_hashes()
    uploaded = await client.upload_magnet(MAGNET, infohash=HASH.upper())
    assert (uploaded.id, uploaded.hash) == (fake.magnet_id(HASH), HASH)


async def test_the_lookup_ends_after_ten_times(fake, client):
    fake.leaves_out_ids()
    with fake.answers_raw(
        '{"status":"success","data":{"magnets":[]}}', times=None, endpoint="magnet/status"
    ):
        error = await refused(client.upload_magnet(MAGNET))
    assert (error.code, error.treatment) == (errors.NO_ID, Treatment.RETRY)
    assert fake.count("magnet/status") == HASH_LOOKUPS


async def test_without_any_hash_nothing_is_looked_up(fake, client):
    fake.leaves_out_ids()
    fake.leaves_out_hashes()
    assert (await refused(client.upload_magnet(MAGNET))).code == errors.NO_ID
    assert fake.count("magnet/status") == 0


@pytest.mark.parametrize("endpoint", ["magnet/upload", "magnet/upload/file"])
async def test_an_error_inside_a_successful_answer_is_an_error(fake, client, endpoint):
    fake.answers_error(endpoint, "MAGNET_INVALID_URI")
    upload = (
        client.upload_magnet(MAGNET)
        if endpoint == "magnet/upload"
        else client.upload_file(TORRENT, "A")
    )
    error = await refused(upload)
    assert (error.code, error.treatment) == ("MAGNET_INVALID_URI", Treatment.PERMANENT)
    assert fake.count(endpoint) == 1


async def test_no_free_slot_is_told_at_once(time):
    with FakeAllDebrid(max_active=1) as fake:
        client = AllDebrid(
            lambda: fake.key, Settings(base_url=fake.url), clock=time.clock, sleep=time.sleep
        )
        fake.hold(HASH, "A", {"a": 1}, ready=False)
        await client.upload_magnet(MAGNET)
        error = await refused(client.upload_magnet(OTHER))
        assert (error.code, error.treatment) == ("MAGNET_TOO_MANY_ACTIVE", Treatment.SLOT)
        assert error.retry_after
        assert fake.count("magnet/upload") == 2
        await client.close()


async def test_an_upload_missing_from_the_answer_is_no_success(fake, client):
    fake.answers_raw('{"status":"success","data":{"magnets":[]}}', times=None)
    assert (await refused(client.upload_magnet(MAGNET))).code == errors.GARBLED


# Retries


@pytest.mark.parametrize("status", [200, 500, 502, 504])
async def test_html_instead_of_an_answer_is_retried(fake, client, time, status):
    fake.serves_html(times=2, status=status)
    assert (await client.user()).premium
    assert fake.count("user") == 3
    assert time.slept == [0.5, 1.0]


@pytest.mark.parametrize(
    "body", ["", "[]", "null", "7", '{"data":{}}', '{"status":"ok"}', "{" * 5000, "[" * 100_000]
)
async def test_what_is_no_envelope_is_retried(fake, client, body):
    fake.answers_raw(body)
    assert (await client.user()).premium
    assert fake.count("user") == 2


async def test_a_success_counts_whatever_the_http_status(fake, client):
    fake.answers_raw('{"status":"success","data":{"user":{"isPremium":1}}}', status=500)
    assert (await client.user()).premium
    assert fake.count("user") == 1


async def test_an_error_counts_whatever_the_http_status(fake, client):
    fake.answers_error("link/unlock", "LINK_DOWN", status=503)
    error = await refused(client.unlock("https://alldebrid.com/f/x"))
    assert (error.code, error.treatment) == ("LINK_DOWN", Treatment.GONE)


@pytest.mark.parametrize("status", [429, 503])
async def test_a_rate_limit_waits_as_long_as_the_server_asks(fake, client, time, status):
    fake.rate_limits(times=2, retry_after=17, status=status)
    before = time.clock()
    assert (await client.user()).premium
    assert fake.count("user") == 3
    assert 34 <= time.clock() - before < 36


async def test_a_rate_limit_holds_every_other_call_too(fake, time):
    client = AllDebrid(
        lambda: fake.key,
        Settings(base_url=fake.url, patience=0),
        clock=time.clock,
        sleep=time.sleep,
    )
    fake.rate_limits(retry_after=20, endpoint="user")
    before = time.clock()
    await refused(client.user())
    assert time.clock() == before
    await client.statuses()
    assert time.clock() - before == pytest.approx(20)
    await client.close()


async def test_html_with_404_means_that_the_call_is_gone_and_stops_everything(fake, client, time):
    fake.serves_html(status=404, endpoint="magnet/status")
    before = time.clock()
    await client.statuses()
    assert time.clock() - before >= 3000


async def test_a_rate_limit_without_a_time_waits_longer_each_time(fake, client, time):
    fake.rate_limits(times=4)
    await client.user()
    waits = [seconds for seconds in time.slept if seconds > 0.5]
    assert waits == sorted(waits)
    assert waits[-1] > 3


async def test_a_rate_limit_after_an_answer_is_a_first_one_again(fake, client, time):
    waited = []
    for times in (4, 1):
        fake.rate_limits(times=times)
        before = time.clock()
        await client.user()
        waited.append(time.clock() - before)
    assert waited[0] > 5
    assert waited[1] == pytest.approx(1.0)


async def test_a_rate_limit_longer_than_patience_is_told_with_its_time(fake, client):
    fake.rate_limits(retry_after=500)
    error = await refused(client.user())
    assert (error.code, error.treatment) == (errors.RATE_LIMITED, Treatment.RETRY)
    assert error.retry_after == pytest.approx(500)


async def test_an_unknown_code_with_429_is_a_rate_limit(fake, client):
    fake.answers_error("user", "SLOW_DOWN", status=429)
    assert (await client.user()).premium
    assert fake.count("user") == 2


async def test_patience_ends_and_the_caller_hears_of_it(fake, client, time):
    before = time.clock()
    with fake.serves_html(times=None):
        error = await refused(client.user())
    assert error.treatment is Treatment.RETRY
    assert 60 < time.clock() - before <= 120


async def test_patience_can_be_set(fake, time):
    client = AllDebrid(
        lambda: fake.key,
        Settings(base_url=fake.url, patience=0),
        clock=time.clock,
        sleep=time.sleep,
    )
    with fake.serves_html(times=None):
        await refused(client.user())
    assert fake.count("user") == 1
    await client.close()


@pytest.mark.parametrize("code", ["GENERIC", "SOMETHING_NEW"])
async def test_an_unnamed_error_is_permanent_after_three_tries(fake, client, code):
    with fake.answers_error("link/unlock", code, times=None):
        error = await refused(client.unlock("https://alldebrid.com/f/x"))
    assert (error.code, error.treatment) == (code, Treatment.PERMANENT)
    assert fake.count("link/unlock") == 3


async def test_a_host_that_needs_minutes_is_for_the_caller_to_wait_for(fake, client):
    fake.answers_error("link/unlock", "LINK_HOST_FULL")
    error = await refused(client.unlock("https://alldebrid.com/f/x"))
    assert (error.treatment, error.retry_after) == (Treatment.RETRY, 300)


async def test_an_answer_to_another_question_is_permanent(fake, client):
    fake.answers_error("link/unlock", "VOUCHER_NB_INVALID")
    error = await refused(client.unlock("https://alldebrid.com/f/x"))
    assert error.treatment is Treatment.PERMANENT


async def test_a_dead_kept_connection_costs_no_wait(fake, client, time):
    await client.user()
    fake.drops_connection()
    await client.statuses()
    assert time.slept == []
    assert fake.count("magnet/status") == 2


async def test_a_fresh_connection_that_is_cut_is_network_trouble(fake, client, time):
    fake.drops_connection(endpoint="magnet/status")
    await client.statuses()
    assert time.slept == [0.5]


async def test_a_second_cut_in_a_row_is_network_trouble(fake, client, time):
    await client.user()
    fake.drops_connection(times=2)
    await client.statuses()
    assert time.slept == [0.5]


async def test_an_api_that_is_down_is_retried_until_it_is_back(fake, time):
    fake.goes_down()

    async def sleep_and_mend(seconds):
        await time.sleep(seconds)
        if len(time.slept) == 3:
            await asyncio.to_thread(fake.comes_back)

    client = AllDebrid(
        lambda: fake.key, Settings(base_url=fake.url), clock=time.clock, sleep=sleep_and_mend
    )
    assert (await client.user()).premium
    assert len(time.slept) == 3
    await client.close()


async def test_an_api_that_stays_down_is_unreachable(fake, client):
    with fake.goes_down():
        error = await refused(client.user())
    assert (error.code, error.treatment) == (errors.UNREACHABLE, Treatment.RETRY)


async def test_an_answer_that_never_comes_is_given_up(fake, time):
    client = AllDebrid(
        lambda: fake.key,
        Settings(base_url=fake.url, timeout=0.05),
        clock=time.clock,
        sleep=time.sleep,
    )
    fake.stalls()
    assert (await client.user()).premium
    assert fake.count("user") == 2
    await client.close()


async def test_nine_calls_at_once_do_not_leave_in_one_second(client, time):
    before = time.clock()
    await asyncio.gather(*(client.user() for _ in range(9)))
    assert 1.0 <= time.clock() - before < 1.1


# Status


async def test_an_unknown_id_is_gone(client):
    error = await refused(client.status_of(77))
    assert (error.code, error.treatment) == ("MAGNET_INVALID_ID", Treatment.GONE)


async def test_an_answer_about_another_torrent_is_no_answer(fake, client):
    fake.answers_raw('{"status":"success","data":{"magnets":{"id":5,"statusCode":4}}}')
    assert (await refused(client.status_of(6))).treatment is Treatment.GONE


async def test_progress_is_told(fake, client):
    fake.hold(HASH, "A", {"a.mkv": 1000})
    fake.progresses(HASH, 0.25, speed=50, seeders=3)
    uploaded = await client.upload_magnet(MAGNET)
    status = await client.status_of(uploaded.id)
    assert (status.phase, status.progress, status.downloaded) == (Phase.FETCHING, 0.25, 250)
    assert (status.speed, status.seeders, status.hash) == (50, 3, HASH)


async def test_an_unknown_status_code_keeps_alldebrids_words(fake, client):
    fake.hold(HASH, "A", {"a.mkv": 1000})
    fake.fails_torrent(HASH, 42, "Moon in the wrong phase")
    uploaded = await client.upload_magnet(MAGNET)
    status = await client.status_of(uploaded.id)
    assert status.phase is Phase.FAILED
    assert "Moon in the wrong phase" in status.explanation


# Files


async def test_files_of_several_torrents_come_in_one_call_each_with_its_own_error(fake, client):
    fake.hold(HASH, "A", {"D/e/a.mkv": 5, "D/A.nfo": 1})
    uploaded = await client.upload_magnet(MAGNET)
    found = await client.files([uploaded.id, 999])
    assert [file.path for file in found[uploaded.id]] == [("D", "A.nfo"), ("D", "e", "a.mkv")]
    assert found[999].treatment is Treatment.GONE
    assert fake.asked("magnet/files")[0].form == {"id[]": [str(uploaded.id), "999"]}


async def test_files_of_very_many_torrents_come_in_several_calls(fake, client):
    found = await client.files(list(range(1, 2 * IDS_PER_CALL + 2)))
    assert len(found) == 2 * IDS_PER_CALL + 1
    assert fake.count("magnet/files") == 3


async def test_account_trouble_inside_an_item_is_account_trouble(fake, client):
    fake.hold(HASH, "A", {"a.mkv": 5})
    uploaded = await client.upload_magnet(MAGNET)
    fake.answers_error("magnet/files", "AUTH_BAD_APIKEY")
    assert isinstance((await client.files([uploaded.id]))[uploaded.id][0], RemoteFile)
    assert fake.count("user") == 1


async def test_an_empty_list_right_after_ready_is_read_again(fake, client, time):
    fake.hold(HASH, "A", {"a.mkv": 5})
    uploaded = await client.upload_magnet(MAGNET)
    fake.lists_no_files(times=3)
    assert len(await client.files_when_listed(uploaded.id)) == 1
    assert time.slept == [2, 3, 5]


async def test_a_list_that_stays_empty_for_a_minute_is_told(fake, client, time):
    fake.hold(HASH, "A", {"a.mkv": 5})
    uploaded = await client.upload_magnet(MAGNET)
    with fake.lists_no_files(times=None):
        error = await refused(client.files_when_listed(uploaded.id))
    assert (error.code, error.treatment) == (errors.NO_FILES, Treatment.RETRY)
    assert sum(time.slept) == sum(LISTING_WAITS) == 60


async def test_the_files_of_a_torrent_that_is_gone_are_not_waited_for(client, time):
    assert (await refused(client.files_when_listed(5))).treatment is Treatment.GONE
    assert time.slept == []


# Deleting and restarting


async def test_deleting_what_is_gone_is_fine(fake, client):
    fake.hold(HASH, "A", {"a.mkv": 5})
    uploaded = await client.upload_magnet(MAGNET)
    await client.delete(uploaded.id)
    assert fake.magnet_id(HASH) == 0
    await client.delete(uploaded.id)
    assert fake.count("magnet/delete") == 2


async def test_a_torrent_that_cannot_be_deleted_is_told(fake, client):
    fake.answers_error("magnet/delete", "GENERIC", times=3)
    assert (await refused(client.delete(5))).treatment is Treatment.PERMANENT


async def test_restarting_a_failed_torrent_makes_it_go_on(fake, client):
    fake.hold(HASH, "A", {"a.mkv": 5})
    fake.fails_torrent(HASH, 7)
    uploaded = await client.upload_magnet(MAGNET)
    assert (await client.status_of(uploaded.id)).phase is Phase.SOFT_ERROR
    await client.restart(uploaded.id)
    assert (await client.status_of(uploaded.id)).phase is Phase.READY


async def test_restarting_what_runs_is_fine(fake, client):
    fake.hold(HASH, "A", {"a.mkv": 5}, ready=after(polls=9))
    uploaded = await client.upload_magnet(MAGNET)
    await client.restart(uploaded.id)
    fake.answers_raw(
        '{"status":"success","data":{"magnets":'
        '[{"magnet":"1","error":{"code":"MAGNET_PROCESSING"}}]}}'
    )
    await client.restart(uploaded.id)


async def test_restarting_what_is_gone_is_told(client):
    assert (await refused(client.restart(5))).treatment is Treatment.GONE


# Links


async def unlockable(fake, client, **options):
    held = fake.hold(HASH, "A", {"D/a b.mkv": b"12345"}, **options)
    await client.upload_magnet(MAGNET)
    return held.link(0)


async def test_a_link_is_unlocked_with_its_size_and_cap(fake, client):
    link = await unlockable(fake, client)
    fake.caps_connections(4)
    unlocked = await client.unlock(link)
    assert (unlocked.filename, unlocked.size, unlocked.max_connections) == ("a b.mkv", 5, 4)
    assert unlocked.url.startswith(fake.url)
    assert fake.asked("link/unlock")[0].form == {"link": [link]}


async def test_a_link_works_after_the_torrent_is_deleted(fake, client):
    link = await unlockable(fake, client)
    await client.delete(fake.magnet_id(HASH))
    assert (await client.unlock(link)).url


async def test_a_plain_link_to_a_public_host_becomes_https(fake, client):
    link = await unlockable(
        fake, client, file_host=lambda path: f"http://x.debrid.it/dl/1/{len(path)}"
    )
    assert (await client.unlock(link)).url == "https://x.debrid.it/dl/1/9"


async def test_a_link_that_is_none_is_permanent(fake, client):
    link = await unlockable(fake, client, file_host=lambda _: "ftp://secret.example/x")
    error = await refused(client.unlock(link))
    assert (error.code, error.treatment) == (errors.NO_LINK, Treatment.PERMANENT)
    assert "secret" not in str(error) + error.message


async def test_an_empty_link_is_permanent(fake, client):
    link = await unlockable(fake, client)
    fake.gives_empty_links()
    assert (await refused(client.unlock(link))).treatment is Treatment.PERMANENT


async def test_a_delayed_link_is_waited_for_in_steps_of_five_seconds(fake, client, time):
    link = await unlockable(fake, client)
    fake.delays_links(polls=3)
    unlocked = await client.unlock(link)
    assert (unlocked.filename, unlocked.size) == ("a b.mkv", 5)
    assert unlocked.url.startswith(fake.url)
    assert time.slept == [5, 5, 5, 5]


async def test_a_delayed_link_is_given_up_after_ten_minutes(fake, client, time):
    link = await unlockable(fake, client)
    fake.delays_links(polls=10_000)
    before = time.clock()
    error = await refused(client.unlock(link))
    assert (error.code, error.treatment) == (errors.DELAYED_TOO_LONG, Treatment.RETRY)
    assert time.clock() - before == pytest.approx(600)


async def test_a_delayed_link_that_failed_is_told(fake, client):
    link = await unlockable(fake, client)
    fake.delays_links(polls=1, fails=True)
    error = await refused(client.unlock(link))
    assert (error.code, error.treatment) == (errors.DELAYED_FAILED, Treatment.RETRY)


async def test_a_delayed_link_that_alldebrid_forgot_is_unlocked_again(fake, client):
    link = await unlockable(fake, client)
    fake.delays_links(polls=1)
    fake.answers_error("link/delayed", "DELAYED_INVALID_ID")
    assert (await client.unlock(link)).url
    assert fake.count("link/unlock") == 2


async def test_a_delayed_link_that_alldebrid_keeps_forgetting_is_told(fake, client):
    link = await unlockable(fake, client)
    fake.delays_links(polls=1)
    fake.answers_error("link/delayed", "DELAYED_INVALID_ID", times=None)
    assert (await refused(client.unlock(link))).treatment is Treatment.RETRY
    assert fake.count("link/unlock") == 3


@pytest.mark.parametrize("code", ["LINK_DOWN", "LINK_HOST_NOT_SUPPORTED"])
async def test_a_link_whose_content_is_gone_is_not_retried(fake, client, code):
    link = await unlockable(fake, client)
    fake.answers_error("link/unlock", code)
    assert (await refused(client.unlock(link))).treatment is Treatment.GONE
    assert fake.count("link/unlock") == 1


async def test_repr_shows_the_state_but_not_the_key(fake, client):
    assert "fine" in repr(client)
    assert fake.key not in repr(client)


async def test_while_alldebrid_does_not_answer_it_is_told_why_until_it_does(fake, client):
    fake.goes_down()
    failed = await refused(client.user())
    assert client.trouble == str(failed)
    fake.comes_back()
    await client.statuses()
    assert client.trouble == str(failed)
    await client.user()
    assert client.trouble == ""


async def test_one_failed_try_is_not_told(fake, client, caplog):
    fake.drops_connection(times=1, endpoint="user")
    await client.user()
    assert client.trouble == ""
    assert [record for record in caplog.records if record.levelname == "WARNING"] == []
