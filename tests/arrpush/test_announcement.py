"""What is read in the fields of a webhook, under all their names, and who gets the release."""

import base64
import datetime as dt
import json

import bencodepy
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrpush.announcement import (
    INDEXER,
    LARGEST_ID,
    NAME,
    Announcement,
    BadAnnouncement,
    announcement,
    target_of,
)
from arrpush.lenient import fields
from arrpush.payload import Flag, Release, Target, payload
from engine.metainfo import parse_torrent

TITLE = "A.Show.S01E02.1080p.WEB.H264-GROUP"
URL = "https://t.example/dl/1?passkey=marked"
HASH = "c12fe1c06bba254a9dc9f519b335aa7c1367a88a"
MAGNET = f"magnet:?xt=urn:btih:{HASH}&dn=A.Film.2020&tr=http%3A%2F%2Ft%2Fmarked"
INFO = {b"length": 77, b"name": b"A.Film.2021", b"piece length": 16384, b"pieces": b"p" * 20}
TORRENT = bencodepy.encode({b"announce": b"http://t/\xff\xfe?marked", b"info": INFO})
BASE64 = base64.b64encode(TORRENT).decode()
NOW = dt.datetime(2026, 1, 31, 12, 0, tzinfo=dt.UTC)


def said(**given):
    return announcement(given, lambda: NOW)


def bad(**given):
    with pytest.raises(BadAnnouncement) as caught:
        said(**given)
    assert "marked" not in str(caught.value)
    assert caught.value.__cause__ is None
    return str(caught.value)


def target(name="", asked="", torrent=None, url="", **others):
    return target_of(
        asked, Announcement(release=Release(name=name, torrent=torrent, url=url), **others)
    )


def test_the_names_of_the_specification():
    found = said(
        TorrentUrl=URL,
        TorrentPath="/torrents/1.torrent",
        ReleaseName=TITLE,
        Indexers="autobrr",
        Size="1234",
        InfoUrl="https://t.example/1",
    )

    release = Release(
        name=TITLE, url=URL, indexer="autobrr", size=1234, info_url="https://t.example/1"
    )
    assert found == Announcement(release=release, path="/torrents/1.torrent")


def test_the_names_of_autobrr():
    found = said(
        TorrentName=TITLE,
        TorrentUrl=URL,
        TorrentPathName="/tmp/autobrr-1",
        TorrentDataRawBytes=BASE64,
        TorrentHash=HASH,
        MagnetURI="",
        Indexer="tracker",
        IndexerName="The Tracker",
        IndexerIdentifierExternal="Tracker (Prowlarr)",
        Size=1234,
        InfoUrl="https://t.example/1",
        Type="episode",
        Protocol="torrent",
        Freeleech=True,
        FreeleechPercent=50,
        Origin="INTERNAL",
        MetaIMDB="tt0944947",
        Title="A Show",
        Cookie="marked",
        Audio=["AAC"],
    )

    release = Release(
        name=TITLE,
        url=URL,
        infohash=HASH,
        indexer="Tracker (Prowlarr)",
        size=1234,
        info_url="https://t.example/1",
        flags=frozenset({Flag.HALFLEECH, Flag.INTERNAL}),
        imdb=944947,
    )
    assert found == Announcement(
        release=release, data=TORRENT, path="/tmp/autobrr-1", kind="episode"
    )


def test_the_names_of_a_push():
    found = said(
        title=TITLE,
        downloadUrl=URL,
        magnetUrl=MAGNET,
        infoHash=HASH,
        indexer="tracker",
        size=1234,
        publishDate="2026-01-31T11:00:00Z",
        downloadClient="Ours",
        protocol="torrent",
        tvdbId=121361,
        tmdbId="1399",
        imdbId="tt0944947",
        target="Sonarr",
    )

    release = Release(
        name=TITLE,
        url=URL,
        magnet=MAGNET,
        infohash=HASH,
        indexer="tracker",
        size=1234,
        published=dt.datetime(2026, 1, 31, 11, tzinfo=dt.UTC),
        download_client="Ours",
        imdb=944947,
        tvdb=121361,
        tmdb=1399,
    )
    assert found == Announcement(release=release, target="sonarr")


