"""How alike two release names are, to find the torrent of a name that comes without one. Pure.

Theory
    A name found too seldom costs a fallback; one found wrongly costs another episode under this
    one's name. So the measure knows what may differ, and everything else may not.

    A name is cut into tokens: runs of digits, runs of letters, and a plus sign. Case, accents,
    punctuation and the file's ending do not count, `&` is `and`. Letters of scripts that write
    without spaces stand alone.

    A token that tells one thing from another of its kind is a mark: every run of digits (episode,
    season, year, date, resolution, codec), every single letter (the s and e around them, part A),
    every plus sign, number words and Roman numerals, and what makes another release of the same
    thing (proper, extended, german). `05` is not `5`, for 1.05 is not 1.5.

    Two names are compatible when they have the same tokens up to the last mark of either, and
    behind it one has only words that the other has in the same order, and perhaps more: the group,
    the site. That can only be told of a name that has got as far as a resolution or a codec; any
    other is compatible with itself only, for "The 100" and "The 100 Girls" are two films.

Measure
    Dice's coefficient over the tokens: twice those in common, divided by those of both. Halved when
    the names are not compatible, so that it never comes near the threshold.

Guarantees
    Symmetric, from 0 to 1, and 1 for a name and itself. Names whose digits differ, or stand in
    another order, stay at or below one half.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")

THRESHOLD = 0.9
"""Least likeness of one release under two names: one word more behind five tokens or more, two
behind nine. What is not compatible reaches 0.5."""

LONGEST = 1000
"""Characters of a name that are looked at; a longer one is like itself only."""

_NUMBERS = (
    "one two three four five six seven eight nine ten eleven twelve"
    " thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty thirty"
    " first second third fourth fifth sixth seventh eighth ninth tenth last final"
    " un une deux trois quatre cinq sept huit neuf dix premier premiere deuxieme seconde troisieme"
    " onze douze treize quatorze quinze seize vingt trente"
    " eins zwei drei vier funf sechs sieben acht neun zehn erste erster zweite zweiter dritte"
    " uno dos tres cuatro cinco seis siete ocho nueve diez primera segunda tercera"
    " due tre quattro cinque sei sette otto nove dieci prima seconda terza"
    " ii iii iv vi vii viii ix xi xii xiii xiv xv xvi xvii xviii xix xx"
)
_RELEASES = (
    "proper repack rerip real internal extended uncut unrated theatrical directors remastered imax"
    " redux recut cut edition bonus special specials"
    " remux bluray web webrip webdl hdtv dvdrip bdrip hdr dv dovi sdr hevc avc"
    " part pt vol volume chapter episode season series disc disk cd dvd sample trailer extras"
    " multi dual dl dubbed dub subbed sub vost vostfr vff vfq vf truefrench french german english"
    " italian spanish latino dutch nordic swedish danish norwegian finnish polish czech russian"
    " hindi japanese korean chinese"
    " hd uhd fhd qhd sd"
)
MARKS = frozenset(f"{_NUMBERS} {_RELEASES}".split())
"""Words that tell one release from another."""

TECHNICAL = frozenset(
    [*("264", "265", "266"), *("480", "540", "576", "720", "1080", "1440", "2160", "4320")]
)
"""Digits of resolutions and codecs. Behind one of them the title is over."""

_TOKEN = re.compile(
    "\\d+|\\+|[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
    "|(?:(?![\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af])"
    "[^\\W\\d_])+"
    "|[^\\W_]"
)
_ENDING = re.compile(r"\.(?:torrent|mkv|mp4|avi|m4v|ts|nzb)$")
_APOSTROPHES = re.compile("['\u2019`\u00b4]")
# Composed afresh afterwards, so that a syllable of Hangul is one letter again.
_ACCENTS = re.compile("[\u0300-\u036f]")


def likeness(one: str, other: str) -> float:
    """Return how alike two names are, from 0 to 1; see the module's text."""
    if one == other:
        return 1.0
    if max(len(one), len(other)) > LONGEST:
        return 0.0
    first, second = tokens(one), tokens(other)
    if not first or not second:
        return 0.0
    common = (Counter(first) & Counter(second)).total()
    dice = 2 * common / (len(first) + len(second))
    return dice if _compatible(first, second) else dice / 2


def find(name: str, known: Iterable[tuple[str, T]]) -> T | None:
    """Return what goes with the name most like `name`, None when none is like it enough.

    `known` has the most recent first, which wins among equals.
    """
    best, found = THRESHOLD, None
    for candidate, value in known:
        score = likeness(name, candidate)
        if score > best or (score == best and found is None):
            best, found = score, value
    return found


def tokens(name: str) -> tuple[str, ...]:
    """Return the tokens of a name, in order."""
    # Superscript and circled digits become digits, wide letters become letters.
    plain = unicodedata.normalize("NFKD", name.casefold())
    plain = unicodedata.normalize("NFKC", _ACCENTS.sub("", plain)).casefold()
    plain = _ENDING.sub("", _APOSTROPHES.sub("", plain.strip()))
    return tuple(_TOKEN.findall(plain.replace("&", " and ")))


def numbers(name: str) -> tuple[str, ...]:
    """Return the runs of digits in a name, in order."""
    return tuple(token for token in tokens(name) if token.isdigit())


def _compatible(first: tuple[str, ...], second: tuple[str, ...]) -> bool:
    if first == second:
        return True
    if TECHNICAL.isdisjoint(first):
        return False
    end = max(_behind_marks(first), _behind_marks(second))
    if first[:end] != second[:end]:
        return False
    shorter, longer = sorted((first[end:], second[end:]), key=len)
    return _within(shorter, longer)


def _behind_marks(name: tuple[str, ...]) -> int:
    """Return the number of tokens up to the last mark."""
    return max((place for place, token in enumerate(name, 1) if _is_mark(token)), default=0)


def _is_mark(token: str) -> bool:
    return len(token) == 1 or token.isdigit() or token in MARKS


def _within(shorter: tuple[str, ...], longer: tuple[str, ...]) -> bool:
    """Say whether one is the other with tokens left out."""
    rest = iter(longer)
    return all(token in rest for token in shorter)
