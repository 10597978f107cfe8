"""The gate: through the client against a fake AllDebrid, and by itself where order matters."""

import asyncio
import logging

import pytest

from engine.alldebrid import errors
from engine.alldebrid.account import (
    KEY_CHECK_INTERVAL,
    NUDGE_INTERVAL,
    RETRY_INTERVAL,
    Account,
)
from engine.alldebrid.client import AllDebrid, Settings
from engine.alldebrid.errors import ApiError, Proof, Treatment
from engine.alldebrid.values import Verdict
from engine.alldebrid.wire import Confirmation
from tests.fakes.alldebrid import FakeAllDebrid
from tests.fakes.virtual_time import FastTime, VirtualTime

TOKEN = "marked-token-93c1"
LINK = "https://alldebrid.com/f/x"
HASH = "a1" * 20


@pytest.fixture
def fake():
    with FakeAllDebrid() as fake:
        yield fake


class Keys:
    """A key as it stands in a file, and what AllDebrid gave instead."""

    def __init__(self, key):
        self.key = key
        self.new = []

    def __call__(self):
        return self.key


@pytest.fixture
def keys(fake):
    return Keys(fake.key)


@pytest.fixture
def time():
    return FastTime()


@pytest.fixture
async def client(fake, keys, time):
    client = AllDebrid(
        keys,
        Settings(base_url=fake.url),
        on_new_key=keys.new.append,
        clock=time.clock,
        sleep=time.sleep,
        random=lambda: 0.5,
    )
    yield client
    await client.close()


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - the fake answers from another thread
            await asyncio.sleep(0.001)


# Through the client


async def test_all_is_fine_at_first(client):
    assert client.account.trouble == ""
    assert client.account.code == ""
    await client.account.wait_until_fine()


@pytest.mark.parametrize(
    "code",
    [
        code
        for code, rule in errors.TABLE.items()
        if rule.treatment is Treatment.ACCOUNT and rule.every < errors.NEVER
    ],
)
async def test_every_account_trouble_is_waited_out_and_ends_by_itself(fake, client, time, code):
    fake.answers_error("magnet/status", code)
    before = time.clock()
    assert await client.statuses() == []
    assert client.account.trouble == ""
    assert time.clock() - before >= errors.TABLE[code].every * 0.9


async def test_while_there_is_trouble_only_the_prober_asks(fake, keys, client):
    fake.key = "another-key"
    calls = [asyncio.create_task(call) for call in (client.statuses(), client.ping())]
    await until(lambda: fake.count("user") >= 2)
    assert "API key" in client.account.trouble
    late = asyncio.create_task(client.unlock(LINK))
    await until(lambda: fake.count("user") >= 3)
    assert fake.count("magnet/status") == 1
    assert fake.count("link/unlock") == 0
    assert "waiting" in repr(client.account)
    keys.key = "another-key"
    await client.account.wait_until_fine()
    assert client.account.trouble == ""
    await asyncio.gather(*calls)
    with pytest.raises(ApiError):
        await late


async def test_a_changed_key_is_tried_at_once(fake, keys, client, time):
    fake.key = "another-key"
    fake.answers_error("magnet/status", "AUTH_USER_BANNED")
    waiting = asyncio.create_task(client.statuses())
    await until(lambda: client.account.trouble)
    assert "banned" in client.account.trouble
    before = time.clock()
    keys.key = "another-key"
    await waiting
    assert time.clock() - before <= 100 * KEY_CHECK_INTERVAL
    assert fake.count("user") == 1


async def test_a_banned_account_is_never_probed_with_the_same_key(fake, client, time):
    fake.answers_error("magnet/status", "AUTH_USER_BANNED")
    waiting = asyncio.create_task(client.statuses())
    await until(lambda: len(time.slept) > 5000)
    assert fake.count("user") == 0
    waiting.cancel()


@pytest.mark.parametrize(("key", "code"), [("", "MISSING"), (" \n", "MISSING"), ("a\nb", "BAD")])
async def test_a_key_that_cannot_be_one_is_not_even_sent(fake, keys, client, key, code):
    keys.key = key
    waiting = asyncio.create_task(client.statuses())
    await until(lambda: client.account.trouble)
    assert client.account.code == f"AUTH_{code}_APIKEY"
    assert fake.requests == []
    keys.key = fake.key
    await waiting


async def test_a_key_may_end_in_a_line_break(fake, keys, client):
    keys.key = f"{fake.key}\n"
    await client.statuses()
    assert fake.requests[0].key == "ok"


