import contextlib
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.alldebrid import errors, wire
from engine.alldebrid.errors import ApiError, Treatment
from engine.alldebrid.values import Verdict
from engine.alldebrid.wire import Change
from tests.fakes.any_json import JSON

HASH = "A1" * 20
OBJECTS = st.dictionaries(st.text(max_size=4), JSON, max_size=4)


def answered(status, payload, retry_after=None):
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return wire.data_of(status, body, retry_after)


def refused(status, payload, retry_after=None) -> ApiError:
    with pytest.raises(ApiError) as caught:
        answered(status, payload, retry_after)
    return caught.value


def test_success_gives_the_data():
    assert answered(200, {"status": "success", "data": {"a": 1}, "demo": "true"}) == {"a": 1}
    assert answered(200, {"status": "success", "data": [], "deprecated": True}) == {}
    assert answered(200, {"status": "success"}) == {}


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (200, errors.GARBLED),
        (429, errors.RATE_LIMITED),
        (503, errors.RATE_LIMITED),
        (404, "404"),
        (302, errors.SERVER_TROUBLE),
        (401, errors.SERVER_TROUBLE),
        (500, errors.SERVER_TROUBLE),
        (502, errors.SERVER_TROUBLE),
        (504, errors.SERVER_TROUBLE),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"data":{}}', b"\xff\xfe", b"nul"])
def test_without_an_envelope_the_http_status_counts(status, code, body):
    assert refused(status, body).code == code


@pytest.mark.parametrize("status", [200, 401, 429, 500, 503])
@pytest.mark.parametrize("code", ["AUTH_BAD_APIKEY", "LINK_DOWN", "MAINTENANCE"])
def test_with_an_envelope_the_code_counts(status, code):
    error = refused(status, {"status": "error", "error": {"code": code, "message": "x"}})
    assert error.code == code


@pytest.mark.parametrize(("status", "code"), [(429, errors.RATE_LIMITED), (200, "SLOW_DOWN")])
def test_an_unknown_code_gives_way_to_the_http_status_of_a_rate_limit(status, code):
    assert refused(status, {"status": "error", "error": {"code": "SLOW_DOWN"}}).code == code


def test_an_error_without_a_code_is_a_general_one():
    assert refused(200, {"status": "error"}).code == "GENERIC"
    assert refused(200, {"status": "error", "error": []}).code == "GENERIC"


def test_a_numeric_code_is_read():
    assert refused(404, {"status": "error", "error": {"code": 404}}).code == "404"


def test_retry_after_is_passed_on():
    assert refused(503, b"", 12.0).retry_after == 12.0


def test_only_a_block_has_a_token():
    error = {"code": "AUTH_BLOCKED", "token": "t"}
    assert refused(200, {"status": "error", "error": error}).token == "t"
    error = {"code": "LINK_DOWN", "token": "t"}
    assert refused(200, {"status": "error", "error": error}).token == ""


@given(st.integers(100, 599), st.binary(max_size=60))
def test_any_bytes_are_an_answer_or_an_api_error(status, body):
    with contextlib.suppress(ApiError):
        assert isinstance(wire.data_of(status, body, None), dict)


@given(OBJECTS)
def test_any_data_is_read_or_an_api_error(data):
    for read in (
        lambda: wire.uploaded(data, "magnets", HASH),
        lambda: wire.statuses(data),
        lambda: wire.status_of(data, 1),
        lambda: wire.trees(data, [1, 2]),
        lambda: wire.unlocked(data),
        lambda: wire.delayed_link(data),
        lambda: wire.user(data),
        lambda: wire.confirmation(data),
        lambda: wire.done(data),
    ):
        with contextlib.suppress(ApiError):
            read()


@given(
    st.sampled_from(["magnets", "files", "user", "link"]),
    st.lists(
        st.dictionaries(
            st.sampled_from(["id", "error", "files", "statusCode", "hash", "size", "n", "e"]), JSON
        )
    ),
)
def test_any_items_are_read_or_an_api_error(key, items):
    test_any_data_is_read_or_an_api_error.hypothesis.inner_test({key: items})


def test_an_upload_may_lack_nearly_everything():
    data = {"magnets": [{"magnet": "x", "id": None, "hash": None, "size": "12", "ready": "true"}]}
    uploaded = wire.uploaded(data, "magnets", HASH)
    assert (uploaded.id, uploaded.hash, uploaded.name) == (0, HASH.lower(), "")
    assert (uploaded.size, uploaded.ready) == (12, True)


