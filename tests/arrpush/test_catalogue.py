"""Which torrent a name means: what was seen of it before, and never another episode or film."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrpush import catalogue, similar
from engine.store import releases
from tests.arrpush.memory import memory
from tests.arrpush.test_similar import DIFFERENT, NAMES, SAME
from tests.engine.store.samples import infohash

EPISODES = [
    ("Show.S01E01.1080p.WEB.H264-GRP", "Show.S01E02.1080p.WEB.H264-GRP"),
    ("Show.S01E01.1080p.WEB.H264-GRP", "Show.S01E10.1080p.WEB.H264-GRP"),
    ("Show.S01E01.1080p.WEB.H264-GRP", "Show.S01E11.1080p.WEB.H264-GRP"),
    ("Show.S01E01.1080p.WEB.H264-GRP", "Show.S01E01E02.1080p.WEB.H264-GRP"),
    ("Show.S01E01.1080p.WEB.H264-GRP", "Show.S01E01-02.1080p.WEB.H264-GRP"),
    ("Show.S01E01.1080p.WEB.H264-GRP", "Show.S01E1.1080p.WEB.H264-GRP"),
    ("Show.S01E12.1080p.WEB.H264-GRP", "Show.S01E21.1080p.WEB.H264-GRP"),
    ("Show.S01E100.1080p.WEB.H264-GRP", "Show.S01E10.1080p.WEB.H264-GRP"),
    ("Show.S01E01a.1080p.WEB.H264-GRP", "Show.S01E01b.1080p.WEB.H264-GRP"),
    ("Show.1x02.720p.HDTV.x264-GRP", "Show.1x20.720p.HDTV.x264-GRP"),
    ("Show.102.720p.HDTV.x264-GRP", "Show.103.720p.HDTV.x264-GRP"),
    ("Show.E05.720p.HDTV.x264-GRP", "Show.E06.720p.HDTV.x264-GRP"),
    ("Show.Part.1.720p.HDTV.x264-GRP", "Show.Part.2.720p.HDTV.x264-GRP"),
    ("Show.Part.One.720p.HDTV.x264-GRP", "Show.Part.Two.720p.HDTV.x264-GRP"),
    ("Show.Part.IV.720p.HDTV.x264-GRP", "Show.Part.VI.720p.HDTV.x264-GRP"),
    ("Show.Episode.Ten.720p.HDTV.x264-GRP", "Show.Episode.Eleven.720p.HDTV.x264-GRP"),
    ("Show.2024.05.06.720p.WEB.H264-GRP", "Show.2024.06.05.720p.WEB.H264-GRP"),
    ("Show.2024.05.06.720p.WEB.H264-GRP", "Show.2024.05.07.720p.WEB.H264-GRP"),
    ("Show.06.05.2024.720p.WEB.H264-GRP", "Show.2024.05.06.720p.WEB.H264-GRP"),
    ("[Grp] Anime - 08 [1080p].mkv", "[Grp] Anime - 09 [1080p].mkv"),
    ("[Grp] Anime - 08v2 [1080p].mkv", "[Grp] Anime - 08 [1080p].mkv"),
    ("[Grp] Anime S2 - 08 [1080p].mkv", "[Grp] Anime - 08 [1080p].mkv"),
    ("[Grp] Anime - 01-12 [1080p]", "[Grp] Anime - 01 [1080p]"),
    ("Anime \u7b2c\u516b\u8a71 1080p", "Anime \u7b2c\u4e5d\u8a71 1080p"),
    ("Show.S01E01.Pilot.1080p.WEB.H264-GRP", "Show.S01E02.Pilot.1080p.WEB.H264-GRP"),
    ("Show.S00E01.1080p.WEB.H264-GRP", "Show.S01E00.1080p.WEB.H264-GRP"),
]
SEASONS = [
    ("Show.S01E01.1080p.WEB.H264-GRP", "Show.S02E01.1080p.WEB.H264-GRP"),
    ("Show.S01E02.1080p.WEB.H264-GRP", "Show.S02E01.1080p.WEB.H264-GRP"),
    ("Show.S11E01.1080p.WEB.H264-GRP", "Show.S1E101.1080p.WEB.H264-GRP"),
    ("Show.S01.1080p.WEB.H264-GRP", "Show.S02.1080p.WEB.H264-GRP"),
    ("Show.S01.1080p.WEB.H264-GRP", "Show.S10.1080p.WEB.H264-GRP"),
    ("Show.S01.1080p.WEB.H264-GRP", "Show.S01E01.1080p.WEB.H264-GRP"),
    ("Show.S01.1080p.WEB.H264-GRP", "Show.S01-S03.1080p.WEB.H264-GRP"),
    ("Show.S01-S03.1080p.WEB.H264-GRP", "Show.S01-S04.1080p.WEB.H264-GRP"),
    ("Show.S01.1080p.WEB.H264-GRP", "Show.1080p.WEB.H264-GRP"),
    ("Show.Season.1.1080p.WEB.H264-GRP", "Show.Season.2.1080p.WEB.H264-GRP"),
    ("Show.Season.One.1080p.WEB.H264-GRP", "Show.Season.Six.1080p.WEB.H264-GRP"),
    ("Show.Season.II.1080p.WEB.H264-GRP", "Show.Season.III.1080p.WEB.H264-GRP"),
    ("Show.Saison.1.1080p.WEB.H264-GRP", "Show.Saison.3.1080p.WEB.H264-GRP"),
    ("Show.Staffel.Eins.1080p.WEB.H264-GRP", "Show.Staffel.Zwei.1080p.WEB.H264-GRP"),
    ("Show.2nd.Season.08.1080p.WEB.H264-GRP", "Show.3rd.Season.08.1080p.WEB.H264-GRP"),
    ("Show.S03.Part.1.1080p.WEB.H264-GRP", "Show.S03.Part.2.1080p.WEB.H264-GRP"),
    ("Show.S2024E01.1080p.WEB.H264-GRP", "Show.S2023E01.1080p.WEB.H264-GRP"),
]
YEARS = [
    ("Film.1984.1080p.BluRay.x264-GRP", "Film.2024.1080p.BluRay.x264-GRP"),
    ("Film.2023.1080p.BluRay.x264-GRP", "Film.2024.1080p.BluRay.x264-GRP"),
    ("Film.2024.1080p.BluRay.x264-GRP", "Film.1080p.BluRay.x264-GRP"),
    ("1917.2019.1080p.BluRay.x264-GRP", "1917.1080p.BluRay.x264-GRP"),
    ("2012.2009.1080p.BluRay.x264-GRP", "2012.2010.1080p.BluRay.x264-GRP"),
    ("Film.2.2024.1080p.BluRay.x264-GRP", "Film.2024.1080p.BluRay.x264-GRP"),
    ("Film.2.2024.1080p.BluRay.x264-GRP", "Film.3.2024.1080p.BluRay.x264-GRP"),
    ("Film.II.2024.1080p.BluRay.x264-GRP", "Film.2024.1080p.BluRay.x264-GRP"),
    ("Cinema.(2023).1080p.x264-GRP", "Cinema.(2024).1080p.x264-GRP"),
    ("Film.2024", "Film.2025"),
    ("Show.2005.S01E01.720p.HDTV.x264-GRP", "Show.S01E01.720p.HDTV.x264-GRP"),
    ("Show.2005.S01E01.720p.HDTV.x264-GRP", "Show.1963.S01E01.720p.HDTV.x264-GRP"),
    ("Film.2024.\uff11080p.x264-GRP", "Film.2023.1080p.x264-GRP"),
]
RESOLUTIONS = [
    ("Film.2024.1080p.BluRay.x264-GRP", "Film.2024.720p.BluRay.x264-GRP"),
    ("Film.2024.1080p.BluRay.x264-GRP", "Film.2024.2160p.BluRay.x264-GRP"),
    ("Film.2024.1080p.BluRay.x264-GRP", "Film.2024.BluRay.x264-GRP"),
    ("Film.2024.1080p.BluRay.x264-GRP", "Film.2024.1080i.BluRay.x264-GRP"),
    ("Film.2024.1080p.BluRay.x264-GRP", "Film.2024.4K.BluRay.x264-GRP"),
    ("Film.2024.1080p.BluRay.x264-GRP", "Film.2024.1920x1080.BluRay.x264-GRP"),
    ("Film.2024.480p.WEB.x264-GRP", "Film.2024.576p.WEB.x264-GRP"),
    ("Film.2024.UHD.BluRay.x265-GRP", "Film.2024.HD.BluRay.x265-GRP"),
    ("Film.2024.UHD.BluRay.x265-GRP", "Film.2024.BluRay.x265-GRP"),
    ("Film.2024.2160p.HDR10.x265-GRP", "Film.2024.2160p.HDR10+.x265-GRP"),
    ("Film.2024.2160p.HDR.x265-GRP", "Film.2024.2160p.SDR.x265-GRP"),
    ("Film.2024.1080p.BluRay.x264-GRP", "Film.2024.1080p.BluRay.x265-GRP"),
    ("Film.2024.1080p.BluRay.8bit.x265-GRP", "Film.2024.1080p.BluRay.10bit.x265-GRP"),
    ("Film.2024.1080p.DTS.5.1.x264-GRP", "Film.2024.1080p.DTS.7.1.x264-GRP"),
]
OTHER_TITLES = [
    ("Show.UK.S01E01.1080p.WEB.H264-GRP", "Show.US.S01E01.1080p.WEB.H264-GRP"),
    ("Show.S01E01.1080p.WEB.H264-GRP", "The.Show.S01E01.1080p.WEB.H264-GRP"),
    ("Star.Show.S01E01.1080p.WEB.H264-GRP", "Show.Star.S01E01.1080p.WEB.H264-GRP"),
    ("Show.S01E01.1080p.WEB.H264-GRP", "Shown.S01E01.1080p.WEB.H264-GRP"),
]
TRICKY = [*EPISODES, *SEASONS, *YEARS, *RESOLUTIONS, *OTHER_TITLES]

NAME = "The.Show.S01E02.1080p.WEB.H264-GROUP"


def learn(db, *names, first=1):
    """Remember each name with a torrent of its own, the last one as the most recent."""
    for number, name in enumerate(names, first):
        catalogue.learn(db, name, infohash(number), 1_000.0 + number)


def found(db, name):
    infohash_ = catalogue.infohash_of(db, name)
    return int(infohash_, 16) if infohash_ else None


def test_the_table_of_tricky_pairs_is_long_enough():
    assert len({frozenset(pair) for pair in TRICKY}) == len(TRICKY) >= 60


@pytest.mark.parametrize(("one", "other"), [*TRICKY, *DIFFERENT])
def test_another_episode_season_year_or_resolution_is_never_found(db, one, other):
    learn(db, one)
    assert found(db, other) is None
    learn(db, other, first=2)
    assert found(db, one) == (1 if one else None)
    assert found(db, other) == 2


@pytest.mark.parametrize(("one", "other"), [*TRICKY, *DIFFERENT])
def test_nor_is_it_the_other_way_round(db, one, other):
    learn(db, other)
    assert found(db, one) is None


@pytest.mark.parametrize(("one", "other"), SAME)
def test_another_spelling_of_one_release_is_found(db, one, other):
    learn(db, one)
    assert found(db, other) == 1


@pytest.mark.parametrize(("one", "other"), SAME)
def test_and_the_other_way_round(db, one, other):
    learn(db, other)
    assert found(db, one) == 1


def test_each_of_all_tricky_names_together_is_found_as_itself(db):
    names = list(dict.fromkeys(name for pair in TRICKY for name in pair))
    learn(db, *names)

    assert [found(db, name) for name in names] == list(range(1, len(names) + 1))


@given(NAMES, NAMES)
def test_the_database_finds_whatever_the_measure_does(one, other):
    """What is read from it is chosen by less than the whole name; nothing may be lost by that."""
    with memory() as db:
        learn(db, one)
        expected = similar.find(other, [(one, 1)]) if one and other else None
        assert found(db, other) == expected


@given(
    st.sampled_from([pair[0] for pair in SAME]),
    st.lists(st.sampled_from(["rartv", "site", "GROUP", "eztv", "x"]), max_size=3),
    st.sampled_from([" ", ".", "_", "-"]),
)
def test_the_database_finds_a_name_with_something_behind_it_as_the_measure_does(name, more, by):
    other = by.join([name.replace(".", by), *more])
    with memory() as db:
        learn(db, name)
        assert found(db, other) == similar.find(other, [(name, 1)])


def test_of_one_name_the_most_recent_torrent_counts(db):
    learn(db, NAME, NAME, NAME)
    assert found(db, NAME) == 3

    catalogue.learn(db, NAME, infohash(2), 5_000.0)
    assert found(db, NAME) == 2


def test_of_equally_alike_names_the_most_recent_counts_whichever_came_in_last(db):
    catalogue.learn(db, NAME.lower(), infohash(1), 2_000.0)
    catalogue.learn(db, NAME.upper(), infohash(2), 3_000.0)
    catalogue.learn(db, NAME.replace(".", " "), infohash(3), 1_000.0)

    assert found(db, NAME) == 2


def test_a_name_that_is_more_alike_counts_before_a_more_recent_one(db):
    learn(db, NAME, f"{NAME}.site")

    assert found(db, NAME) == 1


def test_a_release_without_a_torrent_or_without_a_name_teaches_nothing(db):
    catalogue.learn(db, NAME, "", 1.0)
    catalogue.learn(db, "", infohash(1), 1.0)
    catalogue.learn(db, infohash(1), infohash(1), 1.0)
    catalogue.learn(db, "C12FE1C06BBA254A9DC9F519B335AA7C1367A88A", HASH, 1.0)

    assert releases.load_all(db) == []


HASH = "c12fe1c06bba254a9dc9f519b335aa7c1367a88a"


def test_a_name_of_any_length_is_no_work_and_one_of_the_longest_is_found(db):
    longest = "A" * catalogue.LONGEST_NAME
    learn(db, longest, longest + "A", "A" * 1_000_000)

    assert found(db, longest) == 1
    assert found(db, longest + "A") is None
    assert found(db, "A" * 1_000_000) is None
    assert len(releases.load_all(db)) == 1


def test_no_name_finds_nothing(db):
    learn(db, "!!!", NAME)

    assert found(db, "") is None
    assert found(db, "???") is None
    assert found(db, "!!!") == 1


def test_the_size_that_somebody_told_is_remembered(db):
    catalogue.learn(db, NAME, HASH, 1.0, size=77)
    catalogue.learn(db, NAME, HASH, 9.9)

    (known,) = releases.load_all(db)
    assert (known.name, known.infohash, known.size, known.seen_at) == (NAME, HASH, 77, 9)


WORDS = "Red Blue Green Black White Lost Last Long Dark Cold".split()  # noqa: SIM905


@pytest.fixture(scope="module")
def ten_thousand():
    """Films of one year, in one resolution and codec: their names have the same digits."""
    with memory() as db:
        with db:
            titles = itertools.product(WORDS, repeat=4)
            learn(db, *(f"{'.'.join(words)}.2024.1080p.WEB.H264-GRP" for words in titles))
        yield db


@pytest.mark.parametrize("number", [0, 1, 4_999, 9_998, 9_999])
def test_among_ten_thousand_each_is_found_however_old_it_is(ten_thousand, number):
    title = " ".join(WORDS[int(digit)] for digit in f"{number:04}")

    assert found(ten_thousand, f"{title} 2024 1080p WEB H.264-GRP") == number + 1


@pytest.mark.parametrize("name", ["Red.Dog.2024.1080p.WEB.H264-GRP", NAME, "Red", "2024"])
def test_among_ten_thousand_one_that_is_not_known_is_not_found(ten_thousand, name):
    assert found(ten_thousand, name) is None


def test_among_ten_thousand_only_those_are_read_that_may_be_meant(ten_thousand, monkeypatch):
    compared = []
    likeness = similar.likeness

    def counted(one, other):
        compared.append(other)
        return likeness(one, other)

    monkeypatch.setattr(similar, "likeness", counted)
    name = "Red.Blue.Green.Black.2024.1080p.WEB.H264-GRP"

    assert found(ten_thousand, f"{name}[site]") == 124
    assert compared == [name]


def test_among_many_names_without_any_number_each_is_found(db):
    with db:
        learn(db, *map(" ".join, itertools.product(WORDS, repeat=3)))

    assert found(db, "red.red.red") == 1
    assert found(db, "Cold Cold Cold") == 1_000
    assert found(db, "Red Red") is None