def test_a_template_as_autobrr_fills_it_becomes_a_push():
    body = b"""{
      "ReleaseName": "A "Show" S01E02\\1080p",
      "TorrentUrl": "%s",
      "Size": ,
      "TorrentDataRawBytes": [%s],
      "IndexerIdentifierExternal": "<no value>",
      "Indexer": "tracker",
    }""" % (URL.encode(), " ".join(map(str, TORRENT)).encode())

    found = announcement(fields(body))

    assert found.data == TORRENT
    pushed = payload(found.release, Target.SONARR, lambda: NOW)
    assert pushed["title"] == 'A "Show" S01E02\\1080p'
    assert (pushed["size"], pushed["indexer"]) == (0, "tracker")


class TestNames:
    @pytest.mark.parametrize(
        "name", ["release_name", "RELEASENAME", "Release-Name", "release name"]
    )
    def test_are_the_same_in_any_spelling(self, name):
        assert said(**{name: TITLE}).release.name == TITLE

    @pytest.mark.parametrize(
        ("names", "field"), [(NAME, "name"), (INDEXER, "indexer")], ids=["name", "indexer"]
    )
    def test_have_an_order(self, names, field):
        for place in range(len(names)):
            # The order in which they come is no matter.
            given = {name: name for name in reversed(names[place:])}

            assert getattr(said(**given).release, field) == names[place]

    @pytest.mark.parametrize(
        "nothing", [None, "", " \n", "<no value>", "x <no value>", "<nil>", []]
    )
    def test_that_are_not_given_leave_it_to_the_next(self, nothing):
        assert said(ReleaseName=nothing, TorrentName=TITLE).release.name == TITLE
        assert said(ReleaseName=nothing, release_name=TITLE).release.name == TITLE
        assert said(TorrentDataRawBytes=nothing).data == b""

    def test_that_come_twice_count_once(self):
        assert said(ReleaseName=TITLE, release_name="Another").release.name == TITLE

    def test_that_nobody_knows_are_ignored(self):
        assert said(Seeders={"a": [1]}, Cookie="marked") == said()


class TestText:
    @pytest.mark.parametrize("value", [{"marked": 1}, ["marked"], True, 1.5, b"marked", 10**400])
    @pytest.mark.parametrize(
        "name",
        [
            *("ReleaseName", "TorrentUrl", "MagnetURI", "TorrentHash", "TorrentPath"),
            *("Indexers", "InfoUrl", "DownloadClient", "Target", "Type", "Protocol"),
        ],
    )
    def test_that_is_none_is_left_out_and_named(self, name, value):
        found = said(**{name.lower(): value})

        assert found.problems == (f"{name} must be text in quotes",)
        assert found.release == said().release
        assert (found.path, found.target, found.kind) == ("", "", "")

    def test_may_be_a_number(self):
        assert said(ReleaseName=1917).release.name == "1917"

    def test_has_no_blanks_around_it(self):
        assert said(TorrentUrl=f" {URL}\n").release.url == URL


