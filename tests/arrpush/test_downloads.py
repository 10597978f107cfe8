"""What is read of queue and history, and what is done about a download."""

import pytest

from arrpush import downloads
from arrpush.arr import Arr, ArrTrouble, Trouble
from engine.http.exchange import Answer
from tests.fakes.arr import KEY, FakeArr

A, B = "ab" * 20, "cd" * 20


@pytest.fixture(params=[False, True], ids=["sonarr", "radarr"])
def fake(request):
    with FakeArr(radarr=request.param) as fake:
        yield fake


@pytest.fixture
def arr(fake):
    return Arr("Radarr" if fake.radarr else "Sonarr", fake.url, KEY)


async def test_the_records_of_a_download_are_found_on_every_page(fake, arr, monkeypatch):
    monkeypatch.setattr(downloads, "PAGE", 7)
    fake.grab(A, episodes=10)
    fake.grab(B, episodes=10)

    wanted = [one["id"] for one in fake.queue() if one["downloadId"] == B.upper()]
    assert await downloads.queued(arr, B) == wanted
    assert len(fake.asked) == 3


async def test_a_queue_of_whole_pages_is_read_once(fake, arr, monkeypatch):
    monkeypatch.setattr(downloads, "PAGE", 5)
    fake.grab(A, episodes=10)

    assert len(await downloads.queued(arr, A)) == 10
    assert len(fake.asked) == 2


async def test_what_belongs_to_nothing_in_the_library_is_found_too(fake, arr):
    fake.finds(A)

    assert len(await downloads.queued(arr, A)) == 1


async def test_a_record_without_a_download_is_no_trouble():
    async def exchange(*_, **__):
        body = b'{"totalRecords": 2, "records": [{"id": 1}, {"id": 2, "downloadId": null}]}'
        return Answer(200, {}, body)

    assert await downloads.queued(Arr("Sonarr", "http://s", KEY, exchange=exchange), A) == []


async def test_a_program_that_counts_wrong_does_not_keep_us(monkeypatch):
    monkeypatch.setattr(downloads, "MOST_PAGES", 3)
    asked = []

    async def exchange(_, url, **__):
        asked.append(url)
        return Answer(200, {}, b'{"totalRecords": 1000000, "records": [{"id": 1}]}')

    assert await downloads.queued(Arr("Sonarr", "http://s", KEY, exchange=exchange), A) == []
    assert len(asked) == 3


async def test_the_history_is_read_newest_first_and_of_this_download_only(fake, arr):
    fake.grab(A)
    fake.grab(B)
    fake.notes("downloadFailed", A)

    found = await downloads.history(arr, A)
    assert [one.event_type for one in found] == [downloads.FAILED, downloads.GRABBED]


async def test_a_program_that_does_not_filter_its_history_is_no_trouble():
    async def exchange(*_, **__):
        return Answer(
            200,
            {},
            b'{"records": [{"id": 2, "downloadId": "OTHER", "eventType": "grabbed"}, {"id": 1}]}',
        )

    assert await downloads.history(Arr("Sonarr", "http://s", KEY, exchange=exchange), A) == []


async def test_giving_a_season_pack_up_removes_all_of_it_and_searches_once(fake, arr):
    fake.grab(A, episodes=10)
    await downloads.give_up(arr, (await downloads.queued(arr, A))[0])

    assert fake.queue() == []
    assert (len(fake.blocklist), len(fake.searches)) == (1, 1)


async def test_a_grab_is_marked_as_failed(fake, arr):
    fake.grab(A)
    await downloads.mark_failed(arr, (await downloads.history(arr, A))[0].id)

    assert (len(fake.blocklist), len(fake.searches)) == (1, 1)


async def test_what_is_gone_is_unknown(arr):
    with pytest.raises(ArrTrouble) as caught:
        await downloads.give_up(arr, 4711)
    assert caught.value.trouble is Trouble.UNKNOWN


async def test_it_is_asked_to_look(fake, arr):
    await downloads.look(arr)

    assert fake.commands() == ["RefreshMonitoredDownloads"]
