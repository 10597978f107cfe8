"""What comes as JSON, what comes as a filled template, and what is refused."""

import json
import re

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from arrpush.lenient import MOST_DIGITS, BadJson, fields

TEMPLATE = """{
  "TorrentName": "%s",
  "TorrentUrl": "https://t.example/dl/1?passkey=abc",
  "Size": 1234,
  "Freeleech": true,
  "Indexer": "%s",
  "InfoUrl":"%s"
}
"""
MANY = 1_000_000
"""Characters; a reader that looks at each of them for each of them takes an hour."""

TRICKY = st.text(st.sampled_from('",\\:{}[] \n\t\r\0ntu0"\\xé\U0001f600'), max_size=40)
TEXTS = st.text() | TRICKY
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=10,
)


def read(text):
    return fields(text.encode())


def bad(body):
    with pytest.raises(BadJson) as caught:
        fields(body)
    assert "marked" not in str(caught.value)
    assert caught.value.__cause__ is None
    return caught.value


def outcome(body):
    """The object, or why there is none."""
    try:
        return fields(body)
    except BadJson as problem:
        return problem


def unescaped(text):
    """What a text is when it is valid JSON as it stands between quotes; None when it is not."""
    try:
        value = json.loads(f'"{text}"')
    except ValueError:
        return None
    return value if isinstance(value, str) else None


def ambiguous(text):
    """The three cases that the module says cannot be told apart."""
    holds_an_end = re.search(r'"[ \t\r\n]*,[ \t\r\n]*"[^"]*"[ \t\r\n]*:', text)
    is_escaped = unescaped(text) not in {None, text}
    is_quoted = re.fullmatch(r'"(.*)"', text, re.DOTALL)
    is_quoted = is_quoted and unescaped(is_quoted[1]) is not None
    return holds_an_end or is_escaped or is_quoted


class TestJson:
    @given(st.dictionaries(TEXTS, VALUES), st.booleans(), st.sampled_from([None, 1]))
    def test_is_read_as_json_is(self, value, ascii_only, indent):
        text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)

        assert read(text) == json.loads(text)

    def test_may_begin_with_a_byte_order_mark(self):
        assert fields(b'\xef\xbb\xbf{"a": "\xc3\xa9"}') == {"a": "\u00e9"}

    def test_may_hold_nested_things(self):
        assert read('{"a": {"b": [1, {}]}}') == {"a": {"b": [1, {}]}}

    @pytest.mark.parametrize("body", [b"", b" \n", b"\xef\xbb\xbf", b"[]", b'"marked"', b"1", b"x"])
    def test_that_is_no_object_is_refused(self, body):
        assert "expected an object, which begins with {" in str(bad(body))

    def test_with_a_name_twice_is_refused_at_the_second(self):
        problem = bad(b'{"a": 1,\n "marked": 2, "marked": 3}')

        assert (problem.line, problem.column, problem.byte) == (2, 15, 23)

    @pytest.mark.parametrize(
        "value",
        [
            *("NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * (MOST_DIGITS + 1)),
            *("9" * 100_000, "[" * 100_000, '{"a":' * 100_000, '{"b": 1, "b": 2}', "[1e999]"),
        ],
    )
    def test_with_a_value_that_cannot_be_held_is_refused_where_it_stands(self, value):
        assert bad(f'{{"a": 1, "b": {value}}}'.encode()).byte == 14

    def test_may_hold_the_largest_numbers(self):
        assert read(f'{{"a": -{"9" * MOST_DIGITS}}}') == {"a": -int("9" * MOST_DIGITS)}
        assert read('{"a": 1.7e308}') == {"a": 1.7e308}


class TestTemplate:
    @given(TEXTS, TEXTS, TEXTS)
    @example('The "Show" S01', "\\", '"')
    @example("\\", "\\", "\\")
    @example('"', '""', '" "')
    @example('x"}', 'x",}', '{"a": 1}')
    @example("a\nb", "\tc", 'd",')
    def test_gives_every_text_as_it_was_filled_in(self, name, indexer, link):
        assume(not any(map(ambiguous, (name, indexer, link))))

        assert read(TEMPLATE % (name, indexer, link)) == {
            "TorrentName": name,
            "TorrentUrl": "https://t.example/dl/1?passkey=abc",
            "Size": 1234,
            "Freeleech": True,
            "Indexer": indexer,
            "InfoUrl": link,
        }

    @given(TEXTS, TEXTS)
    def test_gives_every_text_that_was_escaped_beside_one_that_was_not(self, escaped, name):
        assume(not ambiguous(name))
        text = TEMPLATE.replace('"%s"', "%s", 1) % (json.dumps(escaped), name, 'no "JSON"')

        assert read(text)["TorrentName"] == escaped
        assert read(text)["Indexer"] == name

    @given(TEXTS)
    def test_gives_a_text_that_was_escaped_between_quotes(self, name):
        assert read(TEMPLATE % (json.dumps(name), "", ""))["TorrentName"] == name

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ("[100 56 58]", b"d8:"),
            ("[]", b""),
            ("[ 0 255\n]", b"\x00\xff"),
            ('"[100 56 58]"', "[100 56 58]"),
            ("", None),
            ("<no value>", None),
            ("<nil>", None),
            ('"<no value>"', "<no value>"),
            ("null", None),
            ("-1.5e3", -1500.0),
            ("false", False),
            ('["a", {"b": 1}]', ["a", {"b": 1}]),
            ('""', ""),
            ('""""', ""),
        ],
    )
    def test_may_hold_such_a_value(self, value, expected):
        assert read(f'{{"a": {value} , "b": "no "JSON""}}') == {"a": expected, "b": 'no "JSON"'}
        assert read(f'{{"b": "no "JSON"", "a": {value}}}') == {"a": expected, "b": 'no "JSON"'}

    def test_may_end_with_a_comma(self):
        assert read('{"a": "x", }\r\n') == {"a": "x"}
        assert read('{"a": 1,}') == {"a": 1}

    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            ('{"a": "one", "two": "three", "c": ""}', {"a": "one", "two": "three", "c": ""}),
            ('{"a": "C:\\new", "b": "C:\\dir"}', {"a": "C:\new", "b": "C:\\dir"}),
            ('{"a": ""one"", "b": ""one" two"}', {"a": "one", "b": '"one" two'}),
            ('{"a": "one" "b": "two"}', {"a": 'one" "b": "two'}),
        ],
        ids=["cut", "unescaped", "quotes", "comma"],
    )
    def test_is_read_so_where_it_cannot_be_told(self, body, expected):
        assert read(body) == expected

    def test_may_hold_bytes_that_are_no_utf_8(self):
        body = b'{"a": "Am\xe9lie \xc3\xa9 "2001""}'

        assert fields(body) == {"a": 'Am\u00e9lie \u00e9 "2001"'}

    @pytest.mark.parametrize(
        ("body", "line", "column", "byte", "expected"),
        [
            ('\ufeff{"é": x}', 1, 7, 10, "a value as JSON writes it"),
            ('{"a": "é",\n  "b" 1}', 2, 3, 14, "a name in quotes and a colon"),
            ('{"a": 1 "b": 2}', 1, 9, 8, "a comma or the } that closes the object"),
            ('{"a": "x" 2}', 1, 11, 10, "a comma or the } that closes the object"),
            ('{"a": 1.5 GB}', 1, 11, 10, "a comma or the } that closes the object"),
            ('{"a": 1', 1, 8, 7, "a comma or the } that closes the object"),
            ('{"a": 1,', 1, 9, 8, "a name in quotes and a colon"),
            ('{"a": 1,,}', 1, 9, 8, "a name in quotes and a colon"),
            ('{"a": 1} \n x', 2, 2, 11, "nothing more behind the object"),
            ('{"a": [1 256]}', 1, 7, 6, "a list of bytes, each from 0 to 255"),
            ('{"a": ["x" 1]}', 1, 12, 11, "a value as JSON writes it"),
            ("{'a': 1}", 1, 2, 1, "a name in quotes and a colon"),
            ('{"a": ', 1, 6, 5, "a value as JSON writes it"),
            (
                *('{"a": "x', 1, 7, 6),
                "a text that ends with a quote, and then a comma or the } that closes the object",
            ),
        ],
    )
    def test_that_is_broken_is_refused_where_it_is(self, body, line, column, byte, expected):
        problem = bad(body.encode())

        assert (problem.line, problem.column, problem.byte) == (line, column, byte)
        assert str(problem) == f"line {line}, column {column} (byte {byte}): expected {expected}"


