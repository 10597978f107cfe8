"""How the releases of Sonarr and its relatives get in, and stay in."""

import pytest

from api.qbittorrent.app import create_app
from api.qbittorrent.context import ApiConfig
from api.qbittorrent.login import Login
from api.qbittorrent.sessions import LIFETIME
from tests.fakes.clock import Clock
from tests.fakes.sonarr_http import RELEASES, SONARR_4_0_17_2967, SONARR_4_0_19, SonarrHttp
from tests.fakes.sonarr_program import AuthenticationFailed, Failure, Grab, Settings, Sonarr

USER, PASSWORD = "user", "pä ss&+%"
MAGNET = f"magnet:?xt=urn:btih:{'ab' * 20}&dn=Show&tr=http%3A%2F%2Ft.example"
REFUSED = [Failure("Username", "Authentication Failure")]


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def make(server, torrents, clock):
    """Make a program at an API with a password."""
    config = ApiConfig(login=Login.of(USER, PASSWORD))
    server.app = create_app(torrents, config, session_clock=clock)

    def made(username=USER, password=PASSWORD, **how):
        return Sonarr(SonarrHttp(server.port, username, password, **how), Settings())

    return made


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.agent)
def test_every_release_passes_its_test_grabs_and_polls(make, release):
    sonarr = make(release=release)
    assert sonarr.test() == []
    assert sonarr.grab_magnet(MAGNET) is Grab.GRABBED
    assert len(sonarr.poll()) == 1
    sonarr.remove("AB" * 20)
    assert sonarr.poll() == []


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.agent)
def test_without_a_password_no_release_ever_logs_in(server, torrents, release):
    server.app = create_app(torrents, ApiConfig())
    http = SonarrHttp(server.port, release=release)
    sonarr = Sonarr(http, Settings())
    assert sonarr.test() == []
    assert sonarr.grab_magnet(MAGNET) is Grab.GRABBED
    assert http.logins == 0


def test_one_login_is_enough_for_a_release_that_keeps_its_cookie(make):
    sonarr = make()
    sonarr.test()
    for _ in range(20):
        sonarr.poll()
    assert sonarr.http.logins == 1


def test_a_release_that_logs_in_for_every_call_is_never_turned_away(make):
    """Its logins are right, so nothing counts them, and their sessions do not pile up."""
    sonarr, other = make(release=SONARR_4_0_17_2967), make()
    other.test()
    for _ in range(30):
        sonarr.poll()
    assert sonarr.http.logins > 90
    other.poll()
    assert other.http.logins == 1


def test_a_session_that_ran_out_costs_one_more_login_and_nothing_else(make, clock, torrents):
    sonarr = make()
    sonarr.test()
    clock.now += LIFETIME + 1
    assert sonarr.grab_magnet(MAGNET) is Grab.GRABBED
    assert sonarr.http.logins == 2
    assert len(torrents.views()) == 1


def test_a_grab_that_is_posted_twice_adds_one_torrent(make, torrents):
    """After a 403 the same form is sent again."""
    sonarr = make(release=SONARR_4_0_17_2967)
    assert sonarr.grab_magnet(MAGNET) is Grab.GRABBED
    posted = [sent for sent in sonarr.http.sent if sent.target.endswith("torrents/add")]
    assert len(posted) == 2
    assert posted[0].body == posted[1].body
    assert len(torrents.views()) == 1


def test_the_cookie_of_another_qbittorrent_on_the_same_host_does_no_harm(make):
    sonarr = make()
    sonarr.http.cookies = {"SID": "Jf2/w+2lNAVnzTNnVLGBIzMqd8bIzLTs", "lang": "de"}
    assert sonarr.test() == []
    assert sonarr.http.logins == 1
    sonarr.http.cookies["SID_OTHER"] = "x"
    sonarr.poll()
    assert sonarr.http.logins == 1


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.agent)
@pytest.mark.parametrize("login", [(USER, "wrong"), ("", ""), (USER, ""), ("wrong", PASSWORD)])
def test_who_has_no_password_or_a_wrong_one_is_told_so_at_the_field(make, login, release):
    sonarr = make(*login, release=release)
    assert sonarr.test() == REFUSED
    with pytest.raises(AuthenticationFailed):
        sonarr.poll()


def test_a_grab_without_the_right_password_is_kept_for_later(make, torrents):
    """It is tried again with every RSS sync; a grab that failed otherwise would be dropped."""
    assert make(password="wrong").grab_magnet(MAGNET) is Grab.PENDING
    assert torrents.views() == []


def test_an_api_key_is_no_password_of_ours_and_is_told_so(make, server, torrents):
    assert make("", "", release=SONARR_4_0_19, api_key="key").test() == REFUSED
    server.app = create_app(torrents, ApiConfig())
    assert make_open(server).test() == []


def make_open(server):
    return Sonarr(SonarrHttp(server.port, release=SONARR_4_0_19, api_key="key"), Settings())


def test_programs_of_different_passwords_do_not_disturb_each_other(make):
    good, bad = make(), make(password="wrong")
    good.test()
    assert bad.test() == REFUSED
    good.poll()
    assert good.http.logins == 1


def test_who_is_in_stays_in_though_another_program_at_its_address_guesses(make):
    """Both may come from one address, behind a container's bridge."""
    good, bad = make(), make(password="wrong")
    good.test()
    for _ in range(10):
        assert bad.test() == REFUSED
    good.poll()
    assert good.grab_magnet(MAGNET) is Grab.GRABBED
    assert good.http.logins == 1
