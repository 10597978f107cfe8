"""Finding a release by its name: the same under another spelling, and never another one."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from arrpush.similar import LONGEST, THRESHOLD, find, likeness, numbers

BASE = "The.Show.S01E02.1080p.WEB.H264-GROUP"

SAME = [
    (BASE, "The Show S01E02 1080p WEB H264-GROUP"),
    (BASE, "the.show.s01e02.1080p.web.h264-group.mkv"),
    (BASE, "The_Show_S01E02_1080p_WEB_H.264_GROUP.torrent"),
    (BASE, "The.Show.S01E02.1080p.WEB.H264-GROUP[rartv]"),
    (BASE, "The.Show.S01E02.1080p.WEB.H264"),
    ("Caf\u00e9.Soci\u00e9t\u00e9.2016.720p.BluRay.x264-A", "Cafe Societe 2016 720p BluRay x264-A"),
    ("Grey's.Anatomy.S01E01.720p.WEB.x264-G", "Greys Anatomy S01E01 720p WEB x264 G"),
    ("Fast.&.Furious.2009.1080p.BluRay.x264-G", "Fast and Furious 2009 1080p BluRay x264-G"),
    ("Alien\u00b3.1992.1080p.x264-GROUP", "Alien3.1992.1080p.x264-GROUP"),
]

DIFFERENT = [
    # episode
    (BASE, "The.Show.S01E03.1080p.WEB.H264-GROUP"),
    (BASE, "The.Show.S01E20.1080p.WEB.H264-GROUP"),
    (BASE, "The.Show.S01E02E03.1080p.WEB.H264-GROUP"),
    (BASE, "The.Show.S01E02-E03.1080p.WEB.H264-GROUP"),
    (BASE, "The.Show.S01E002.1080p.WEB.H264-GROUP"),
    ("The.Show.E1.05.720p.WEB-GROUP", "The.Show.E1.5.720p.WEB-GROUP"),
    ("[Group] Anime - 01 (1080p) [ABCD1234].mkv", "[Group] Anime - 02 (1080p) [ABCD1234].mkv"),
    ("[Group] Anime - 01 (1080p).mkv", "[Group] Anime - 01v2 (1080p).mkv"),
    ("Daily.Show.2024.01.02.720p.WEB-G", "Daily.Show.2024.02.01.720p.WEB-G"),
    ("Anime.1080p.\u7b2c\u4e00\u8a71", "Anime.1080p.\u7b2c\u4e8c\u8a71"),
    # season
    (BASE, "The.Show.S02E01.1080p.WEB.H264-GROUP"),
    (BASE, "The.Show.S02E02.1080p.WEB.H264-GROUP"),
    (BASE, "The.Show.S01.1080p.WEB.H264-GROUP"),
    ("The.Show.S01.1080p.WEB.H264-GROUP", "The.Show.S01-S02.1080p.WEB.H264-GROUP"),
    ("The.Show.Season.One.1080p.WEB-GROUP", "The.Show.Season.Two.1080p.WEB-GROUP"),
    ("Le.Show.Saison.Deux.1080p.WEB-GROUP", "Le.Show.Saison.Trois.1080p.WEB-GROUP"),
    ("The.Show.1x11.720p.WEB-GROUP", "The.Show.11x1.720p.WEB-GROUP"),
    # year
    ("A.Film.1999.1080p.BluRay.x264-G", "A.Film.2000.1080p.BluRay.x264-G"),
    ("A.Film.1999.1080p.BluRay.x264-G", "A.Film.1080p.BluRay.x264-G"),
    ("2012.2009.1080p.BluRay.x264-G", "2009.2012.1080p.BluRay.x264-G"),
    # resolution
    (BASE, "The.Show.S01E02.720p.WEB.H264-GROUP"),
    (BASE, "The.Show.S01E02.2160p.WEB.H264-GROUP"),
    (BASE, "The.Show.S01E02.1080i.WEB.H264-GROUP"),
    (BASE, "The.Show.S01E02.WEB.H264-GROUP"),
    ("A.Film.2019.4K.HDR10.x265-GROUP", "A.Film.2019.4K.HDR10+.x265-GROUP"),
    ("A.Film.2019.HD.BluRay.AVC.DTS-GROUP", "A.Film.2019.UHD.BluRay.AVC.DTS-GROUP"),
    # part
    ("Kill.Bill.Vol.1.2003.1080p.x264-G", "Kill.Bill.Vol.2.2003.1080p.x264-G"),
    ("A.Film.Part.One.2023.1080p.WEB-G", "A.Film.Part.Two.2023.1080p.WEB-G"),
    ("A.Film.Part.II.2023.1080p.WEB-G", "A.Film.Part.III.2023.1080p.WEB-G"),
    ("A.Film.Part.I.2023.1080p.WEB-G", "A.Film.Part.V.2023.1080p.WEB-G"),
    ("A.Film.2023.1080p.WEB.x264.Part.A", "A.Film.2023.1080p.WEB.x264.Part.B"),
    ("A.Film.2023.1080p.WEB.x264", "A.Film.2023.1080p.WEB.x264.Part.Two"),
    ("A.Film.2023.1080p.WEB.H264.cd", "A.Film.2023.1080p.WEB.H264.cd2"),
    ("Ein.Film.Teil.Zwei.2023.1080p.WEB-G", "Ein.Film.Teil.2023.1080p.WEB-G"),
    ("Un.Film.Partie.Treize.2023.1080p.WEB-G", "Un.Film.Partie.Quinze.2023.1080p.WEB-G"),
    ("A.Film.Part.\u2161.2023.1080p.WEB-G", "A.Film.Part.\u2160.2023.1080p.WEB-G"),
    ("A.Long.Film.Name.1080p.WEB.Thirteen", "A.Long.Film.Name.1080p.WEB"),
    ("Un.Long.Nom.De.Film.1080p.WEB.Treize", "Un.Long.Nom.De.Film.1080p.WEB"),
    # another title
    ("The.Office.S01E01.1080p.WEB.H264-G", "The.Office.US.S01E01.1080p.WEB.H264-G"),
    ("Fear.The.Walking.Dead.S01E01.720p.x264-G", "The.Walking.Dead.S01E01.720p.x264-G"),
    ("Freddy.vs.Jason.2003.1080p.x264-G", "Jason.vs.Freddy.2003.1080p.x264-G"),
    ("Some Long Name Of A Film", "Some Long Name Of A Film Again"),
    ("24.S01E01.720p.WEB.x264-GROUP", "24.Legacy.S01E01.720p.WEB.x264-GROUP"),
    ("The.100", "The.100.Girls"),
    ("Blade.Runner.2049", "Blade.Runner.2049.Making"),
    ("The.Girl.In.The.Room.105", "The.Girl.In.The.Room.105.Returns"),
    ("A.Film.2019", "A.Film.2019.Group"),
    # another release of the same
    (BASE, "The.Show.S01E02.1080p.WEB.H264-OTHER"),
    (BASE, "The.Show.S01E02.PROPER.1080p.WEB.H264-GROUP"),
    (BASE, "The.Show.S01E02.1080p.HDTV.H264-GROUP"),
    ("The.Show.S01E02.1080p.WEB.H264", "The.Show.S01E02.1080p.WEB.H264.German"),
    ("A.Film.2019", "A.Film.2019.Directors"),
    # no name
    ("!!!", "???"),
    ("", "A"),
]

NAMES = st.one_of(
    st.text(max_size=40),
    st.lists(
        st.sampled_from(
            [
                *("The", "Show", "S01E02", "S02E01", "1080p", "720p", "WEB"),
                *("part", "two", "ii", "A", "+", "GROUP", "2019"),
            ]
        ),
        max_size=9,
    ).map(".".join),
)


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_release_in_another_spelling_is_found(one, other):
    assert likeness(one, other) >= THRESHOLD
    assert find(one, [(other, "it")]) == "it"


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_another_one_is_never_found(one, other):
    assert likeness(one, other) < THRESHOLD
    assert find(one, [(other, "it")]) is None
    assert find(other, [(one, "it")]) is None


@given(NAMES, NAMES)
def test_likeness_is_symmetric_and_from_0_to_1(one, other):
    assert likeness(one, other) == likeness(other, one)
    assert 0 <= likeness(one, other) <= 1


@given(st.text())
def test_a_name_is_like_itself(name):
    assert likeness(name, name) == 1


@given(NAMES, NAMES)
def test_names_with_other_numbers_stay_at_one_half(one, other):
    assume(numbers(one) != numbers(other))

    assert likeness(one, other) <= 0.5


@given(NAMES, st.integers(0, 9999), st.integers(0, 9999), NAMES)
def test_one_number_that_differs_is_enough(before, one, other, after):
    assume(one != other)
    names = [f"{before} {number} {after}" for number in (one, other)]

    assert likeness(*names) <= 0.5


@given(st.integers(0, 9), st.sampled_from(["fear", "us", "proper", "3", "x", "zwei"]))
def test_no_word_more_is_let_through_before_the_last_number(place, word):
    words = "Some Show With A Long Name S01E02 1080p WEB H264 GROUP".split()  # noqa: SIM905
    more = [*words[:place], word, *words[place:]]

    assert likeness(".".join(words), ".".join(more)) <= 0.5


def test_the_best_is_found_and_among_equals_the_most_recent():
    known = [
        ("The.Show.S01E03.1080p.WEB.H264-GROUP", 0),
        (f"{BASE}.site", 1),
        (BASE.lower(), 2),
        (BASE.upper(), 3),
    ]

    assert find(BASE, known) == 2
    assert find("Another.2020.1080p", known) is None
    assert find(BASE, []) is None


def test_a_name_of_any_length_is_no_work():
    assert likeness("a" * (LONGEST + 1), "b") == 0
