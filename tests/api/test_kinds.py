from pathlib import Path

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from api import kinds
from api.kinds import BadValue


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (kinds.size("8M", "1G"), "8M", 8 << 20),
        (kinds.size("8M", "1G"), "1G", 1 << 30),
        (kinds.rate("1K", "1G"), "20M", 20 << 20),
        (kinds.rate("1K", "1G"), "1.5M/s", 3 << 19),
        (kinds.rate("1K", "1G"), "1000000", 1_000_000),
        (kinds.rate("1K", "1G"), "0", 0),
        (kinds.whole(1, 16), "16", 16),
        (kinds.seconds(0.1, 600), "0.5", 0.5),
        (kinds.seconds(0.1, 600), "5", 5.0),
        (kinds.switch(), "TRUE", True),
        (kinds.switch(), "on", True),
        (kinds.switch(), "0", False),
        (kinds.switch(), "No", False),
        (kinds.choice("auto", "HDD"), "hdd", "HDD"),
        (kinds.folder(), "/some/where", Path("/some/where")),
        (kinds.line_of_text(), "pass word é", "pass word é"),
        (kinds.line_of_text(), "\U0001fae9 \xa0", "\U0001fae9 \xa0"),
        (kinds.api_key("alldebrid.com/apikeys"), "staticDemoApikeyPrem", "staticDemoApikeyPrem"),
        (kinds.host(), "0.0.0.0", "0.0.0.0"),
        (kinds.host(), "::", "::"),
        (kinds.host(), "localhost", "localhost"),
        (kinds.host(), "nas.example.org", "nas.example.org"),
        (kinds.program_url(), "http://sonarr:8989", "http://sonarr:8989"),
        (kinds.program_url(), "https://tv.example/sonarr/", "https://tv.example/sonarr"),
        (kinds.program_url(), "http://[fd00::1]:8989", "http://[fd00::1]:8989"),
        (kinds.base_url(), "https://api.alldebrid.com/", "https://api.alldebrid.com"),
        (kinds.base_url(), "https://proxy.example/alldebrid", "https://proxy.example/alldebrid"),
        (kinds.base_url(), "http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        (kinds.base_url(), "http://[::1]:8080", "http://[::1]:8080"),
        (kinds.base_url(), "http://192.168.1.5", "http://192.168.1.5"),
        (kinds.base_url(), "http://localhost:1", "http://localhost:1"),
    ],
)
def test_a_kind_takes_what_it_accepts(kind, text, value):
    assert kind.parse(text) == value


