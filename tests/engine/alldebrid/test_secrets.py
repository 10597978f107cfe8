"""Keys, tokens and links are in no log, no exception and no repr."""

import asyncio
import logging
import traceback

import pytest

from engine.alldebrid.client import AllDebrid, Settings
from engine.alldebrid.errors import ApiError
from engine.alldebrid.links import LinkCache
from engine.alldebrid.poller import Poller
from tests.fakes.alldebrid import KEY, FakeAllDebrid
from tests.fakes.links import MemoryLinks
from tests.fakes.virtual_time import FastTime

HASH = "a1" * 20
TOKEN = "marked-token-55d0"
NEW_KEY = "marked-new-key-81aa"
PASSKEY = "marked-passkey-20f7"
MAGNET = f"magnet:?xt=urn:btih:{HASH}&tr=http://tracker.example/{PASSKEY}/announce"
MARKS = (KEY, TOKEN, NEW_KEY, PASSKEY, "marked-link")


@pytest.fixture
def fake():
    with FakeAllDebrid() as fake:
        yield fake


def text_of(error: BaseException) -> str:
    return (
        "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error) | {"token": ""})
    )


async def test_nothing_secret_is_said_while_everything_goes_wrong(fake, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    time = FastTime()
    client = AllDebrid(
        lambda: KEY,
        Settings(base_url=fake.url),
        on_new_key=lambda _: None,
        clock=time.clock,
        sleep=time.sleep,
    )
    said: list[str] = []
    fake.hold(HASH, "A", {"a.mkv": 5}, file_host=lambda _: "http://x.example/marked-link")
    uploaded = await client.upload_magnet(MAGNET)
    link = (await client.files([uploaded.id]))[uploaded.id][0].link
    said.append(repr(await client.unlock(link)))
    keeper = MemoryLinks()
    cache = LinkCache(client.unlock, keeper)
    await cache.get(link)
    said += [repr(cache), repr(keeper), repr(await keeper.get(link))]
    said += [repr(client), repr(client.account), repr(Poller(client))]
    for message in (f"bad key {KEY}", f"see {MAGNET}", "see https://x.example/marked-link"):
        fake.answers_error("magnet/upload", "NEW_CODE", message=message, times=3)
        with pytest.raises(ApiError) as caught:
            await client.upload_magnet(MAGNET)
        said.append(text_of(caught.value))
    with fake.goes_down(), pytest.raises(ApiError) as caught:
        await client.upload_magnet(MAGNET)
    said.append(text_of(caught.value))
    fake.blocks_account(token=TOKEN)
    waiting = asyncio.create_task(client.statuses())
    async with asyncio.timeout(5):
        while not fake.count("user/verif"):  # noqa: ASYNC110 - the fake is in another thread
            await asyncio.sleep(0.001)
    said += [client.account.trouble, repr(client)]
    fake.approves_account(new_key=NEW_KEY)
    await waiting
    await client.close()
    said.append(caplog.text)
    said += capfd.readouterr()
    for mark in MARKS:
        assert mark not in "\n".join(said)


async def test_the_key_goes_into_the_header_only(fake):
    client = AllDebrid(lambda: KEY, Settings(base_url=fake.url))
    await client.statuses()
    await client.upload_magnet(MAGNET)
    await client.close()
    for seen in fake.requests:
        assert seen.key == "ok"
        assert KEY not in repr(seen)


async def test_the_key_is_not_sent_to_where_a_redirect_points(fake):
    with FakeAllDebrid() as elsewhere:
        client = AllDebrid(lambda: KEY, Settings(base_url=fake.url, patience=0))
        mood = fake.answers_raw("", status=302)
        mood.headers["Location"] = f"{elsewhere.url}/v4/user"
        with pytest.raises(ApiError):
            async with asyncio.timeout(10):
                await client.user()
        await client.close()
        assert elsewhere.requests == []
