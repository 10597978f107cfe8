import hashlib
import time
from pathlib import Path

import bencodepy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.metainfo import BadMetainfo, MetaFile, parse_torrent
from tests.data.torrents.contents import NESTED, SINGLE, SIZES, UNICODE

TORRENTS = Path(__file__).parents[1] / "data" / "torrents"


def torrent(info=None, without=(), **outer):
    """Bytes of a small single-file .torrent, changed as told."""
    fields = {b"name": b"a.mkv", b"length": 100, b"piece length": 64, b"pieces": bytes(40)}
    fields |= info or {}
    fields = {key: value for key, value in fields.items() if key not in without}
    return bencodepy.encode({"info": fields, **outer})


def many(*files, **info):
    """Bytes of a .torrent of several files, each (path, size) or (path, size, attr)."""
    entries = [
        {"length": size, "path": list(path), **({"attr": attr[0]} if attr else {})}
        for path, size, *attr in files
    ]
    count = -(-sum(size for _, size, *_ in files) // 64)
    fields = {b"files": entries, b"pieces": bytes(20 * count), b"name": b"Folder"}
    return torrent(fields | {key.encode(): value for key, value in info.items()}, {b"length"})


# --- made by other tools ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "infohash"),
    [
        ("single", "cae352fd0d2e9e321336037d0046919eb0f61f57"),
        ("nested", "8db7dea7141ae6a92fc3a01ba94ae04eee2933dd"),
        ("nested-transmission", "1d01f45da437dfcd6d97acf0482d350f70cf0d93"),
        ("unicode", "73d8688c6eea1640ce03de360cff967518ea7a46"),
    ],
)
def test_the_infohash_is_what_transmission_show_prints(name, infohash):
    assert parse_torrent((TORRENTS / f"{name}.torrent").read_bytes()).infohash == infohash


def test_a_single_file_of_mktorrent():
    meta = parse_torrent((TORRENTS / "single.torrent").read_bytes())
    assert meta.single_file
    assert meta.name == SINGLE
    assert meta.files == (MetaFile((SINGLE,), 150_001, padding=False, offset=0),)
    assert (meta.size, meta.piece_length, len(meta.pieces)) == (150_001, 32_768, 5 * 20)
    assert meta.trackers == ("http://tracker.example/announce",)
    assert not meta.private


def test_nested_folders_of_mktorrent():
    meta = parse_torrent((TORRENTS / "nested.torrent").read_bytes())
    assert not meta.single_file
    assert meta.private
    assert meta.name == NESTED
    assert {"/".join((NESTED, *file.path)): file.size for file in meta.files} == {
        path: size for path, size in SIZES.items() if path.startswith(NESTED)
    }
    offsets = [file.offset for file in meta.files]
    sizes = [file.size for file in meta.files]
    assert offsets == [sum(sizes[:at]) for at in range(len(sizes))]
    assert meta.trackers == (
        "http://one.example/announce",
        "http://two.example/announce",
        "http://three.example/announce",
    )


def test_unicode_names_of_transmission():
    meta = parse_torrent((TORRENTS / "unicode.torrent").read_bytes())
    assert meta.name == UNICODE
    assert [file.path for file in meta.files] == [
        ("Épisode ①.mkv",),
        ("ночь.txt",),
        ("日本語", "字幕.srt"),
    ]
    assert meta.trackers == ()


# --- identity --------------------------------------------------------------------------------


def test_the_infohash_is_of_the_bytes_as_they_stand_even_when_keys_are_unsorted():
    info = b"d6:pieces20:" + bytes(20) + b"4:name1:a12:piece lengthi64e6:lengthi3ee"
    meta = parse_torrent(b"d4:info" + info + b"8:announce3:urle")
    assert meta.infohash == hashlib.sha1(info).hexdigest()
    assert meta.trackers == ("url",)


def test_a_second_info_is_refused():
    one = torrent()
    with pytest.raises(BadMetainfo, match=f"second info dictionary at byte {len(one) + 5}"):
        parse_torrent(one[:-1] + b"4:info" + one[len(b"d4:info") :])


@given(st.data())
def test_a_mutation_is_read_or_refused_and_nothing_else(data):
    whole = (
        TORRENTS / data.draw(st.sampled_from(["nested.torrent", "unicode.torrent"]))
    ).read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    replacement = data.draw(st.binary(max_size=3))
    try:
        meta = parse_torrent(whole[:at] + replacement + whole[at + 1 :])
    except BadMetainfo as error:
        assert str(error)  # noqa: PT017 - either outcome is right
    else:
        assert meta.size == sum(file.size for file in meta.files if not file.padding)


