from hypothesis import given
from hypothesis import strategies as st

from engine.jobs.queue import (
    ALONE_FROM,
    SMALL_BELOW,
    Candidate,
    Limits,
    admit,
    one_down,
    one_up,
    to_back,
    to_front,
)

SMALL = 1_000_000_000
MEDIUM = 10_000_000_000
LARGE = 80_000_000_000
HDD = Limits(max_concurrent=2, large_ones_alone=True)
SSD = Limits(max_concurrent=2, large_ones_alone=False)


def queue(*sizes: int, first: int = 1, forced: bool = False) -> list[Candidate]:
    return [
        Candidate(hash=f"{place:04}", position=place, size=size, forced=forced)
        for place, size in enumerate(sizes, first)
    ]


def sizes(admitted: list[Candidate]) -> list[int]:
    return [one.size for one in admitted]


def test_two_medium_torrents_run_at_once_and_the_third_waits():
    assert sizes(admit(queue(MEDIUM, MEDIUM, MEDIUM), [], HDD)) == [MEDIUM, MEDIUM]


def test_three_small_torrents_run_at_once_and_the_fourth_waits():
    assert sizes(admit(queue(SMALL, SMALL, SMALL, SMALL), [], HDD)) == [SMALL, SMALL, SMALL]


def test_the_extra_place_is_for_small_ones_among_themselves():
    running = queue(MEDIUM, SMALL)

    assert admit(queue(SMALL, first=9), running, HDD) == []


def test_a_large_torrent_downloads_alone_on_a_hard_disk():
    assert sizes(admit(queue(LARGE, SMALL), [], HDD)) == [LARGE]
    assert admit(queue(SMALL, first=9), queue(LARGE), HDD) == []
    assert admit(queue(LARGE, first=9), queue(SMALL), HDD) == []


def test_a_torrent_of_unknown_size_counts_as_large():
    assert sizes(admit(queue(0, SMALL), [], HDD)) == [0]
    assert admit(queue(0, first=9), queue(SMALL), HDD) == []


def test_large_torrents_run_side_by_side_on_a_solid_state_disk():
    assert sizes(admit(queue(LARGE, LARGE, LARGE), [], SSD)) == [LARGE, LARGE]


def test_small_ones_before_a_large_head_may_start_but_none_behind_it():
    assert sizes(admit(queue(SMALL, LARGE, SMALL), [], HDD)) == [SMALL]


def test_forced_torrents_start_whatever_runs_and_count_for_nothing():
    forced = queue(LARGE, MEDIUM, first=20, forced=True)

    assert admit(forced, queue(LARGE), HDD) == forced
    assert sizes(admit(queue(MEDIUM), forced, HDD)) == [MEDIUM]


def test_the_thresholds_are_half_open():
    assert sizes(admit(queue(ALONE_FROM, SMALL), [], HDD)) == [ALONE_FROM]
    assert sizes(admit(queue(ALONE_FROM - 1, SMALL), [], HDD)) == [ALONE_FROM - 1, SMALL]
    assert len(admit(queue(*[SMALL_BELOW - 1] * 4), [], HDD)) == 3
    assert len(admit(queue(*[SMALL_BELOW] * 4), [], HDD)) == 2


def test_who_asks_for_one_at_a_time_gets_one():
    queue = [
        Candidate(hash=str(place), position=place, size=SMALL, forced=False) for place in (1, 2)
    ]

    admitted = admit(queue, [], Limits(max_concurrent=1, large_ones_alone=True))

    assert admitted == queue[:1]


any_size = st.sampled_from([0, 1, SMALL, SMALL_BELOW, MEDIUM, ALONE_FROM, LARGE])
any_queue = st.lists(st.tuples(any_size, st.booleans()), max_size=12).map(
    lambda rows: [
        Candidate(hash=f"{place:04}", position=place, size=size, forced=forced)
        for place, (size, forced) in enumerate(rows, 1)
    ]
)
any_limits = st.builds(
    Limits, max_concurrent=st.integers(min_value=1, max_value=5), large_ones_alone=st.booleans()
)


