"""What is pushed: each field, where it comes from, and what is not sent."""

import datetime as dt
import hashlib
import json

import bencodepy
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrpush.payload import (
    LARGEST_SIZE,
    BadRelease,
    Flag,
    Release,
    Target,
    infohash_of,
    payload,
    size_of,
    usable,
)
from engine.metainfo import parse_torrent

NAME = "A.Show.S01E02.1080p.WEB.H264-GROUP"
URL = "https://indexer.example/download/1?passkey=marked-passkey"
HASH = "c12fe1c06bba254a9dc9f519b335aa7c1367a88a"
BASE32 = "YEX6DQDLXISUVHOJ6UM3GNNKPQJWPKEK"
MAGNET = f"magnet:?xt=urn:btih:{HASH.upper()}&dn=From.The.Magnet.2020&tr=http%3A%2F%2Ft%2Fmarked"
NOW = dt.datetime(2026, 1, 31, 13, 0, 5, 123456, tzinfo=dt.timezone(dt.timedelta(hours=1)))


def torrent(name=b"From.The.Torrent.2021", trackers=(b"http://t/announce?passkey=x&y",)):
    info = {b"length": 77, b"name": name, b"piece length": 16384, b"pieces": b"p" * 20}
    meta = {b"announce": trackers[0], b"info": info} if trackers else {b"info": info}
    return parse_torrent(bencodepy.encode(meta))


def pushed(target=Target.SONARR, **fields):
    return payload(Release(**{"name": NAME, "url": URL} | fields), target, lambda: NOW)


def bad(**fields):
    with pytest.raises(BadRelease) as caught:
        pushed(**fields)
    assert "marked" not in str(caught.value)
    assert caught.value.__cause__ is None
    return str(caught.value)


@pytest.mark.parametrize("target", Target)
def test_a_push_has_the_fields_of_the_specification_and_no_others(target):
    assert pushed(target) == {
        "title": NAME,
        "downloadUrl": URL,
        "protocol": "torrent",
        "indexer": "autobrr",
        "size": 0,
        "infoUrl": "",
        "publishDate": "2026-01-31T12:00:05Z",
        "guid": "title:a.show.s01e02.1080p.web.h264.group",
    }


def test_everything_known_is_in_it():
    result = pushed(
        magnet=MAGNET, size="1234", indexer="hdb", info_url="https://i/1", download_client="Ours"
    )

    assert result["magnetUrl"] == MAGNET
    assert result["infoHash"] == HASH
    assert result["guid"] == f"torrent:{HASH}"
    assert result["downloadClient"] == "Ours"
    assert (result["size"], result["indexer"], result["infoUrl"]) == (1234, "hdb", "https://i/1")


@given(st.sampled_from(Target), st.sampled_from(["", "Ours"]), st.sampled_from(["", MAGNET]))
def test_a_download_client_is_never_named_by_an_id(target, client, magnet):
    assert "downloadClientId" not in pushed(target, download_client=client, magnet=magnet)


class TestTitle:
    def test_is_the_announced_name_before_all_others(self):
        assert pushed(torrent=torrent())["title"] == NAME

    def test_is_else_the_name_in_the_torrent(self):
        assert pushed(name=" ", torrent=torrent())["title"] == "From.The.Torrent.2021"

    def test_is_else_the_name_in_the_magnet(self):
        assert pushed(name="", magnet=MAGNET)["title"] == "From.The.Magnet.2020"

    def test_is_never_the_infohash_of_a_torrent_without_a_name(self):
        assert "no name" in bad(name="", torrent=torrent(name=b""))

    def test_that_nobody_tells_is_missing(self):
        assert "no name" in bad(name="")

    def test_is_one_line_of_text(self):
        assert pushed(name="A\nShow\udcff\x1b[3m")["title"] == "A Show? [3m"


class TestSize:
    @pytest.mark.parametrize(
        "value",
        [
            *(None, "", "1.5 GB", "many", "-5", -5, True, 1.5, float("nan"), float("inf")),
            *("1_000", 2**63, str(2**64), "9" * 5000, "\u0661", [], {}),
        ],
    )
    def test_t_04_a_size_that_is_no_number_is_0(self, value):
        assert pushed(size=value)["size"] == 0

    @pytest.mark.parametrize("value", [1234, "1234", " 1234 ", 1234.0, "0001234"])
    def test_that_is_a_number_is_kept(self, value):
        assert pushed(size=value)["size"] == 1234

    def test_is_that_of_the_torrent_when_nobody_says_one(self):
        assert pushed(torrent=torrent())["size"] == 77
        assert pushed(torrent=torrent(), size="5")["size"] == 5

    @given(st.one_of(st.integers(), st.text(), st.floats(), st.binary(), st.booleans()))
    def test_is_always_a_number_that_fits(self, value):
        assert 0 <= size_of(value) <= LARGEST_SIZE


class TestInfohash:
    @pytest.mark.parametrize("text", [HASH, HASH.upper(), BASE32, BASE32.lower(), f" {HASH} "])
    def test_may_be_hex_or_base32(self, text):
        assert pushed(infohash=text)["infoHash"] == HASH

    def test_is_that_of_the_torrent_before_the_announced_one(self):
        found = torrent()

        assert infohash_of(Release(torrent=found, infohash=HASH)) == found.infohash

    def test_is_that_of_the_magnet_before_the_announced_one(self):
        assert infohash_of(Release(magnet=MAGNET, infohash="ab" * 20)) == HASH

    @pytest.mark.parametrize("text", ["unknown", "ab" * 32, "0", "\ud800"])
    def test_that_is_none_is_ignored(self, text):
        assert "infoHash" not in pushed(infohash=text)

    def test_of_two_torrents_is_refused(self):
        assert "two different" in bad(torrent=torrent(), magnet=MAGNET)

    def test_is_the_sha1_of_the_info(self):
        info = {b"length": 77, b"name": b"x", b"piece length": 16384, b"pieces": b"p" * 20}

        expected = hashlib.sha1(bencodepy.encode(info)).hexdigest()
        assert pushed(torrent=torrent(name=b"x"))["infoHash"] == expected