@given(st.data())
def test_every_truncation_is_refused_with_a_byte_position(data):
    whole = (TORRENTS / "nested.torrent").read_bytes()
    with pytest.raises(BadMetainfo, match=r"at byte \d+"):
        parse_torrent(whole[: data.draw(st.integers(0, len(whole) - 1))])


# --- names -----------------------------------------------------------------------------------


def test_the_utf8_twins_of_names_win():
    data = bencodepy.encode(
        {
            "info": {
                "name": b"\xb1",
                "name.utf-8": "Ordner ü",
                "files": [{"length": 3, "path": [b"\xb2"], "path.utf-8": ["Bücher", "ä.txt"]}],
                "piece length": 64,
                "pieces": bytes(20),
            }
        }
    )
    meta = parse_torrent(data)
    assert meta.name == "Ordner ü"
    assert meta.files[0].path == ("Bücher", "ä.txt")


def test_empty_twins_are_passed_over():
    meta = parse_torrent(
        torrent(
            {
                b"name.utf-8": b"",
                b"files": [{"length": 100, "path": ["a"], "path.utf-8": []}],
            },
            {b"length"},
        )
    )
    assert (meta.name, meta.files[0].path) == ("a.mkv", ("a",))


def test_names_that_are_not_utf8_stay_different_from_each_other():
    meta = parse_torrent(many(([b"\xe9.txt"], 1), ([b"\xe8.txt"], 1)))
    assert [file.path for file in meta.files] == [("é.txt",), ("è.txt",)]


def test_a_torrent_without_a_name_is_called_by_its_infohash():
    for data in (torrent({b"name": b""}), torrent(without={b"name"})):
        meta = parse_torrent(data)
        assert meta.name == meta.infohash
        assert meta.files[0].path == (meta.infohash,)


def test_names_stay_as_they_are_however_hostile():
    assert parse_torrent(many(([b"..", b"/etc", b"x"], 1))).files[0].path == ("..", "/etc", "x")


# --- files -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "size", "attr"),
    [
        ([b".pad", b"24"], 24, b"p"),
        ([b"any", b"name"], 24, b"xp"),
        ([b".pad", b"24"], 24, None),
        ([b"_____padding_file_0_if you see this file, please update____"], 24, None),
    ],
)
def test_padding_is_told_from_content(path, size, attr):
    padding = (path, size, attr) if attr else (path, size)
    meta = parse_torrent(many(([b"a"], 40), padding, ([b"b"], 64)))
    assert [file.padding for file in meta.files] == [False, True, False]
    assert [file.offset for file in meta.files] == [0, 40, 64]
    assert meta.size == 104


@pytest.mark.parametrize(
    ("path", "size"),
    [([b".pad", b"64"], 64), ([b".pad", b"notes.txt"], 5), ([b"24"], 24), ([b"_____padding"], 9)],
)
def test_content_that_looks_a_little_like_padding_is_content(path, size):
    assert not parse_torrent(many((path, size))).files[0].padding


