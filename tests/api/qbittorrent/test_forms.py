from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.qbittorrent.forms import MAX_FIELDS, parse
from api.qbittorrent.parameters import BadParameter
from tests.fakes.sonarr_http import BOUNDARY, encode_form

# A machine that is busy is no failure.
unhurried = settings(deadline=None)

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"

names = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20)
values = st.text(st.characters(exclude_categories=["Cs"]), max_size=2000)


@unhurried
@given(st.dictionaries(names, values, max_size=5), st.booleans(), st.binary(max_size=200))
def test_every_form_that_sonarr_encodes_is_read_back(form, with_file, content):
    files = (("torrents", "x.torrent", content),) if with_file else ()
    body, content_type = encode_form(form, files)
    parameters = parse(b"", content_type, body)
    assert {name: parameters.get(name) for name in form} == form
    assert [file.content for file in parameters.files] == [content] * with_file


def test_the_body_wins_over_the_query():
    parameters = parse(b"a=query&b=query", URLENCODED, b"a=body")
    assert (parameters.text("a"), parameters.text("b")) == ("body", "query")


def test_a_form_without_a_content_type_is_read_as_urlencoded():
    assert parse(b"", "", b"a=1").text("a") == "1"


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "application/octet-stream"])
def test_a_body_of_another_kind_is_refused(kind):
    with pytest.raises(BadParameter, match=r"^Bad Request$"):
        parse(b"a=1", kind, b'{"a": "2"}')
    assert parse(b"a=1", kind, b"").text("a") == "1"


def test_a_quoted_boundary_is_understood():
    urls = "x" * 1025
    body, _ = encode_form({"urls": urls})
    assert parse(b"", f'multipart/form-data; boundary="{BOUNDARY}"', body).text("urls") == urls


def test_a_file_needs_neither_an_extension_nor_a_content_type_nor_utf8():
    body = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="torrents"; '
        f'filename="Été \u2013 x"\r\n\r\nd\xff\r\n--{BOUNDARY}--\r\n'
    ).encode()
    (file,) = parse(b"", MULTIPART, body).files
    assert (file.field, file.filename) == ("torrents", "Été \u2013 x")
    assert file.content == "d\xff".encode()


def test_several_files_of_one_field_all_arrive():
    body, content_type = encode_form({}, (("torrents", "a", b"1"), ("torrents", "b", b"2")))
    files = parse(b"", content_type, body).files
    assert [(file.filename, file.content) for file in files] == [("a", b"1"), ("b", b"2")]


@pytest.mark.parametrize("filename", ["", '; filename=""'])
def test_a_torrents_part_without_a_file_name_is_a_file(filename):
    body = (
        (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="torrents"{filename}\r\n\r\n'
        ).encode()
        + b"d\xfe\r\n--"
        + f"{BOUNDARY}--\r\n".encode()
    )
    (file,) = parse(b"", MULTIPART, body).files
    assert file.content == b"d\xfe"


def test_text_that_is_no_utf8_is_replaced():
    assert parse(b"a=%ff", URLENCODED, b"b=\xff").text("a") == "\ufffd"
    assert parse(b"a=%ff", URLENCODED, b"b=\xff").text("b") == "\ufffd"


def test_a_broken_multipart_form_is_refused_with_one_sentence():
    body, content_type = encode_form({"urls": "x" * 1025})
    for broken in (body[:-10], b"", b"rubbish", body.replace(b"Content-Disposition", b"X")):
        with pytest.raises(BadParameter, match="broken or not complete"):
            parse(b"", content_type, broken)
    with pytest.raises(BadParameter):
        parse(b"", "multipart/form-data", body)


def test_too_many_fields_are_refused():
    with pytest.raises(BadParameter, match="More than 1000 fields"):
        parse(b"&".join([b"a=1"] * (MAX_FIELDS + 1)), "", b"")
    body, content_type = encode_form({str(n): "" for n in range(MAX_FIELDS)} | {"x": "x" * 1025})
    with pytest.raises(BadParameter):
        parse(b"", content_type, body)


@unhurried
@given(st.binary(max_size=300), st.text(max_size=60), st.binary(max_size=300))
def test_bytes_of_any_kind_are_read_or_refused(query, content_type, body):
    with suppress(BadParameter):
        parse(query, content_type, body)


@unhurried
@given(st.binary(max_size=100), st.binary(max_size=100))
def test_multipart_bytes_of_any_kind_are_read_or_refused(head, tail):
    body = f"--{BOUNDARY}\r\n".encode() + head + b"\r\n\r\n" + tail + f"\r\n--{BOUNDARY}--".encode()
    with suppress(BadParameter):
        parse(b"", MULTIPART, body)
