"""The token of the webhook, where none is set."""

import re

import pytest

from api import arrpush_token
from api.arrpush_token import BadToken, kept, needed


@pytest.mark.parametrize(
    ("host", "asked"),
    [
        *(("127.0.0.1", False), ("127.3.2.1", False), ("::1", False), ("localhost", False)),
        *(("LocalHost.", False), ("0.0.0.0", True), ("::", True), ("192.168.1.5", True)),
        *(("nas", True), ("localhost.evil.example", True)),
    ],
)
def test_a_token_is_asked_for_where_others_than_this_machine_connect(host, asked):
    assert needed(host) is asked


def test_one_is_made_up_told_once_and_stays(tmp_path):
    told = []
    token = kept(tmp_path, told.append)
    again = kept(tmp_path, told.append)

    assert token == again
    assert re.fullmatch(r"[A-Za-z0-9_-]{32}", token)
    [text] = told
    assert text.count(token) == 1
    assert text.endswith(f"/arrpush?target=auto&apikey={token}")


def test_nobody_else_may_read_it(tmp_path):
    kept(tmp_path, len)

    assert (tmp_path / arrpush_token.FILE).stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == [arrpush_token.FILE]


def test_two_services_have_two_tokens(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()

    assert kept(tmp_path / "a", len) != kept(tmp_path / "b", len)


def test_one_that_was_cut_short_before_is_made_anew(tmp_path):
    (tmp_path / f"{arrpush_token.FILE}.new").write_text("cut")

    assert len(kept(tmp_path, len)) == 32


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 40, b"has a blank in the middle"])
def test_a_file_that_holds_none_is_named_and_nothing_of_it_told(tmp_path, content):
    (tmp_path / arrpush_token.FILE).write_bytes(content)
    with pytest.raises(BadToken, match="holds no token; accepted: 16 to 200") as caught:
        kept(tmp_path, len)

    assert str(tmp_path / arrpush_token.FILE) in str(caught.value)
    assert content.decode("latin-1") == "" or content.decode("latin-1") not in str(caught.value)


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(BadToken, match="set ARRPUSH_TOKEN"):
        kept(tmp_path / "missing", len)
