import asyncio

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from engine.alldebrid.simulator.content import Counted
from engine.alldebrid.simulator.filehost import OutOfRange, Pace, requested, serve
from tests.fakes.virtual_time import FastTime

CONTENT = Counted(3_000_000, 1)
HUGE = Counted(10**12, 1)
"""More than any buffer on the way takes."""


@pytest.mark.parametrize(
    ("header", "size", "expected"),
    [
        (None, 10, None),
        ("", 10, None),
        ("bytes=0-0", 10, (0, 1)),
        ("bytes=2-5", 10, (2, 6)),
        ("bytes=2-", 10, (2, 10)),
        ("bytes=2-99", 10, (2, 10)),
        ("bytes=-3", 10, (7, 10)),
        ("bytes=-99", 10, (0, 10)),
        ("bytes = 1 - 2", 10, (1, 3)),
        ("bytes=5-2", 10, None),
        ("bytes=-", 10, None),
        ("bytes=0-1,3-4", 10, None),
        ("items=0-1", 10, None),
        ("bytes=a-b", 10, None),
    ],
)
def test_ranges(header, size, expected):
    assert requested(header, size) == expected


@pytest.mark.parametrize(("header", "size"), [("bytes=10-", 10), ("bytes=-0", 10), ("bytes=-5", 0)])
def test_ranges_behind_the_end(header, size):
    with pytest.raises(OutOfRange):
        requested(header, size)


@given(st.text(max_size=20) | st.from_regex(r"bytes=\d*-\d*", fullmatch=True), st.integers(0, 99))
def test_a_range_is_never_outside_of_the_content(header, size):
    try:
        part = requested(header, size)
    except OutOfRange:
        return
    if part is not None:
        assert 0 <= part[0] < part[1] <= size


@pytest.fixture
async def host():
    """Asks a real server for the content."""

    async def answer(request):
        return await serve(request, CONTENT, Pace(0))

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}") as session:
        yield session
    await runner.cleanup()


async def test_all_of_it(host):
    async with host.get("/") as response:
        assert response.status == 200
        assert response.headers["ETag"] == CONTENT.etag
        assert response.headers["Accept-Ranges"] == "bytes"
        assert response.content_type == "application/octet-stream"
        assert await response.read() == CONTENT.read(0, CONTENT.size)


async def test_a_part_of_it(host):
    async with host.get("/", headers={"Range": "bytes=1000000-1999999"}) as response:
        assert response.status == 206
        assert response.headers["Content-Range"] == "bytes 1000000-1999999/3000000"
        assert response.content_length == 1_000_000
        assert await response.read() == CONTENT.read(1_000_000, 2_000_000)


async def test_nothing_of_it(host):
    async with host.get("/", headers={"Range": "bytes=3000000-"}) as response:
        assert response.status == 416
        assert response.headers["Content-Range"] == "bytes */3000000"


@pytest.mark.parametrize(("tag", "status"), [(CONTENT.etag, 206), ('"other"', 200)])
async def test_a_part_only_of_the_same_content(host, tag, status):
    async with host.get("/", headers={"Range": "bytes=0-9", "If-Range": tag}) as response:
        assert response.status == status


async def test_only_the_head(host):
    async with host.head("/") as response:
        assert (response.status, response.content_length) == (200, 3_000_000)
        assert await response.read() == b""


async def test_somebody_who_hangs_up_ends_the_answer_quietly():
    ended = asyncio.Event()

    async def answer(request):
        response = await serve(request, HUGE, Pace(0))
        ended.set()
        return response

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with (
        aiohttp.ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}") as session,
        session.get("/") as response,
    ):
        assert await response.content.readexactly(10) == HUGE.read(0, 10)
        response.close()
        async with asyncio.timeout(10):
            await ended.wait()
    await runner.cleanup()


async def test_the_speed_limit_is_shared():
    time = FastTime(0.0)
    pace = Pace(100.0, clock=time.clock, sleep=time.sleep)
    assert "100" in repr(pace)
    for _ in range(5):
        await pace.spend(100)
    assert time.clock() == 4.0
    time.now = 100.0
    await pace.spend(100)
    assert time.clock() == 100.0


async def test_no_limit_never_waits():
    time = FastTime()
    pace = Pace(0, clock=time.clock, sleep=time.sleep)
    await pace.spend(10**12)
    assert time.slept == []
