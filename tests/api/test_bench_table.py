from hypothesis import given
from hypothesis import strategies as st

from api.bench.table import number, percent, render

CELLS = st.text("0123456789.- ", min_size=1, max_size=12).map(lambda text: text.strip() or "-")


def test_labels_stand_on_the_left_and_figures_on_the_right():
    assert render(["run 1", "run 2"], [("size", ["1", "23"]), ("time, s", ["4", "5"])]) == (
        "         run 1  run 2\nsize         1     23\ntime, s      4      5"
    )


def test_one_column_needs_no_head():
    assert render([], [("size", ["1"]), ("time, s", ["12"])]) == "size      1\ntime, s  12"


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1))
def test_all_lines_end_in_the_same_column(rows):
    lines = render(["one", "two"], [("label", cells) for cells in rows]).splitlines()

    assert len({len(line) for line in lines}) == 1


def test_figures_are_grouped_and_scaled():
    assert number(4294967296) == "4 294 967 296"
    assert number(1_500_000, 1, by=10**6) == "1.5"
    assert number(0.25, 2) == "0.25"
    assert number(None, 2) == "-"
    assert percent(0.0425) == "4.2 %"
    assert percent(None) == "-"