PIECES = st.sampled_from(
    [
        *(
            '{"a": ',
            '"',
            "\\",
            ",",
            ":",
            "}",
            "[",
            "]",
            '", "b": ',
            "1",
            " ",
            "\n",
            "NaN",
            "marked",
        ),
        *("<no value>", '"}', "[1 2]", "\ufeff", "\udcff"),
    ]
)


@given(st.lists(PIECES).map("".join) | st.text())
def test_any_text_gives_an_object_or_is_refused_without_being_repeated(text):
    body = text.encode("utf-8", "surrogateescape")
    said = outcome(body)

    assert isinstance(said, dict) or "marked" not in str(said)
    assert isinstance(said, dict) or 0 <= said.byte <= len(body)


@given(st.binary())
def test_any_bytes_give_an_object_or_are_refused(body):
    assert isinstance(outcome(body), dict | BadJson)


@pytest.mark.parametrize(
    ("begin", "piece", "end"),
    [
        ('{"a": "', '"', ""),
        ('{"a": "', '"', '"}'),
        ('{"a": "', "\\", ""),
        ('{"a": "\n', '\\"', '"}'),
        ('{"a": "', '" , ', ""),
        ('{"a": "', '", "b"', ""),
        ('{"a": "', '"\n', '"}'),
        ('{"a": "', '"}', ""),
        ('{"a": "', "\udcff", ""),
        ('{"a": ', "[", ""),
        ('{"a": [', "1 ", "]}"),
        ('{"a": ', "9", "}"),
        ('{"a": 1.', "9", ",}"),
        ('{"a": ', " ", "x"),
        ('{"a": 1', " ", "x"),
        ('{"', "a", '": 1,}'),
        ("", '{"a":', ""),
    ],
)
def test_a_large_body_is_read_in_one_go(begin, piece, end):
    """This ends at once, or, should it ever look back at all it has read, not today."""
    text = begin + piece * (MANY // len(piece)) + end

    assert outcome(text.encode("utf-8", "surrogateescape"))


def test_many_fields_are_read_in_one_go():
    count = MANY // 20
    text = ",".join(f'"k{number}": "\\x"' for number in range(count))

    assert len(read(f"{{{text}}}")) == count
