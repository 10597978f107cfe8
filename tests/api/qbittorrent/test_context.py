from api.qbittorrent.context import ApiConfig, Context
from api.qbittorrent.sessions import Sessions


def test_a_context_shows_its_state_and_no_secret(torrents):
    context = Context(torrents, ApiConfig(username="u", password="secret"), Sessions())
    assert repr(context) == (
        "<Context ApiConfig(username='u', port=6500, open=False) <Sessions 0 of 1000> tags=0>"
    )


def test_the_time_is_whole_seconds(torrents):
    assert Context(torrents, ApiConfig(), Sessions(), clock=lambda: 12.9).now() == 12


def test_an_api_is_open_only_when_both_user_and_password_are_blank():
    assert ApiConfig().open
    assert not ApiConfig(username="u").open
    assert not ApiConfig(password="p").open