def test_a_hash_that_is_none_gives_way_to_the_callers():
    data = {"magnets": [{"id": 1, "hash": "short"}]}
    assert wire.uploaded(data, "magnets", HASH).hash == HASH.lower()


def test_changes_mention_only_what_the_answer_does():
    data = {
        "counter": 7,
        "magnets": [{"id": 5, "downloaded": 258879224, "downloadSpeed": 20587738, "size": None}],
    }
    answer = wire.statuses(data)
    assert answer.changes == (Change(5, downloaded=258879224, speed=20587738),)
    assert (answer.counter, answer.full) == (7, False)


def test_a_full_sync_says_so_and_a_list_without_a_counter_is_one():
    assert wire.statuses({"counter": 1, "fullsync": True, "magnets": []}).full
    assert wire.statuses({"counter": "3", "fullsync": "true", "magnets": []}).full
    assert wire.statuses({"magnets": []}).full


def test_items_without_an_id_are_left_out():
    assert wire.statuses({"magnets": [{"statusCode": 1}, {"id": "x"}, None]}).changes == ()


def test_a_status_of_ready_lacks_the_progress():
    data = {"magnets": {"id": "5", "statusCode": 4, "status": "Ready", "hash": HASH}}
    status = wire.status_of(data, 5)
    assert (status.hash, status.downloaded, status.progress) == (HASH.lower(), 0, 1.0)


def test_a_status_without_an_id_is_the_one_asked_for():
    assert wire.status_of({"magnets": [{"statusCode": 2}]}, 5).id == 5


def test_an_error_inside_a_status_is_raised():
    data = {"magnets": [{"id": 5, "error": {"code": "MAGNET_INVALID_ID"}}]}
    with pytest.raises(ApiError) as caught:
        wire.status_of(data, 5)
    assert caught.value.treatment is Treatment.GONE


def test_a_tree_may_lack_the_id_if_only_one_was_asked_for():
    files = [{"n": "a", "s": 1, "l": "x"}]
    assert wire.trees({"magnets": [{"files": files}]}, [5])[5]
    found = wire.trees({"magnets": [{"files": files}]}, [5, 6])
    assert [error.code for error in found.values()] == [errors.NO_FILES] * 2


def test_account_trouble_of_one_tree_concerns_all():
    data = {"magnets": [{"id": 5, "error": {"code": "NO_SERVER"}}]}
    with pytest.raises(ApiError):
        wire.trees(data, [5])


@pytest.mark.parametrize("path", [[{"n": "D", "e": []}], "", None])
def test_an_unlocked_link_is_read_whatever_else_is_there(path):
    data = {"link": " https://x.example/dl ", "filesize": "7", "max_chunks": 3, "path": path}
    found = wire.unlocked(data)
    assert (found.unlocked.url, found.unlocked.size) == ("https://x.example/dl", 7)
    assert (found.unlocked.max_connections, found.delayed) == (3, 0)


def test_a_link_that_is_there_needs_no_waiting():
    assert wire.unlocked({"link": "https://x.example", "delayed": 5}).delayed == 0
    assert wire.unlocked({"link": "", "delayed": "5"}).delayed == 5


def test_a_delayed_link_works_is_ready_or_failed():
    assert wire.delayed_link({"status": 1, "time_left": 20}) == ""
    assert wire.delayed_link({"status": "2", "link": "http://x.example"}) == "http://x.example"
    for data, code in (
        ({"status": 3}, errors.DELAYED_FAILED),
        ({"status": 2}, errors.NO_LINK),
    ):
        with pytest.raises(ApiError) as caught:
            wire.delayed_link(data)
        assert caught.value.code == code


def test_the_account_is_read_with_a_date_as_text():
    user = wire.user({"user": {"username": "u", "isPremium": True, "premiumUntil": "1800000000"}})
    assert (user.username, user.premium, user.trial) == ("u", True, False)
    assert user.premium_until == 1_800_000_000


def test_the_answer_to_the_mail_is_read_and_its_key_hidden():
    found = wire.confirmation({"verif": "allowed", "apikey": "marked-key"})
    assert (found.verdict, found.key) == (Verdict.ALLOWED, "marked-key")
    assert "marked" not in repr(found)
    assert wire.confirmation({"verif": "denied"}).verdict is Verdict.DENIED
    assert wire.confirmation({"verif": "something new"}).verdict is Verdict.WAITING


def test_a_change_knows_what_was_not_mentioned():
    assert Change(1).name is msgspec.UNSET