class TestBytes:
    @pytest.mark.parametrize(
        "value",
        [
            BASE64,
            BASE64.rstrip("="),
            base64.urlsafe_b64encode(TORRENT).decode(),
            base64.encodebytes(TORRENT).decode(),
            BASE64.replace("A", "A\r\n "),
            f"data:application/x-bittorrent;base64,{BASE64}",
            f"DATA:;base64,{BASE64}",
            "data:," + "".join(f"%{byte:02x}" for byte in TORRENT),
            f"[{' '.join(map(str, TORRENT))}]",
            TORRENT,
            list(TORRENT),
        ],
        ids=[
            "base64",
            "bare",
            "url",
            "lines",
            "blanks",
            "data",
            "DATA",
            "percent",
            "go",
            "raw",
            "list",
        ],
    )
    def test_of_a_torrent_come_in_many_forms(self, value):
        assert said(TorrentDataRawBytes=value).data == TORRENT

    @given(st.binary(min_size=1), st.booleans(), st.booleans())
    def test_are_what_was_encoded(self, data, safe, padded):
        text = (base64.urlsafe_b64encode if safe else base64.b64encode)(data).decode()

        assert said(TorrentData=text if padded else text.rstrip("=")).data == data

    @pytest.mark.parametrize(
        "value",
        [
            *("marked!", "d8:announce6:marked", "A", "AA=A", "[1 256]", "[1, 2]", "data:marked"),
            *(
                "data:;base64,\xe9",
                "\u0661",
                {"marked": 1},
                ["marked"],
                [256],
                [-1],
                [True, None],
                5,
            ),
        ],
    )
    def test_in_another_form_are_left_out_and_it_says_why(self, value):
        found = said(TorrentDataRawBytes=value)
        [why] = found.problems

        assert found.data == b""
        assert why.startswith("TorrentDataRawBytes must be the .torrent in base64")
        assert why.endswith("{{ .TorrentDataRawBytes | toString | b64enc }}")


class TestSize:
    @pytest.mark.parametrize("value", ["1.5 GB", "many", -1, True, {"a": 1}, [1], 1e400, 2**64])
    def test_t_04_that_is_no_number_is_0(self, value):
        assert said(Size=value).release.size == 0

    @pytest.mark.parametrize("value", [1234, "1234", 1234.0])
    def test_that_is_a_number_is_one(self, value):
        assert said(Size=value).release.size == 1234

    @pytest.mark.parametrize("value", [0, "0", "", None, "<no value>"])
    def test_that_nobody_knows_is_left_to_the_torrent(self, value):
        release = said(Size=value, Name=TITLE).release
        known = msgspec.structs.replace(release, torrent=parse_torrent(TORRENT))

        assert payload(known, Target.SONARR, lambda: NOW)["size"] == 77


class TestDate:
    @pytest.mark.parametrize(
        "value",
        [
            *("2026-01-31T11:00:00Z", "2026-01-31T12:00:00+01:00", "2026-01-31 11:00:00"),
            *("2026-01-31T11:00:00.000000000Z", "Sat, 31 Jan 2026 11:00:00 GMT"),
            *("Sat, 31 Jan 2026 06:00:00 -0500", "31 Jan 2026 11:00:00 -0000"),
            *(1769857200, 1769857200.0, "1769857200", 1769857200000, "1769857200000"),
        ],
    )
    def test_comes_in_many_forms(self, value):
        expected = dt.datetime(2026, 1, 31, 11, tzinfo=dt.UTC)

        found = said(publishDate=value).release.published
        assert found == expected
        assert found.utcoffset() == dt.timedelta(0)

    @pytest.mark.parametrize(
        "value",
        [
            *(
                "soon",
                "1",
                0,
                -1,
                True,
                {"a": 1},
                [1],
                "2026-13-01",
                "0001-01-01T00:00:00Z",
                10**30,
            ),
            *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", 1e300, "9" * 19, "Fri,"),
            *("2026-02-01T12:00:01Z", "1970-01-01T00:00:00Z", "Mon, 02 Jan 2006 15:04:05 -9999999"),
        ],
    )
    def test_that_cannot_be_one_is_not_given(self, value):
        assert said(publishDate=value).release.published is None

    def test_may_be_ahead_by_a_day(self):
        assert said(publishDate="2026-02-01T12:00:00Z").release.published

    @given(st.text() | st.integers() | st.floats())
    def test_of_any_kind_loses_no_release(self, value):
        assert said(publishDate=value)

    def test_is_judged_by_the_clock(self):
        assert announcement({"publishDate": "2020-01-01"}).release.published


