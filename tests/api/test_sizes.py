import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.sizes import MAX_SIZE, BadSize, format_size, human_size, parse_rate, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("65536", 65536),
        ("512M", 512 * 1024**2),
        ("64m", 64 * 1024**2),
        ("1G", 1024**3),
        ("1.5G", 3 * 1024**3 // 2),
        ("1.5K", 1536),
        ("2T", 2 * 1024**4),
        ("512MB", 512 * 1024**2),
        ("512 MiB", 512 * 1024**2),
        ("10b", 10),
        ("  8M ", 8 * 1024**2),
        ("0.3K", 307),
        ("9223372036854775807", MAX_SIZE),
    ],
)
def test_a_size_is_read_as_people_write_it(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "M",
        "-1",
        "+1",
        "1,5G",
        "1.5",
        ".5M",
        "1.M",
        "1e3",
        "0x10",
        "512X",
        "512MM",
        "5 1 2M",
        "1i",
        "nan",
        "inf",
        "٣M",
        "1\u0131B",
        "1_000",
    ],
)
def test_what_is_no_size_is_refused(text):
    with pytest.raises(BadSize, match="not a size"):
        parse_size(text)


@pytest.mark.parametrize("text", ["9223372036854775808", "8388608T", "9999999999999999999P"])
def test_a_size_beyond_any_file_is_refused(text):
    with pytest.raises(BadSize, match="larger than any file"):
        parse_size(text)


@pytest.mark.parametrize(
    ("text", "rate"),
    [("10M", 10 << 20), ("10M/s", 10 << 20), ("10MiB/S ", 10 << 20), ("0", 0), ("500K", 500 << 10)],
)
def test_a_rate_is_a_size_per_second(text, rate):
    assert parse_rate(text) == rate


@pytest.mark.parametrize("text", ["/s", "10M/m", "10M/s/s", "fast"])
def test_what_is_no_rate_is_refused(text):
    with pytest.raises(BadSize):
        parse_rate(text)


@given(st.integers(0, MAX_SIZE))
def test_the_exact_spelling_reads_back_as_the_same_size(size):
    assert parse_size(format_size(size)) == size


@given(st.integers(1, 1023), st.sampled_from("KMGT"))
def test_a_whole_number_of_units_is_spelled_with_that_unit(count, unit):
    assert format_size(parse_size(f"{count}{unit}")) == f"{count}{unit}"


@given(st.text(max_size=30))
def test_any_text_is_a_size_or_refused(text):
    try:
        size = parse_size(text)
    except BadSize:
        return
    assert 0 <= size <= MAX_SIZE


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (1024**2 - 1, "1.0 MiB"),
        (150 * 1024**2, "150 MiB"),
        (4 * 1024**3, "4.0 GiB"),
        (1024**5, "1.0 PiB"),
    ],
)
def test_a_size_for_reading_is_rounded(size, text):
    assert human_size(size) == text


@given(st.integers(0, 1 << 59))
def test_a_size_for_reading_is_short(size):
    assert len(human_size(size)) <= 10
