import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.alldebrid.simulator.account import (
    Held,
    HeldFile,
    Refused,
    SimulatedAccount,
    staged,
)
from engine.alldebrid.simulator.content import Fixed
from engine.alldebrid.simulator.torrent import Named
from tests.fakes.clock import Clock

HASH = "a1" * 20
HELD = Held(
    HASH,
    "A",
    (
        HeldFile(("A", "x", "a.mkv"), Fixed(b"x" * 900)),
        HeldFile(("A", "b.nfo"), Fixed(b"y" * 100)),
        HeldFile(("c",), Fixed(b"")),
    ),
)


@pytest.fixture
def clock():
    return Clock(50.0)


@pytest.fixture
def account(clock):
    account = SimulatedAccount(seconds=10, clock=clock, max_active=2)
    account.library[HASH] = HELD
    return account


def test_a_torrent_queues_downloads_and_is_ready(account, clock):
    magnet = account.add(Named(HASH))
    seen = []
    for _ in range(11):
        status = account.status(magnet)
        seen.append((status["statusCode"], status.get("downloaded")))
        clock.now += 1
    assert seen == [
        (0, 0),
        (0, 0),
        (1, 0),
        (1, 125),
        (1, 250),
        (1, 375),
        (1, 500),
        (1, 625),
        (1, 750),
        (1, 875),
        (4, None),
    ]


def test_a_torrent_nobody_shares_finds_no_peer(account, clock):
    magnet = account.add(Named("b2" * 20, "B"))
    assert account.status(magnet)["statusCode"] == 0
    clock.now += 2
    status = account.status(magnet)
    assert (status["statusCode"], status["filename"], status["size"]) == (15, "B", 0)


@given(st.floats(0, 100), st.floats(0, 50), st.integers(0, 10**12), st.booleans())
def test_progress_never_leaves_its_bounds(elapsed, seconds, size, shared):
    stage = staged(elapsed, seconds, size, shared=shared)
    assert 0 <= stage.fraction <= 1
    assert stage.speed >= 0


def test_adding_again_is_the_same_torrent_and_ids_are_not_used_twice(account):
    magnet = account.add(Named(HASH))
    assert account.add(Named(HASH)) is magnet
    del account.magnets[magnet.id]
    assert account.add(Named(HASH)).id != magnet.id


def test_so_many_may_be_active_and_ready_ones_do_not_count(account, clock):
    account.add(Named(HASH))
    account.add(Named("b2" * 20))
    with pytest.raises(Refused) as caught:
        account.add(Named("c3" * 20))
    assert caught.value.code == "MAGNET_TOO_MANY_ACTIVE"
    clock.now += 10
    assert account.add(Named("c3" * 20)).id


def test_only_failed_torrents_are_restarted(account, clock):
    magnet = account.add(Named("b2" * 20))
    with pytest.raises(Refused) as caught:
        account.restart(magnet)
    assert caught.value.code == "MAGNET_PROCESSING"
    clock.now += 5
    account.restart(magnet)
    assert account.status(magnet)["statusCode"] == 0


@pytest.mark.parametrize("magnet_id", ["", "x", "-1", "99"])
def test_an_unknown_id_is_refused(account, magnet_id):
    with pytest.raises(Refused) as caught:
        account.find(magnet_id)
    assert caught.value.code == "MAGNET_INVALID_ID"


def test_the_tree_is_empty_until_ready_and_then_nested(account, clock):
    magnet = account.add(Named(HASH))
    assert account.tree(magnet) == []
    clock.now += 10
    top, single = account.tree(magnet)
    assert top["n"] == "A"
    assert [node["n"] for node in top["e"]] == ["x", "b.nfo"]
    assert top["e"][0]["e"] == [{"n": "a.mkv", "s": 900, "l": HELD.link(0)}]
    assert single["n"] == "c"


def test_live_mode_sends_what_changed(account, clock):
    magnet = account.add(Named(HASH))
    first = account.live("s", "0")
    assert (first["counter"], first["fullsync"], len(first["magnets"])) == (1, True, 1)
    assert account.live("s", "1") == {"counter": 2, "magnets": []}
    clock.now += 6
    answer = account.live("s", "2")
    assert answer["counter"] == 3
    assert set(answer["magnets"][0]) == {
        "id",
        "status",
        "statusCode",
        "downloaded",
        "downloadSpeed",
        "seeders",
    }
    assert answer["magnets"][0]["id"] == magnet.id


def test_live_mode_starts_again_when_the_counter_is_out_of_step(account):
    account.add(Named(HASH))
    account.live("s", "0")
    account.live("s", "1")
    again = account.live("s", "1")
    assert (again["counter"], again["fullsync"]) == (1, True)
    assert account.live("s", "1")["magnets"] == []
    assert account.live("other", "1")["fullsync"]


def test_live_mode_does_not_tell_of_deleted_torrents(account):
    magnet = account.add(Named(HASH))
    account.live("s", "0")
    del account.magnets[magnet.id]
    assert account.live("s", "1")["magnets"] == []
    assert account.live("t", "0")["magnets"] == []


def test_page_links_lead_to_files(account):
    assert account.file_of(HELD.link(1)) is HELD.files[1]


@pytest.mark.parametrize(
    ("link", "code"),
    [
        ("", "LINK_IS_MISSING"),
        ("https://1fichier.example/x", "LINK_HOST_NOT_SUPPORTED"),
        ("https://alldebrid.com/f/none", "LINK_DOWN"),
    ],
)
def test_other_links_are_refused(account, link, code):
    with pytest.raises(Refused) as caught:
        account.file_of(link)
    assert caught.value.code == code
    assert caught.value.error()["code"] == code


def test_repr_counts(account):
    account.add(Named(HASH))
    assert repr(account) == "<SimulatedAccount magnets=1 library=1>"