@pytest.mark.parametrize(
    ("kind", "text", "reason"),
    [
        (kinds.size("8M", "1G"), "7M", "too small"),
        (kinds.size("8M", "1G"), "2G", "too large"),
        (kinds.size("8M", "1G"), "much", "not a size"),
        (kinds.rate("1K", "1G"), "10", "too small"),
        (kinds.rate("1K", "1G"), "2G", "too large"),
        (kinds.rate("1K", "1G"), "fast", "not a size"),
        (kinds.whole(1, 16), "0", "too small"),
        (kinds.whole(1, 16), "17", "too large"),
        (kinds.whole(1, 16), "4.0", "not a whole number"),
        (kinds.whole(1, 16), "-1", "not a whole number"),
        (kinds.whole(1, 16), "1" * 5000, "not a whole number"),
        (kinds.seconds(0.1, 600), "nan", "not a number of seconds"),
        (kinds.seconds(0.1, 600), "inf", "not a number of seconds"),
        (kinds.seconds(0.1, 600), "0", "too small"),
        (kinds.seconds(0.1, 600), "5m", "not a number of seconds"),
        (kinds.switch(), "maybe", "neither true nor false"),
        (kinds.choice("auto", "hdd"), "tape", "not one of the words"),
        (kinds.folder(), "/some\nwhere", "control characters"),
        (kinds.line_of_text(), "two\nlines", "control characters"),
        (kinds.api_key("alldebrid.com/apikeys"), "key with blanks", "blank"),
        (kinds.api_key("alldebrid.com/apikeys"), "clé", "character that no key has"),
        (kinds.host(), "300.1.1.1", "not an address"),
        (kinds.host(), "http://host", "not an address"),
        (kinds.host(), "a" * 64, "not an address"),
        (kinds.program_url(), "sonarr:8989", "not an http or https URL"),
        (kinds.program_url(), "http://user:pass@sonarr", "more than scheme"),
        (kinds.program_url(), "http://sonarr:8989/?apikey=1", "more than scheme"),
        (kinds.program_url(), "http://sonarr:99999", "not a URL"),
        (kinds.program_url(), "http://sonarr:8989/api", "ends in `/api`"),
        (kinds.program_url(), "http://sonarr:8989/sonarr/api/v3/", "ends in `/api`"),
        (kinds.base_url(), "https://api.alldebrid.com/v4", "ends in a version"),
        (kinds.base_url(), "https://api.alldebrid.com/v4.1/", "ends in a version"),
        (kinds.base_url(), "http://api.alldebrid.com", "plain http"),
        (kinds.base_url(), "http://[::ffff:8.8.8.8]", "plain http"),
        (kinds.base_url(), "api.alldebrid.com", "not an http or https URL"),
        (kinds.base_url(), "ftp://api.alldebrid.com", "not an http or https URL"),
        (kinds.base_url(), "https://", "not an http or https URL"),
        (kinds.base_url(), "https://host name", "not an http or https URL"),
        (kinds.base_url(), "https://host:port", "not a URL"),
        (kinds.base_url(), "https://[::1", "not a URL"),
        (kinds.base_url(), "https://user:password@host", "more than scheme"),
        (kinds.base_url(), "https://host/?agent=x", "more than scheme"),
        (kinds.base_url(), "https://host/#x", "more than scheme"),
        (kinds.host_names(), ",", "host names"),
        (kinds.host_names(), "nas:6500", "host names"),
        (kinds.host_names(), "http://nas", "host names"),
        (kinds.host_names(), "*.", "host names"),
        (kinds.host_names(), "*nas", "host names"),
        (kinds.networks(), "nas", "networks"),
        (kinds.networks(), "10.0.0.0/33", "networks"),
    ],
)
def test_a_kind_refuses_the_rest_and_says_why(kind, text, reason):
    with pytest.raises(BadValue, match=reason):
        kind.parse(text)


ALL_KINDS = [
    kinds.size("8M", "1G"),
    kinds.whole(0, 65535),
    kinds.seconds(0.1, 600),
    kinds.switch(),
    kinds.choice("auto", "hdd"),
    kinds.folder(),
    kinds.line_of_text(),
    kinds.api_key("alldebrid.com/apikeys"),
    kinds.host(),
    kinds.base_url(),
    kinds.program_url(),
    kinds.host_names(),
    kinds.networks(),
    kinds.certificates(),
]


@given(st.sampled_from(ALL_KINDS), st.text(min_size=1, max_size=40))
def test_any_text_is_taken_or_refused_and_what_is_shown_reads_back(kind, text):
    try:
        value = kind.parse(text)
    except BadValue:
        return
    assert kind.parse(kind.show(value)) == value


def test_a_file_of_certificates_is_taken(tmp_path):
    file = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(file)

    assert kinds.certificates().parse(str(file)) == file


def test_a_missing_file_of_certificates_is_refused(tmp_path):
    with pytest.raises(BadValue, match=r"cannot be read \(No such file or directory\)"):
        kinds.certificates().parse(str(tmp_path / "missing"))


def test_a_folder_is_no_file_of_certificates(tmp_path):
    with pytest.raises(BadValue):
        kinds.certificates().parse(str(tmp_path))


@pytest.mark.parametrize("content", [b"", b"hello", b"-----BEGIN CERTIFICATE-----\nno\n"])
def test_a_file_without_certificates_is_refused(tmp_path, content):
    file = tmp_path / "ca.pem"
    file.write_bytes(content)

    with pytest.raises(BadValue, match="no certificate"):
        kinds.certificates().parse(str(file))