class TestWhereItIs:
    def test_a_magnet_in_the_place_of_the_url_is_a_magnet(self):
        result = pushed(url=MAGNET)

        assert "downloadUrl" not in result
        assert result["magnetUrl"] == MAGNET

    def test_a_magnet_is_made_up_only_when_there_is_nothing_else(self):
        result = pushed(url="", infohash=HASH)

        assert result["magnetUrl"] == f"magnet:?xt=urn:btih:{HASH}&dn={NAME}"
        assert "magnetUrl" not in pushed(infohash=HASH)

    def test_a_magnet_made_of_a_torrent_has_its_trackers(self):
        uri = pushed(url="", torrent=torrent())["magnetUrl"]

        assert uri.endswith("&tr=http%3A%2F%2Ft%2Fannounce%3Fpasskey%3Dx%26y")

    def test_nothing_at_all_is_refused(self):
        assert "no URL, no magnet and no infohash" in bad(url="", infohash="unknown")

    @pytest.mark.parametrize(
        "url",
        [
            *("marked", "ftp://h/marked", "http://", "https:///marked", "http://h:port/marked"),
            *("http://h/a marked", "http://[::1/marked", "http://h/\nmarked", "file:///marked"),
            *("http://h/\udcff", "http://h:99999/marked"),
        ],
    )
    def test_t_02_an_invalid_url_is_refused_and_not_repeated(self, url):
        assert bad(url=url) == "the URL of the .torrent is no http or https URL"

    def test_a_magnet_that_is_none_is_refused_and_not_repeated(self):
        assert bad(magnet="magnet:?tr=marked")


class TestDate:
    def test_is_the_real_one_when_it_is_known(self):
        published = dt.datetime(2026, 1, 1, 1, 0, tzinfo=dt.timezone(dt.timedelta(hours=-5)))

        assert pushed(published=published)["publishDate"] == "2026-01-01T06:00:00Z"

    def test_without_a_zone_is_utc(self):
        assert pushed(published=dt.datetime(2026, 1, 1))["publishDate"] == "2026-01-01T00:00:00Z"  # noqa: DTZ001


class TestWhatDiffers:
    def test_imdb_is_a_text_there_and_a_number_here(self):
        assert pushed(Target.SONARR, imdb=944947)["imdbId"] == "tt0944947"
        assert pushed(Target.RADARR, imdb=944947)["imdbId"] == 944947

    def test_each_gets_only_its_own_database(self):
        sonarr, radarr = (pushed(target, tvdb=1, tmdb=2) for target in Target)

        assert (sonarr["tvdbId"], radarr["tmdbId"]) == (1, 2)
        assert "tmdbId" not in sonarr
        assert "tvdbId" not in radarr

    def test_flags_have_other_bits(self):
        flags = frozenset({Flag.FREELEECH, Flag.INTERNAL, Flag.SCENE})

        assert pushed(Target.SONARR, flags=flags)["indexerFlags"] == 1 + 8 + 16
        assert pushed(Target.RADARR, flags=flags)["indexerFlags"] == 1 + 32 + 128


@given(st.text(), st.text(), st.text(), st.text())
def test_whatever_was_announced_is_json_or_refused(name, url, magnet, infohash):
    release = Release(name=name, url=url, magnet=magnet, infohash=infohash, indexer=name)
    try:
        result = payload(release, Target.RADARR, lambda: NOW)
    except BadRelease:
        return
    assert json.loads(msgspec.json.encode(result)) == result


def test_no_repr_shows_a_link():
    assert "marked" not in repr(Release(name=NAME, url=URL, magnet=MAGNET))


def test_a_name_longer_than_any_file_has_is_refused():
    with pytest.raises(BadRelease, match="more than 1000 characters"):
        pushed(name="A" * 1001)
    assert pushed(name="A" * 1000)["title"] == "A" * 1000


BAD_LINKS = [
    {"url": "https://t/Show S14E01.torrent"},
    {"url": "/download/1"},
    {"magnet": "N/A"},
    {"magnet": f"magnet:?xt=urn:btmh:1220{'ab' * 32}"},
    {"url": "magnet:?none"},
]


@pytest.mark.parametrize("bad", BAD_LINKS, ids=str)
@pytest.mark.parametrize("good", [{"infohash": "ab" * 20}, {"torrent": torrent()}], ids=list)
def test_a_link_that_is_none_is_left_out_where_there_is_another_way(bad, good):
    release, problems = usable(Release(name="A", **bad, **good))

    assert (release.url, release.magnet) == ("", "")
    assert len(problems) == 1
    assert payload(release, Target.SONARR, lambda: NOW)["infoHash"]


def test_a_magnet_of_another_torrent_gives_way_to_the_torrent():
    magnet = f"magnet:?xt=urn:btih:{'ab' * 20}"
    release, [problem] = usable(Release(name="A", magnet=magnet, torrent=torrent()))

    assert release.magnet == ""
    assert "two different torrents" in problem


@pytest.mark.parametrize("bad", BAD_LINKS, ids=str)
def test_a_link_that_is_none_stays_where_there_is_nothing_else(bad):
    release = Release(name="A", **bad)

    assert usable(release) == (release, ())


def test_what_is_right_is_left_alone():
    release = Release(name="A", url="https://t/1", magnet=f"magnet:?xt=urn:btih:{'ab' * 20}")

    assert usable(release) == (release, ())