async def test_no_server_ends_only_when_the_refused_call_itself_works(fake, client, time):
    refusing = fake.answers_error("magnet/upload", "NO_SERVER", times=3)
    before = time.clock()
    uploaded = await client.upload_magnet(HASH)
    assert uploaded.id
    assert refusing.used == 3
    assert fake.count("user") == 0
    assert 3 * 3600 * 0.9 <= time.clock() - before <= 3 * 3600 * 1.1


async def test_a_trial_that_says_nothing_is_repeated_soon(fake, client, time):
    fake.answers_error("magnet/upload", "NO_SERVER")
    fake.serves_html(times=1, endpoint="magnet/upload").used = 1
    waiting = asyncio.create_task(client.upload_magnet(HASH))
    await until(lambda: client.account.trouble)
    fake.serves_html(times=2, endpoint="magnet/upload")
    before = time.clock()
    await waiting
    assert time.clock() - before < 3600 * 1.2
    assert client.account.trouble == ""


async def test_nobody_waiting_for_the_refused_call_lets_the_others_go_on(fake, client):
    fake.answers_error("magnet/upload", "MUST_BE_PREMIUM", times=None)
    upload = asyncio.create_task(client.upload_magnet(HASH))
    await until(lambda: client.account.trouble)
    assert "premium" in client.account.trouble
    upload.cancel()
    assert await client.statuses() == []
    assert client.account.trouble == ""


async def test_maintenance_pauses_everything_for_five_minutes(fake, client, time):
    fake.answers_error("magnet/status", "MAINTENANCE")
    before = time.clock()
    await asyncio.gather(client.statuses(), client.user())
    assert 270 <= time.clock() - before <= 331


async def test_approval_by_e_mail_is_waited_for(fake, keys, client):
    fake.blocks_account(token=TOKEN)
    waiting = asyncio.create_task(client.statuses())
    await until(lambda: fake.count("user/verif") >= 3)
    assert client.account.trouble == errors.VERIFY_ADVICE
    assert {tuple(seen.form["token"]) for seen in fake.asked("user/verif")} == {(TOKEN,)}
    assert {seen.key for seen in fake.asked("user/verif")} == {"none"}
    assert fake.count("user") == 0
    fake.approves_account()
    assert await waiting == []
    assert client.account.trouble == ""
    assert keys.new == []


async def test_approval_may_bring_a_new_key_which_is_used_from_then_on(fake, keys, client):
    fake.blocks_account(token=TOKEN)
    waiting = asyncio.create_task(client.statuses())
    await until(lambda: fake.count("user/verif") >= 1)
    fake.approves_account(new_key="marked-new-key-1")
    await waiting
    await client.user()
    assert keys.new == ["marked-new-key-1"]
    assert fake.requests[-1].key == "ok"
    assert keys.key != "marked-new-key-1"


async def test_a_key_set_after_a_renewed_one_wins(fake, keys, client):
    fake.blocks_account(token=TOKEN)
    waiting = asyncio.create_task(client.statuses())
    await until(lambda: fake.count("user/verif") >= 1)
    fake.approves_account(new_key="marked-new-key-1")
    await waiting
    keys.key = fake.key = "third-key"
    async with asyncio.timeout(10):
        await client.user()
    assert fake.requests[-1].key == "ok"


async def test_a_denied_approval_is_told_and_a_new_key_helps(fake, keys, client):
    fake.blocks_account(token=TOKEN)
    waiting = asyncio.create_task(client.statuses())
    await until(lambda: fake.count("user/verif") >= 1)
    fake.denies_account()
    await until(lambda: client.account.code == errors.DENIED)
    assert "denied" in client.account.trouble
    fake.unblocks_account()
    keys.key = fake.key = "another-key"
    await waiting


async def test_an_expired_mail_is_asked_for_again_only_after_an_hour(fake, client, time):
    fake.blocks_account(token=TOKEN)
    waiting = asyncio.create_task(client.statuses())
    await until(lambda: fake.count("user/verif") >= 1)
    before = time.clock()
    fake.lets_token_expire()
    await until(lambda: fake.count("user") >= 1)
    assert time.clock() - before >= 3600 * 0.9
    fake.unblocks_account()
    await waiting


async def test_a_block_without_a_token_says_what_to_allow(fake, client):
    with fake.blocks_account():
        waiting = asyncio.create_task(client.statuses())
        await until(lambda: fake.count("user") >= 1)
        assert "security settings" in client.account.trouble
        assert fake.count("user/verif") == 0
    await waiting