def run_down(waiting: list[Candidate], limits: Limits, draw_end) -> list[list[Candidate]]:
    """Let the queue drain, one torrent ending after the other; return what ran at each step."""
    running: list[Candidate] = []
    history = []
    while waiting or running:
        admitted = admit(waiting, running, limits)
        running += admitted
        waiting = [one for one in waiting if one not in admitted]
        history.append(list(running))
        assert running, "the queue stands still with torrents in it"
        running.remove(draw_end(running))
    return history


@given(any_queue, any_limits, st.randoms())
def test_every_torrent_gets_its_turn_and_no_limit_is_ever_exceeded(waiting, limits, random):
    for running in run_down(waiting, limits, random.choice):
        counted = [one for one in running if not one.forced]
        all_small = all(0 < one.size < SMALL_BELOW for one in counted)
        assert len(counted) <= limits.max_concurrent + (all_small and limits.max_concurrent > 1)
        if limits.large_ones_alone and len(counted) > 1:
            assert all(0 < one.size < ALONE_FROM for one in counted)


@given(any_queue, any_limits, st.randoms())
def test_nobody_overtakes(waiting, limits, random):
    started: list[str] = []
    for running in run_down(waiting, limits, random.choice):
        fresh = sorted(one.hash for one in running if not one.forced and one.hash not in started)
        started += fresh

    assert started == sorted(started)


@given(any_limits, st.lists(st.sampled_from([1, SMALL]), min_size=1, max_size=30))
def test_a_large_head_starts_after_those_that_ran_before_it_whatever_arrives_later(limits, later):
    head = Candidate(hash="head", position=2, size=LARGE)
    running = queue(SMALL)
    waiting = [head]
    for place, size in enumerate(later, 3):
        waiting.append(Candidate(hash=f"{place:04}", position=place, size=size))
        admitted = admit(waiting, running, limits)
        assert head in running or admitted[:1] in ([], [head])
        waiting = [one for one in waiting if one not in admitted]
        running += admitted

    assert head in running or admit(waiting, [], limits)[0] == head


def test_without_a_count_all_start_but_a_hard_disk_bears_one_large_torrent():
    free = Limits(max_concurrent=None, large_ones_alone=False)
    hdd = Limits(max_concurrent=None, large_ones_alone=True)

    assert sizes(admit(queue(*[MEDIUM] * 9), [], hdd)) == [MEDIUM] * 9
    assert sizes(admit(queue(LARGE, MEDIUM, LARGE), [], free)) == [LARGE, MEDIUM, LARGE]
    assert sizes(admit(queue(LARGE, MEDIUM), [], hdd)) == [LARGE]


def test_with_a_count_of_none_only_forced_ones_start():
    none = Limits(max_concurrent=0, large_ones_alone=False)
    forced = queue(SMALL, first=5, forced=True)

    assert admit(queue(SMALL) + forced, [], none) == forced


def test_a_line_is_rearranged_as_asked():
    assert to_front("abcde", {"d", "b"}) == list("bdace")
    assert to_back("abcde", {"d", "b"}) == list("acebd")
    assert one_up("abcde", {"c"}) == list("acbde")
    assert one_up("abcde", {"a", "b", "e"}) == list("abced")
    assert one_up("abcde", {"c", "d"}) == list("acdbe")
    assert one_down("abcde", {"c"}) == list("abdce")
    assert one_down("abcde", {"e", "d", "a"}) == list("bacde")
    assert one_up("", {"a"}) == []


lines = st.lists(st.integers(), unique=True, max_size=8).map(lambda line: list(map(str, line)))


@given(lines, st.data())
def test_nobody_is_lost_and_the_chosen_never_fall_back_when_they_go_up(line, data):
    chosen = set(data.draw(st.lists(st.sampled_from(line)))) if line else set()
    up, down = one_up(line, chosen), one_down(line, chosen)

    assert sorted(up) == sorted(down) == sorted(line)
    for one in chosen:
        assert line.index(one) - 1 <= up.index(one) <= line.index(one)
        assert line.index(one) <= down.index(one) <= line.index(one) + 1
    for moved in (up, down, to_front(line, chosen), to_back(line, chosen)):
        assert [one for one in moved if one in chosen] == [one for one in line if one in chosen]
        others = [one for one in line if one not in chosen]
        assert [one for one in moved if one not in chosen] == others
