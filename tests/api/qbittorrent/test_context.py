from api.qbittorrent.context import ApiConfig, Context
from api.qbittorrent.login import Login
from api.qbittorrent.sessions import Sessions


def test_a_context_shows_its_state_and_no_secret(torrents):
    context = Context(torrents, ApiConfig(login=Login.of("u", "secret")), Sessions())
    assert repr(context) == (
        "<Context ApiConfig(username='u', port=6500, open=False) <Sessions 0 of 1000>>"
    )


def test_the_time_is_whole_seconds(torrents):
    assert Context(torrents, ApiConfig(), Sessions(), clock=lambda: 12.9).now() == 12


def test_an_api_is_open_without_a_login():
    assert ApiConfig().open
    assert not ApiConfig(login=Login.of("u", "p")).open