async def test_trouble_is_logged_once_however_many_calls_wait(fake, client, caplog):
    caplog.set_level(logging.INFO)
    fake.answers_error("", "AUTH_BAD_APIKEY", times=6, in_item=False)
    await asyncio.gather(*(client.statuses() for _ in range(5)))
    told = [
        record.message for record in caplog.records if record.name == "engine.alldebrid.account"
    ]
    advice = errors.TABLE["AUTH_BAD_APIKEY"].advice
    assert told == [
        f"account=trouble code=AUTH_BAD_APIKEY endpoint=magnet/status advice={advice!r}",
        "account=fine",
    ]


async def test_closing_ends_the_prober(fake, client):
    fake.blocks_account()
    waiting = asyncio.create_task(client.statuses())
    await until(lambda: client.account.trouble)
    await client.close()
    assert not [
        task for task in asyncio.all_tasks() if task.get_name() == "alldebrid account prober"
    ]
    waiting.cancel()


# By itself


class Remote:
    """What a prober asks, answered from lists."""

    def __init__(self):
        self.key = "one"
        self.probes = []
        self.verdicts = []
        self.probed = 0
        self.time = VirtualTime()
        self.account = Account(
            probe=self.probe,
            verify=self.verify,
            key=lambda: self.key,
            sleep=self.time.sleep,
            random=lambda: 0.5,
        )

    async def probe(self):
        self.probed += 1
        if self.probes and (failure := self.probes.pop(0)):
            raise failure

    async def verify(self, _):
        return Confirmation(self.verdicts.pop(0) if self.verdicts else Verdict.WAITING)

    async def fail(self, endpoint, error):
        with pytest.raises(type(error)):
            async with self.account.attempt(endpoint):
                raise error

    async def work(self, endpoint):
        async with self.account.attempt(endpoint):
            pass


@pytest.fixture
async def remote():
    remote = Remote()
    yield remote
    await remote.account.close()


async def test_a_probe_that_proves_nothing_is_repeated_within_a_minute(remote):
    remote.probes = [ApiError(errors.UNREACHABLE), ApiError("GENERIC"), None]
    await remote.fail("user", ApiError("AUTH_BAD_APIKEY"))
    await remote.time.advance(1799)
    assert remote.probed == 0
    await remote.time.advance(2)
    assert remote.probed == 1
    await remote.time.advance(2 * RETRY_INTERVAL)
    assert remote.probed == 3
    assert remote.account.trouble == ""


async def test_a_new_key_without_network_is_not_probed_in_a_loop(remote):
    remote.probes = [ApiError(errors.UNREACHABLE)] * 1000
    await remote.fail("user", ApiError("AUTH_BAD_APIKEY"))
    remote.key = "two"
    await remote.time.advance(10 * RETRY_INTERVAL)
    assert remote.probed <= 11


async def test_a_refusal_with_an_older_key_is_passed_over(remote):
    async def call():
        async with remote.account.attempt("user"):
            await remote.time.sleep(1)
            raise ApiError("AUTH_BAD_APIKEY")

    task = asyncio.create_task(call())
    await remote.time.settle()
    remote.key = "two"
    await remote.time.advance(2)
    with pytest.raises(ApiError):
        await task
    assert remote.account.trouble == ""
    assert remote.probed == 0


async def test_a_trial_that_is_cancelled_leaves_the_gate_shut_and_another_is_offered(remote):
    error = ApiError("NO_SERVER")
    assert errors.rule_of("NO_SERVER").proof is Proof.CALL
    await remote.fail("magnet/upload", error)

    async def never():
        async with remote.account.attempt("magnet/upload"):
            await asyncio.Event().wait()

    trial = asyncio.create_task(never())
    await remote.time.advance(3600)
    other = asyncio.create_task(remote.work("magnet/status"))
    await remote.time.settle()
    trial.cancel()
    await remote.time.settle()
    assert remote.account.trouble
    assert not other.done()
    again = asyncio.create_task(remote.work("magnet/upload"))
    await remote.time.advance(RETRY_INTERVAL)
    assert again.done()
    assert other.done()
    assert remote.account.trouble == ""


async def test_a_trial_that_its_only_candidate_gives_up_does_not_shut_the_gate_for_ever(remote):
    await remote.fail("magnet/upload", ApiError("NO_SERVER"))
    candidate = asyncio.create_task(remote.work("magnet/upload"))
    other = asyncio.create_task(remote.work("magnet/status"))
    announce = remote.account._announce

    def announce_and_cancel():
        announce()
        candidate.cancel()

    remote.account._announce = announce_and_cancel
    await remote.time.advance(3600)
    assert candidate.cancelled()
    assert not other.done()
    remote.account._announce = announce
    await remote.time.advance(RETRY_INTERVAL)
    assert other.done()
    assert remote.account.trouble == ""


