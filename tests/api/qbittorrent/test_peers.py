import ipaddress

import pytest

from api.qbittorrent.peers import asking

PROXIES = [ipaddress.ip_network(text) for text in ("10.0.0.0/8", "fd00::/8")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("10.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", ["1.1.1.1, 203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", ["1.1.1.1", "203.0.113.7,10.0.0.2"], "203.0.113.7"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("fd00::1", ["2001:db8::1"], "2001:db8::1"),
        ("::ffff:10.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["unknown"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.7, "], "10.0.0.1"),
        ("192.168.1.5", ["203.0.113.7"], "192.168.1.5"),
        ("?", ["203.0.113.7"], "?"),
    ],
)
def test_only_trusted_proxies_are_believed_and_only_about_whom_they_heard(
    peer, forwarded, expected
):
    assert asking(peer, forwarded, PROXIES) == expected


def test_without_trusted_proxies_it_is_who_connects():
    assert asking("10.0.0.1", ["203.0.113.7"], []) == "10.0.0.1"
