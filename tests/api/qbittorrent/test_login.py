import pytest

from api.qbittorrent.login import OPEN, Login


def test_the_right_pair_is_admitted_and_no_other():
    login = Login.of("user", "pässwörd")
    assert login.admits("user", "pässwörd")
    for username, password in [
        ("user", "passwörd"),
        ("User", "pässwörd"),
        ("user", ""),
        ("", "pässwörd"),
        ("", ""),
        ("pässwörd", "user"),
    ]:
        assert not login.admits(username, password)


def test_a_password_that_is_no_utf_8_is_compared_byte_by_byte():
    assert Login.of("me", "caf\udce9").admits("me", "caf\udce9")


def test_without_a_login_everybody_is_admitted():
    assert Login.of("", "") == OPEN
    assert OPEN.open
    assert OPEN.admits("any", "body")
    assert not Login.of("a", "b").open


@pytest.mark.parametrize(("username", "password"), [("user", ""), ("", "password")])
def test_half_a_login_is_none(username, password):
    with pytest.raises(ValueError, match="a user name and a password, or neither"):
        Login.of(username, password)


def test_the_password_is_not_in_it():
    login = Login.of("user", "secret")
    assert repr(login) == "Login(username='user')"
    assert b"secret" not in login.key + login.digest


def test_equal_passwords_do_not_look_equal():
    assert Login.of("user", "secret").digest != Login.of("user", "secret").digest