def test_empty_files_are_allowed():
    meta = parse_torrent(many(([b"empty"], 0), ([b"a"], 7), ([b"also"], 0)))
    assert [file.size for file in meta.files] == [0, 7, 0]
    assert meta.size == 7


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"i1e", r"the \.torrent must be a dictionary"),
        (b"le", r"the \.torrent must be a dictionary"),
        (b"d8:announce1:ae", "no info dictionary"),
        (b"d4:infoi1ee", "info must be a dictionary"),
        (torrent(without={b"length"}), r"info\.length must be an integer from 0"),
        (torrent({b"length": -1}), r"info\.length must be"),
        (torrent({b"length": 2**63}), r"info\.length must be"),
        (torrent({b"length": b"1"}), r"info\.length must be"),
        (torrent({b"length": 0, b"pieces": b""}), "nothing to download"),
        (torrent({b"length": 129}), "has 40 bytes, but 129 bytes in pieces of 64 need 60"),
        (torrent({b"pieces": bytes(39)}), "has 39 bytes"),
        (torrent({b"pieces": 3}), r"info\.pieces must be a string"),
        (torrent(without={b"pieces"}), r"info\.pieces must be a string"),
        (torrent({b"piece length": 0}), r"info\.piece length must be an integer from 1"),
        (torrent({b"piece length": 2**30 + 1}), r"info\.piece length must be"),
        (torrent({b"name": 5}), r"info\.name must be text"),
        (torrent({b"files": []}), r"info\.files must be a list of at least one file"),
        (torrent({b"files": {}}), r"info\.files must be a list"),
        (torrent({b"files": [1]}), r"info\.files\[0\] must be a dictionary"),
        (torrent({b"files": [{"path": ["a"]}]}), r"info\.files\[0\]\.length must be"),
        (torrent({b"files": [{"length": 1}]}), r"info\.files\[0\]\.path must be a list"),
        (torrent({b"files": [{"length": 1, "path": []}]}), r"files\[0\]\.path must be a list"),
        (torrent({b"files": [{"length": 1, "path": [""]}]}), r"files\[0\]\.path must be a list"),
        (torrent({b"files": [{"length": 1, "path": [1]}]}), r"files\[0\]\.path must be text"),
        (many(([b"a"], 0), ([b"b"], 0)), "nothing to download"),
        (many(([b".pad", b"3"], 3, b"p")), "nothing to download"),
        (many(([b"a"], 1), ([b".pad", b"64"], 64, b"p")), r"files\[1\] is marked as padding"),
    ],
)
def test_nonsense_is_refused_by_field(data, message):
    with pytest.raises(BadMetainfo, match=message):
        parse_torrent(data)


def test_the_sum_of_sizes_must_fit_as_well():
    files = [{"length": 2**62, "path": [name]} for name in "abc"]
    with pytest.raises(BadMetainfo, match=r"info\.files\[1\]\.length must be"):
        parse_torrent(torrent({b"files": files}))


@pytest.mark.parametrize("length", [65, 100, 128])
def test_the_last_piece_may_be_short(length):
    assert parse_torrent(torrent({b"length": length})).size == length


# --- versions --------------------------------------------------------------------------------


TREE = {"a.mkv": {"": {"length": 100, "pieces root": bytes(32)}}}


@pytest.mark.parametrize("info", [{b"meta version": 2}, {b"file tree": TREE}])
def test_a_v2_only_torrent_is_refused_clearly(info):
    with pytest.raises(BadMetainfo, match="v2-only torrent, which AllDebrid cannot fetch"):
        parse_torrent(torrent(info, {b"pieces", b"length"}))


def test_a_hybrid_torrent_is_read_by_its_v1_half():
    data = torrent({b"meta version": 2, b"file tree": TREE})
    meta = parse_torrent(data)
    info = data[len(b"d4:info") : -1]
    assert meta.infohash == hashlib.sha1(info).hexdigest()
    assert meta.files == (MetaFile(("a.mkv",), 100, padding=False, offset=0),)


# --- trackers --------------------------------------------------------------------------------


def test_trackers_are_kept_in_order_each_once():
    tiers = [["http://b/", "http://a/"], ["http://c/", "http://b/"]]
    meta = parse_torrent(torrent(announce="http://a/", **{"announce-list": tiers}))
    assert meta.trackers == ("http://a/", "http://b/", "http://c/")


@pytest.mark.parametrize(
    ("tiers", "trackers"),
    [
        (["http://flat/"], ("http://a/", "http://flat/")),
        ([[]], ("http://a/",)),
        ([["", " http://b/ ", 3]], ("http://a/", "http://b/")),
        (7, ("http://a/",)),
        ({"x": 1}, ("http://a/",)),
    ],
)
def test_a_malformed_announce_list_gives_what_it_can(tiers, trackers):
    data = torrent(announce="http://a/", **{"announce-list": tiers})
    assert parse_torrent(data).trackers == trackers


def test_no_tracker_is_in_the_repr():
    meta = parse_torrent(torrent(announce="http://a/passkey"))
    assert "passkey" not in repr(meta)
    assert meta.infohash in repr(meta)


# --- speed -----------------------------------------------------------------------------------


def test_ten_mebibytes_are_read_in_well_under_a_second():
    count = 20_000
    files = [{"length": 2**20, "path": [f"folder {n % 50}", f"file {n}.bin"]} for n in range(count)]
    pieces = bytes(20 * count * 2**20 // 2**16)
    data = torrent({b"files": files, b"piece length": 2**16, b"pieces": pieces}, {b"length"})
    assert len(data) > 7 * 2**20
    began = time.process_time()
    assert len(parse_torrent(data).files) == count
    assert time.process_time() - began < 1