class TestNumbersOfDatabases:
    @pytest.mark.parametrize("value", ["tt0944947", "TT944947", "944947", 944947, " tt0944947 "])
    def test_come_in_many_forms(self, value):
        assert said(MetaIMDB=value).release.imdb == 944947

    @pytest.mark.parametrize(
        "value",
        [
            LARGEST_ID + 1,
            f"tt{LARGEST_ID + 1}",
            "9" * 5000,
            10**400,
            -1,
            "nm0000001",
            True,
            1.5,
            {},
        ],
    )
    def test_that_are_none_are_0(self, value):
        found = said(imdbId=value, tvdbId=value, tmdbId=value).release

        assert (found.imdb, found.tvdb, found.tmdb) == (0, 0, 0)


class TestFlags:
    @pytest.mark.parametrize(
        ("given", "flags"),
        [
            ({"Freeleech": True}, {Flag.FREELEECH}),
            ({"Freeleech": "true"}, {Flag.FREELEECH}),
            ({"Freeleech": "false", "FreeleechPercent": 0}, set()),
            ({"Freeleech": True, "FreeleechPercent": 0}, {Flag.FREELEECH}),
            ({"Freeleech": True, "FreeleechPercent": 100}, {Flag.FREELEECH}),
            ({"Freeleech": True, "FreeleechPercent": "75%"}, {Flag.FREELEECH_75}),
            ({"Freeleech": True, "FreeleechPercent": 25}, {Flag.FREELEECH_25}),
            ({"Freeleech": True, "FreeleechPercent": 33}, set()),
            ({"Freeleech": {"a": 1}, "FreeleechPercent": [50]}, set()),
            ({"Origin": "INTERNAL"}, {Flag.INTERNAL}),
            ({"Origin": "SCENE"}, {Flag.SCENE}),
            ({"Origin": "P2P"}, set()),
            ({"Tags": "Freeleech, Internal"}, {Flag.FREELEECH, Flag.INTERNAL}),
            ({"Tags": ["scene", "Double Upload", 1]}, {Flag.SCENE, Flag.DOUBLE_UPLOAD}),
            ({"Tags": 5, "Origin": {"a": 1}}, set()),
        ],
    )
    def test_are_what_the_indexer_says(self, given, flags):
        assert said(**given).release.flags == flags


@pytest.mark.parametrize("value", ["usenet", "Usenet", "nzb", 1])
def test_a_release_of_the_usenet_is_refused(value):
    assert bad(Protocol=value).startswith("Protocol must be torrent")
    assert bad(downloadProtocol=value).startswith("DownloadProtocol must be torrent")


