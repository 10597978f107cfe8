"""The simulated API over real HTTP."""

import aiohttp
import pytest
from aiohttp import web

from engine.alldebrid.simulator.app import Simulator
from engine.alldebrid.simulator.sample import sample
from tests.fakes.clock import Clock

KEY = {"Authorization": "Bearer anything"}


@pytest.fixture
def clock():
    return Clock(50.0)


@pytest.fixture
async def api(clock):
    simulator = Simulator(seconds=10, clock=clock)
    simulator.hold(sample().held)
    assert "library=1" in repr(simulator)
    runner = web.AppRunner(simulator.app())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with aiohttp.ClientSession(base, headers=KEY) as session:
        yield session
    await runner.cleanup()


async def post(api, path, **form):
    data = [(name, item) for name, value in form.items() for item in value.split(",")]
    async with api.post(path, data=aiohttp.FormData(data) if data else None) as response:
        answer = await response.json()
    return answer["data"] if answer["status"] == "success" else answer["error"]["code"]


async def test_ping_needs_no_key_and_the_rest_does(api):
    async with api.get("/v4/ping", headers={"Authorization": ""}) as response:
        assert (await response.json())["data"] == {"ping": "pong"}
    async with api.get("/v4/user", headers={"Authorization": ""}) as response:
        assert (await response.json())["error"]["code"] == "AUTH_MISSING_APIKEY"
    async with api.get("/v4/user") as response:
        assert (await response.json())["data"]["user"]["username"] == "simulated"


@pytest.mark.parametrize("path", ["/v4/magnet/instant", "/v4.1/nothing/here", "/v4/user"])
async def test_an_unknown_endpoint_is_404_in_both_ways(api, path):
    async with api.post(path) as response:
        assert response.status == 404
        assert (await response.json())["error"]["code"] == "404"


async def test_the_old_status_is_discontinued(api):
    assert await post(api, "/v4/magnet/status") == "DISCONTINUED"


async def test_the_sample_goes_all_the_way(api, clock):
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("files[]", sample().torrent, filename="a.torrent")
    async with api.post("/v4/magnet/upload/file", data=form) as response:
        added = (await response.json())["data"]["files"][0]
    assert (added["hash"], added["ready"]) == (sample().infohash, False)
    magnet_id = str(added["id"])
    assert (await post(api, "/v4/magnet/files", **{"id[]": magnet_id}))["magnets"][0]["files"] == []
    clock.now += 10
    magnets = (await post(api, "/v4.1/magnet/status", id=magnet_id))["magnets"]
    assert magnets[0]["statusCode"] == 4
    tree = (await post(api, "/v4/magnet/files", **{"id[]": magnet_id}))["magnets"][0]["files"]
    nfo = tree[0]["e"][1]["e"][0]
    unlocked = await post(api, "/v4/link/unlock", link=nfo["l"])
    assert (unlocked["filename"], unlocked["filesize"]) == (nfo["n"], nfo["s"])
    async with api.get(unlocked["link"]) as response:
        assert await response.read() == sample().held.files[1].content.read(0, nfo["s"])
    video = await post(api, "/v4/link/unlock", link=tree[0]["e"][0]["l"])
    async with api.get(video["link"], headers={"Range": "bytes=1000-1999"}) as response:
        assert response.status == 206
        assert await response.read() == sample().held.files[0].content.read(1000, 2000)
    assert "deleted" in (await post(api, "/v4/magnet/delete", id=magnet_id))["message"]
    assert await post(api, "/v4/magnet/delete", id=magnet_id) == "MAGNET_INVALID_ID"


async def test_uploads_fail_each_by_itself(api):
    found = await post(api, "/v4/magnet/upload", **{"magnets[]": f"{sample().infohash},nonsense"})
    good, bad = found["magnets"]
    assert good["id"]
    assert bad["error"]["code"] == "MAGNET_INVALID_URI"
    assert await post(api, "/v4/magnet/upload") == "MAGNET_NO_URI"
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("files[0]", b"nonsense", filename="a.torrent")
    async with api.post("/v4/magnet/upload/file", data=form) as response:
        item = (await response.json())["data"]["files"][0]
    assert item["error"]["code"] == "MAGNET_INVALID_FILE"


async def test_the_thirty_first_active_torrent_has_no_room(api):
    hashes = ",".join(f"{number:040x}" for number in range(31))
    found = (await post(api, "/v4/magnet/upload", **{"magnets[]": hashes}))["magnets"]
    assert [("error" in item) for item in found] == [False] * 30 + [True]


async def test_files_of_an_unknown_torrent_are_its_own_error(api):
    found = await post(api, "/v4/magnet/files", **{"id[]": "1"})
    assert found["magnets"][0]["error"]["code"] == "MAGNET_INVALID_ID"


async def test_lists_can_be_filtered_and_live(api, clock):
    await post(api, "/v4/magnet/upload", **{"magnets[]": f"{sample().infohash},{'b2' * 20}"})
    clock.now += 10
    for word, codes in {
        "active": [],
        "ready": [4],
        "error": [15],
        "expired": [],
        "": [4, 15],
    }.items():
        found = await post(api, "/v4.1/magnet/status", status=word)
        assert [item["statusCode"] for item in found["magnets"]] == codes
    found = await post(api, "/v4.1/magnet/status", session="5", counter="0")
    assert found["fullsync"]
    found = await post(api, "/v4.1/magnet/status", session="5", counter="1")
    assert found == {"counter": 2, "magnets": []}


async def test_a_failed_torrent_can_be_restarted(api, clock):
    found = await post(api, "/v4/magnet/upload", **{"magnets[]": "b2" * 20})
    magnet_id = str(found["magnets"][0]["id"])
    assert await post(api, "/v4/magnet/restart", id=magnet_id) == "MAGNET_PROCESSING"
    clock.now += 10
    assert "restarted" in (await post(api, "/v4/magnet/restart", id=magnet_id))["message"]


@pytest.mark.parametrize("path", ["/dl/none/x", "/dl/none"])
async def test_a_link_that_was_never_given_is_none(api, path):
    async with api.get(path) as response:
        assert response.status == 404


async def test_nothing_is_ever_delayed(api):
    assert await post(api, "/v4/link/delayed", id="1") == "DELAYED_INVALID_ID"