async def test_only_one_call_goes_on_trial(remote):
    await remote.fail("link/unlock", ApiError("NO_SERVER"))
    tried = []

    async def call(number):
        async with remote.account.attempt("link/unlock"):
            tried.append(number)
            await remote.time.sleep(1)

    calls = [asyncio.create_task(call(number)) for number in range(5)]
    await remote.time.advance(3600)
    assert tried == [0]
    await remote.time.advance(2)
    assert sorted(tried) == list(range(5))
    await asyncio.gather(*calls)


async def test_trouble_may_become_another_one(remote):
    remote.probes = [ApiError("AUTH_USER_BANNED")]
    await remote.fail("user", ApiError("AUTH_BAD_APIKEY"))
    await remote.time.advance(1801)
    assert remote.account.code == "AUTH_USER_BANNED"
    remote.key = "two"
    await remote.time.advance(KEY_CHECK_INTERVAL)
    assert remote.account.trouble == ""


async def test_a_mail_that_is_not_about_the_key_in_force_is_not_followed(remote):
    await remote.fail("user", ApiError("AUTH_BLOCKED", token="t"))
    remote.key = "two"
    await remote.time.advance(KEY_CHECK_INTERVAL)
    assert remote.probed == 1
    assert remote.account.trouble == ""


async def test_a_bug_in_a_probe_does_not_shut_the_gate_for_ever(remote, caplog):
    remote.probes = [RuntimeError("oops"), None]
    await remote.fail("user", ApiError("MAINTENANCE"))
    await remote.time.advance(301)
    assert "probe_failed" in caplog.text
    await remote.time.advance(RETRY_INTERVAL + 300)
    assert remote.account.trouble == ""


async def test_errors_that_are_not_about_the_account_leave_the_gate_open(remote):
    for code, rule in errors.TABLE.items():
        if rule.treatment is not Treatment.ACCOUNT:
            await remote.fail("magnet/upload", ApiError(code))
            assert remote.account.trouble == ""


async def test_a_nudge_has_the_account_looked_at_within_seconds(remote):
    remote.probes = [ApiError("AUTH_BAD_APIKEY"), None]
    await remote.fail("user", ApiError("AUTH_BAD_APIKEY"))
    await remote.time.advance(300)
    remote.account.nudge()
    await remote.time.advance(KEY_CHECK_INTERVAL)
    assert remote.probed == 1
    await remote.time.advance(300)
    assert remote.probed == 1
    remote.account.nudge()
    await remote.time.advance(KEY_CHECK_INTERVAL)
    assert remote.probed == 2
    assert remote.account.trouble == ""


async def test_however_often_it_is_nudged_the_account_is_looked_at_once_a_minute(remote):
    remote.probes = [ApiError("AUTH_BAD_APIKEY")] * 1000
    await remote.fail("user", ApiError("AUTH_BAD_APIKEY"))
    for _ in range(600):
        remote.account.nudge()
        await remote.time.advance(1)
    assert 8 <= remote.probed <= 600 / NUDGE_INTERVAL


async def test_a_nudge_lets_the_refused_call_itself_try(remote):
    await remote.fail("magnet/upload", ApiError("NO_SERVER"))
    waiting = asyncio.create_task(remote.work("magnet/upload"))
    remote.account.nudge()
    await remote.time.advance(NUDGE_INTERVAL + KEY_CHECK_INTERVAL)
    assert waiting.done()
    assert remote.probed == 0
    assert remote.account.trouble == ""


async def test_a_nudge_brings_no_banned_account_back(remote):
    await remote.fail("user", ApiError("AUTH_USER_BANNED"))
    remote.account.nudge()
    await remote.time.advance(7200)
    assert remote.probed == 0


async def test_a_nudge_has_no_second_mail_sent(remote):
    remote.verdicts = [Verdict.EXPIRED]
    await remote.fail("user", ApiError("AUTH_BLOCKED", token="t"))
    await remote.time.advance(300)
    remote.account.nudge()
    await remote.time.advance(1800)
    assert remote.probed == 0


async def test_a_nudge_while_all_is_fine_is_forgotten(remote):
    remote.account.nudge()
    await remote.fail("user", ApiError("AUTH_BAD_APIKEY"))
    await remote.time.advance(600)
    assert remote.probed == 0
