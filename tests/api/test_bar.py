import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.bar import Bar, Shown, duration, render, time_to_go
from tests.fakes.clock import Clock

GIB = 1 << 30


def shown(received=GIB, size=4 * GIB, speed=256 << 20, connections=4, resident=54 << 20):
    return Shown(
        received=received, size=size, speed=speed, connections=connections, resident=resident
    )


SHOWN = st.builds(
    Shown,
    received=st.integers(0, 1 << 50),
    size=st.integers(0, 1 << 50),
    speed=st.floats(0, 1e12),
    connections=st.none() | st.integers(0, 16),
    resident=st.integers(0, 1 << 40),
)


def test_what_nobody_tells_is_left_out():
    assert "conn" not in render(shown(connections=None), 90)


def test_a_wide_line_shows_everything():
    line = render(shown(), 90)

    assert line == (
        "[######--------------------]   25%  1.0/4.0 GiB  256 MiB/s  ETA 0:12  4 conn  RAM 54.0 MiB"
    )


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (63, " 25%  1.0/4.0 GiB  256 MiB/s  ETA 0:12  4 conn  RAM 54.0 MiB"),
        (56, "[#-----]   25%  1.0/4.0 GiB  256 MiB/s  ETA 0:12  4 conn"),
        (44, " 25%  1.0/4.0 GiB  256 MiB/s  ETA 0:12"),
        (37, "[##------]   25%  256 MiB/s  ETA 0:12"),
        (20, " 25%  256 MiB/s"),
        (6, " 25%"),
        (2, " 2"),
        (0, ""),
    ],
)
def test_a_narrow_line_leaves_out_what_matters_least(width, line):
    assert render(shown(), width) == line


@given(SHOWN, st.integers(-5, 200))
def test_a_line_is_never_wider_than_the_terminal(what, width):
    assert len(render(what, width)) <= max(width, 0)


@given(SHOWN, st.integers(80, 200))
def test_an_ordinary_terminal_has_room_for_a_bar_or_for_all_numbers(what, width):
    line = render(what, width)

    assert line.isascii()
    assert "%" in line
    assert "ETA" in line


def test_an_unknown_size_shows_what_has_come():
    line = render(shown(size=0), 90)

    assert "0%  1.0 GiB  256 MiB/s  ETA --:--" in line


def test_a_hundred_percent_is_not_said_before_all_is_there():
    assert " 99%" in render(shown(received=4 * GIB - 1), 90)
    assert "100%" in render(shown(received=4 * GIB), 90)
    assert "100%" in render(shown(received=5 * GIB), 90)


def test_a_file_of_nothing_can_be_shown():
    assert "0%" in render(shown(received=0, size=0, speed=0), 90)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "--:--"),
        (0, "0:00"),
        (5.4, "0:05"),
        (59.6, "1:00"),
        (61, "1:01"),
        (3599.9, "1:00:00"),
        (3723, "1:02:03"),
        (86400 * 2 + 3600 * 3, "2d 03h"),
        (1e18, "--:--"),
    ],
)
def test_a_duration_is_short(seconds, text):
    assert duration(seconds) == text


def test_the_time_to_go_is_what_is_missing_at_this_speed():
    assert time_to_go(shown()) == 12.0
    assert time_to_go(shown(received=5 * GIB)) == 0.0
    assert time_to_go(shown(speed=0)) is None
    assert time_to_go(shown(size=0)) is None


class TestTheBar:
    @pytest.fixture
    def stream(self):
        return io.StringIO()

    @pytest.fixture
    def clock(self):
        return Clock()

    @pytest.fixture
    def bar(self, stream, clock):
        return Bar(stream, clock)

    def test_is_drawn_over_itself(self, bar, stream, clock):
        bar.draw(shown())
        clock.now += 0.2
        bar.draw(shown())

        first, second, third = stream.getvalue().split("\r")
        assert first == ""
        assert second == third
        assert second.endswith("\x1b[K")

    def test_is_drawn_five_times_a_second_at_most(self, bar, stream, clock):
        for _ in range(100):
            bar.draw(shown())
            clock.now += 0.01

        assert stream.getvalue().count("\r") == 5

    def test_fits_where_the_terminal_does_not_say_how_wide_it_is(self, bar, stream):
        bar.draw(shown())

        assert len(stream.getvalue().strip("\r").removesuffix("\x1b[K")) <= 79

    def test_leaves_an_empty_line(self, bar, stream):
        bar.draw(shown())
        bar.clear()

        assert stream.getvalue().endswith("\r\x1b[K")

    def test_leaves_nothing_where_nothing_was(self, bar, stream):
        bar.clear()

        assert stream.getvalue() == ""

    def test_can_say_something_else(self, bar, stream):
        bar.say("hashing " + "x" * 200)

        assert stream.getvalue().startswith("\rhashing xxx")
        assert len(stream.getvalue().removesuffix("\x1b[K").strip("\r")) == 79

    def test_does_not_mind_a_terminal_that_is_gone(self, bar, stream):
        stream.close()

        bar.draw(shown())
        bar.clear()
