"""Asking a program: what goes out, what comes back, and what each kind of trouble is called."""

import pytest

from arrpush.arr import LONG_TIMEOUT, Arr, ArrTrouble, Trouble
from arrpush.downloads import QueuePage
from engine.http.exchange import NOT_TRUSTED, TIMEOUT, Answer, HttpTrouble
from tests.fakes.arr import KEY, FakeArr


@pytest.fixture
def fake():
    with FakeArr() as fake:
        yield fake


def client(fake, **more):
    return Arr("Sonarr", fake.url, KEY, **more)


async def trouble(arr):
    with pytest.raises(ArrTrouble) as caught:
        await arr.get("/queue", QueuePage)
    assert KEY not in str(caught.value) + repr(caught.value)
    assert "127.0.0.1" not in str(caught.value)
    assert caught.value.__cause__ is None
    return caught.value


def answering(status=200, body=b"{}", **headers):
    """An exchange that gives this answer."""

    async def exchange(*_, **__):
        return Answer(status, {"content-type": "application/json", **headers}, body)

    return Arr("Sonarr", "http://sonarr:8989", KEY, exchange=exchange)


def failing(kind):
    async def exchange(*_, **__):
        raise HttpTrouble(kind, "in some way")

    return Arr("Sonarr", "http://sonarr:8989", KEY, exchange=exchange)


@pytest.mark.parametrize("url_base", ["", "/sonarr", "/media/sonarr"])
async def test_the_url_base_is_honoured(url_base):
    with FakeArr(url_base=url_base) as fake:
        for url in (fake.url, f"{fake.url}/"):
            page = await Arr("Sonarr", url, KEY).get("/queue", QueuePage, page=2, pageSize=7)
            assert page == QueuePage(records=[])
    assert [(one.path, one.query) for one in fake.asked] == [
        ("/queue", {"page": "2", "pageSize": "7"})
    ] * 2


async def test_answers_are_typed_and_what_is_not_needed_is_ignored(fake):
    fake.grab("ab" * 20)
    page = await client(fake).get("/queue", QueuePage)

    assert [one.download_id for one in page.records] == ["AB" * 20]


async def test_what_is_posted_is_json(fake):
    arr = client(fake)
    answer = await arr.post("/command", {"name": "RefreshMonitoredDownloads"})

    assert fake.asked[0].body == {"name": "RefreshMonitoredDownloads"}
    assert arr.read(answer, dict[str, object])["name"] == "RefreshMonitoredDownloads"


async def test_booleans_are_written_as_they_are_read_there(fake):
    fake.grab("ab" * 20)
    await client(fake).delete(
        f"/queue/{fake.queue()[0]['id']}", blocklist=True, skipRedownload=False
    )

    assert fake.asked[0].query == {"blocklist": "true", "skipRedownload": "false"}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Trouble.REFUSED),
        (401, Trouble.KEY),
        (403, Trouble.KEY),
        (404, Trouble.UNKNOWN),
        (405, Trouble.REFUSED),
        (408, Trouble.DOWN),
        (429, Trouble.DOWN),
        (500, Trouble.DOWN),
        (502, Trouble.DOWN),
        (503, Trouble.DOWN),
        (301, Trouble.ADDRESS),
        (307, Trouble.ADDRESS),
    ],
)
async def test_each_status_is_a_kind_of_trouble(fake, status, kind):
    fake.statuses = [status]
    problem = await trouble(client(fake))

    assert (problem.trouble, problem.status) == (kind, status)


async def test_a_wrong_key_is_named_by_its_setting(fake):
    fake.key = "another"

    assert str(await trouble(client(fake))) == "Sonarr does not accept SONARR_API_KEY (HTTP 401)"


async def test_a_missing_url_base_is_asked_for():
    with FakeArr(url_base="/sonarr") as fake:
        problem = await trouble(Arr("Sonarr", fake.url.removesuffix("/sonarr"), KEY))

    assert problem.trouble is Trouble.ADDRESS
    assert "URL base" in str(problem)


async def test_a_page_where_the_api_should_be_is_a_wrong_address():
    arr = answering(404, b"<!doctype html>", **{"content-type": "text/html"})
    assert (await trouble(arr)).trouble is Trouble.ADDRESS


@pytest.mark.parametrize("body", [b"", b"<!doctype html>", b"[]", b'{"records": 1}', b"\xff"])
async def test_what_is_no_answer_of_the_api_is_a_wrong_address(body):
    problem = await trouble(answering(200, body))

    assert problem.trouble is Trouble.ADDRESS
    assert problem.body == body


async def test_how_long_it_wants_to_be_left_alone_is_told():
    arr = answering(503, b"", **{"retry-after": "120"})

    assert (await trouble(arr)).retry_after == 120.0


async def test_nobody_there_is_down(fake):
    fake.down = True
    assert (await trouble(client(fake))).trouble is Trouble.DOWN
    assert (await trouble(Arr("Sonarr", "http://127.0.0.1:1", KEY))).trouble is Trouble.DOWN
    assert (await trouble(failing(TIMEOUT))).trouble is Trouble.DOWN


async def test_a_wrong_certificate_is_for_the_user():
    assert (await trouble(failing(NOT_TRUSTED))).trouble is Trouble.ADDRESS


async def test_no_repr_shows_a_secret(fake):
    assert repr(client(fake)) == "<Arr Sonarr>"


async def test_a_key_that_changes_is_looked_up_for_every_question(fake):
    key = "not-the-key-000000000"
    arr = Arr("Sonarr", fake.url, lambda: key)
    assert (await trouble(arr)).trouble is Trouble.KEY
    assert arr.key_refused == key
    key = KEY
    await arr.get("/queue", QueuePage)

    assert (arr.key(), arr.key_refused) == (KEY, "")


async def test_a_push_has_the_time_for_all_that_the_program_does_before_it_answers():
    given = {}

    async def exchange(*_, **options):
        given.update(options)
        return Answer(200, {}, b"[]")

    await Arr("Sonarr", "http://sonarr:8989", KEY, exchange=exchange).push({"title": "A"})

    assert given["timeout"] == LONG_TIMEOUT > 100
    assert given["content"] == b'{"title":"A"}'
