"""The door of the webhook: the token in any of its places, and nothing but the token."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.webhook.door import LONGEST, MOST_OFFERED, Door

TOKEN = "tok+en:with/signs%"
DOOR = Door(TOKEN)


def basic(pair):
    return b"Basic " + base64.b64encode(pair.encode())


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ([("apikey", TOKEN)], []),
        ([("token", TOKEN)], []),
        ([("ApiKey", TOKEN)], []),
        ([("apikey", TOKEN.replace("+", " "))], []),
        ([], [(b"x-api-key", TOKEN.encode())]),
        ([], [(b"authorization", b"Bearer " + TOKEN.encode())]),
        ([], [(b"authorization", b"bearer  " + TOKEN.encode())]),
        ([], [(b"authorization", basic(f"user:{TOKEN}"))]),
        ([], [(b"authorization", basic(f":{TOKEN}"))]),
        ([("apikey", "wrong"), ("apikey", TOKEN)], []),
        ([("apikey", "wrong")], [(b"x-api-key", TOKEN.encode())]),
        ([("apikey", "")], [(b"authorization", basic("a:b")), (b"x-api-key", TOKEN.encode())]),
    ],
)
def test_the_token_is_taken_in_any_of_its_places(query, headers):
    assert DOOR.admits(query, headers)


def test_the_token_may_be_the_user_of_a_url():
    assert Door("plain").admits([], [(b"authorization", basic("plain:"))])


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ([], []),
        ([("apikey", "")], [(b"x-api-key", b""), (b"authorization", b"Bearer")]),
        ([("key", TOKEN)], [(b"cookie", TOKEN.encode())]),
        ([("apikey", TOKEN[:-1])], [(b"x-api-key", TOKEN.encode() + b"x")]),
        ([("apikey", TOKEN.upper())], []),
        ([], [(b"authorization", TOKEN.encode())]),
        ([], [(b"authorization", b"Basic " + TOKEN.encode())]),
        ([], [(b"authorization", b"Digest " + TOKEN.encode())]),
    ],
)
def test_nothing_else_is(query, headers):
    assert not DOOR.admits(query, headers)


def test_without_a_token_everybody_may_pass():
    assert Door("").open
    assert Door("").admits([], [])
    assert Door("").admits([("apikey", "any")], [])
    assert not DOOR.open


def test_only_so_many_tokens_are_looked_at():
    wrong = [("apikey", "x")] * MOST_OFFERED
    assert not DOOR.admits([*wrong, ("apikey", TOKEN)], [])
    assert DOOR.admits([*wrong[1:], ("apikey", TOKEN)], [])


def test_a_token_that_nobody_could_use_is_refused():
    assert Door("x" * LONGEST).admits([("apikey", "x" * LONGEST)], [])
    with pytest.raises(ValueError, match="1024"):
        Door("x" * (LONGEST + 1))


def test_a_token_of_any_bytes_can_be_sent_as_such():
    """As the environment has them when they are no UTF-8."""
    token = b"\xfftoken".decode("utf-8", "surrogateescape")
    assert Door(token).admits([], [(b"x-api-key", b"\xfftoken")])


def test_nothing_of_the_token_is_in_what_is_kept():
    kept = repr(DOOR) + repr(vars(DOOR))
    assert TOKEN not in kept
    assert vars(Door(TOKEN)) != vars(DOOR)


texts = st.text(max_size=20)
headers = st.lists(
    st.tuples(
        st.sampled_from([b"x-api-key", b"authorization", b"host"]),
        st.binary(max_size=40)
        | st.binary(max_size=20).map(lambda raw: b"Basic " + base64.b64encode(raw))
        | st.binary(max_size=20).map(lambda raw: b"Basic " + raw),
    ),
    max_size=5,
)
queries = st.lists(st.tuples(st.sampled_from(["apikey", "token", "x"]) | texts, texts), max_size=5)


@given(texts.filter(bool), queries, headers)
def test_garbage_neither_passes_nor_raises(tail, query, given_headers):
    # Nothing that is drawn can hold as many of these.
    door = Door("token that nobody guesses" + tail)
    assert not door.admits(query, given_headers)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30), queries, headers)
def test_the_right_one_passes_whatever_else_there_is(token, query, given_headers):
    door = Door(token)
    assert door.admits([("apikey", token), *query], given_headers)
    assert door.admits(query[:1], [(b"x-api-key", token.encode()), *given_headers]) or (
        token.encode().strip() != token.encode()
    )
