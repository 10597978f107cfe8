import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import resume
from api.resume import BadRecord, Record, record_path, source_of
from engine.transfer.errors import DiskTrouble
from engine.transfer.urls import parse_url

RECORD = Record(source="ab" * 32, size=1000, flushed=600, etag='"v1"', last_modified="")


@pytest.fixture
def part(tmp_path):
    """An unfinished file of 700 bytes."""
    part = tmp_path / "film.mkv.part"
    part.write_bytes(bytes(700))
    return part


def test_what_is_saved_can_be_loaded(part):
    resume.save(part, RECORD)

    assert resume.load(part, RECORD.source) == RECORD


def test_a_record_is_a_documented_object_and_holds_no_address(part):
    resume.save(part, RECORD)

    assert json.loads(record_path(part).read_text()) == {
        "format": 1,
        "source": "ab" * 32,
        "size": 1000,
        "flushed": 600,
        "etag": '"v1"',
        "last_modified": "",
    }


def test_a_later_record_takes_the_place_of_the_one_before(part):
    resume.save(part, RECORD)
    later = Record(source=RECORD.source, size=1000, flushed=700, etag="", last_modified="today")
    resume.save(part, later)

    assert resume.load(part, RECORD.source) == later
    assert sorted(file.name for file in part.parent.iterdir()) == [
        "film.mkv.part",
        "film.mkv.part.resume",
    ]


def test_where_nothing_is_there_is_nothing_to_go_on_with(tmp_path):
    assert resume.load(tmp_path / "film.mkv.part", "x") is None


def test_an_empty_file_without_a_record_is_a_beginning(part):
    part.write_bytes(b"")

    assert resume.load(part, RECORD.source) is None


def test_bytes_without_a_record_are_not_trusted(part):
    with pytest.raises(BadRecord, match="nothing tells"):
        resume.load(part, RECORD.source)


def test_a_record_of_another_address_is_not_trusted(part):
    resume.save(part, RECORD)

    with pytest.raises(BadRecord, match="another address"):
        resume.load(part, "cd" * 32)


def test_a_record_of_more_than_there_is_is_not_trusted(part):
    resume.save(part, RECORD)
    os.truncate(part, 599)

    with pytest.raises(BadRecord, match="shorter"):
        resume.load(part, RECORD.source)


def test_a_record_without_its_file_is_not_trusted(part):
    resume.save(part, RECORD)
    part.unlink()

    with pytest.raises(BadRecord, match="shorter"):
        resume.load(part, RECORD.source)


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"flushed": -1},
        {"flushed": "600"},
        {"size": 1.5},
        {"size": 599},
        {"etag": None},
        {"surprise": 1},
    ],
)
def test_a_record_that_is_not_as_documented_is_not_trusted(part, change):
    resume.save(part, RECORD)
    fields = json.loads(record_path(part).read_text()) | change
    record_path(part).write_text(json.dumps(fields))

    with pytest.raises(BadRecord):
        resume.load(part, RECORD.source)


@given(data=st.binary(max_size=200))
def test_a_damaged_record_is_not_trusted(tmp_path_factory, data):
    part = tmp_path_factory.mktemp("damaged") / "film.part"
    part.write_bytes(b"x")
    record_path(part).write_bytes(data)

    with pytest.raises(BadRecord):
        resume.load(part, RECORD.source)


@pytest.mark.parametrize("length", range(0, 120, 7))
def test_a_record_that_was_cut_off_is_not_trusted(part, length):
    resume.save(part, RECORD)
    os.truncate(record_path(part), length)

    with pytest.raises(BadRecord):
        resume.load(part, RECORD.source)


def test_a_record_can_be_forgotten(part):
    resume.save(part, RECORD)
    resume.forget(part)
    resume.forget(part)

    assert not record_path(part).exists()


def test_a_record_that_cannot_be_written_is_trouble_with_the_disk(tmp_path):
    with pytest.raises(DiskTrouble, match=r"cannot write .*film\.part\.resume: No such file"):
        resume.save(tmp_path / "missing" / "film.part", RECORD)


def test_a_record_that_cannot_be_replaced_leaves_nothing_beside_it(part):
    record_path(part).mkdir()

    with pytest.raises(DiskTrouble, match="cannot write"):
        resume.save(part, RECORD)
    assert not part.with_name("film.mkv.part.resume.new").exists()


def test_a_record_that_cannot_be_read_is_trouble_with_the_disk(part):
    record_path(part).mkdir()

    with pytest.raises(DiskTrouble, match="cannot read"):
        resume.load(part, RECORD.source)


def test_a_record_that_cannot_be_removed_is_trouble_with_the_disk(part):
    record_path(part).mkdir()

    with pytest.raises(DiskTrouble, match="cannot remove"):
        resume.forget(part)


def test_an_address_is_known_by_all_but_its_query():
    source = source_of(parse_url("https://host/dl/film.mkv?token=1"))

    assert source == source_of(parse_url("https://HOST:443/dl/film.mkv?token=2"))
    assert source != source_of(parse_url("https://host/dl/other.mkv?token=1"))
    assert source != source_of(parse_url("https://host:8443/dl/film.mkv"))
    assert source != source_of(parse_url("http://host/dl/film.mkv"))
    assert "film" not in source