class TestTarget:
    @pytest.mark.parametrize(
        ("word", "found"), [("sonarr", Target.SONARR), ("Radarr", Target.RADARR)]
    )
    def test_is_what_the_query_says_before_the_body(self, word, found):
        assert target(asked=word, kind="music", target="auto") is found
        assert target(target=word.lower(), kind="music") is found

    def test_is_found_out_when_the_query_says_auto(self):
        assert target(asked="AUTO", target="radarr", kind="episode") is Target.SONARR

    @pytest.mark.parametrize("kind", ["episode", "series", "season", "TV Show"])
    def test_of_an_episode_is_sonarr(self, kind):
        assert target("A.Film.2020", kind=kind) is Target.SONARR

    @pytest.mark.parametrize("kind", ["movie", "film"])
    def test_of_a_movie_is_radarr(self, kind):
        assert target(TITLE, kind=kind) is Target.RADARR

    @pytest.mark.parametrize(
        "name",
        [
            *(TITLE, "A Show S01", "a_show_s01_complete", "A.Show.S2024E100", "A Show S01 E02"),
            *("A.Show.Season.1.2020", "Une.Serie.Saison.2.2020", "A Show 1x02", "A.Show.E05.2020"),
            *("A.Show.2020.01.31.720p", "A Show 31.01.2020", "A.Show.2020-01-31", "A.Show.S01-S03"),
            *("[Group] Anime - 01 (1080p)", "[Group] Anime 2019 - 112v2 [1080p].mkv"),
        ],
    )
    def test_of_a_name_with_an_episode_is_sonarr(self, name):
        assert target(name) is Target.SONARR
        assert target(name, kind="unknown") is Target.SONARR

    @pytest.mark.parametrize(
        "name",
        [
            *("A.Film.2020.1080p.BluRay.x264-G", "A Film (1999)", "1917_2019_1080p", "2012.2009"),
            *("Star.Wars.Episode.4.A.New.Hope.1977", "A.Film.2020.1920x1080", "Ocean's 11 2001"),
            *("[Group] A Film - 2012 [1080p]", "A.Series.of.Events.2004", "A.Film.2020.10.bit"),
        ],
    )
    def test_of_another_name_with_a_year_is_radarr(self, name):
        assert target(name) is Target.RADARR

    def test_is_found_in_the_name_of_torrent_or_magnet(self):
        assert target(torrent=parse_torrent(TORRENT)) is Target.RADARR
        assert target(url=MAGNET) is Target.RADARR

    @pytest.mark.parametrize("kind", ["music", "game", "book", "audiobook", "app", "comic"])
    def test_of_what_neither_takes_is_refused(self, kind):
        with pytest.raises(BadAnnouncement, match="an episode, a season or a movie"):
            target(TITLE, kind=kind)

    @pytest.mark.parametrize("name", ["", "marked", "marked.1080p.x264", "marked-20200"])
    def test_that_nothing_tells_is_refused(self, name):
        with pytest.raises(BadAnnouncement, match="must be sonarr or radarr") as caught:
            target(name, url="marked")
        assert "marked" not in str(caught.value)

    def test_that_is_none_is_refused(self):
        with pytest.raises(BadAnnouncement, match="sonarr, radarr or auto") as caught:
            target(TITLE, asked="marked")
        assert "marked" not in str(caught.value)


KEYS = st.sampled_from(
    [
        *("ReleaseName", "Title", "TorrentUrl", "MagnetURI", "InfoHash", "TorrentDataRawBytes"),
        *("TorrentPath", "Indexer", "Size", "InfoUrl", "publishDate", "DownloadClient", "Target"),
        *(
            "Type",
            "Protocol",
            "Freeleech",
            "FreeleechPercent",
            "Origin",
            "Tags",
            "imdbId",
            "tvdbId",
        ),
    ]
)
SECRETS = st.sampled_from(
    ["marked", "http://marked/", "magnet:?tr=marked", "[marked]", "data:,marked"]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | SECRETS
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(KEYS | st.text(), VALUES), st.sampled_from(["", "auto", "marked", "radarr"]))
def test_any_object_is_an_announcement_or_refused_and_no_secret_is_repeated(given, asked):
    try:
        found = announcement(json.loads(json.dumps(given)), lambda: NOW)
        shown = repr(found)
        target_of(asked, found)
    except BadAnnouncement as problem:
        shown = str(problem)

    assert "marked" not in shown


def test_a_number_too_large_to_be_written_loses_no_release():
    assert said(Size=10**5000, publishDate=10**5000, imdbId=10**5000) == said(Size=-1)


def test_a_value_nested_deeply_is_one_of_the_wrong_type():
    nested = "marked"
    for _level in range(900):
        nested = [nested]

    assert said(ReleaseName=nested).problems == ("ReleaseName must be text in quotes",)
    assert said(Size=nested, publishDate=nested, Tags=nested, imdbId=nested, Freeleech=nested)


def test_no_repr_shows_what_was_announced():
    found = said(ReleaseName="marked", TorrentUrl=URL, TorrentPath="/marked", Type="marked")

    assert repr(found) == "<Announcement data=0 path=True>"
