"""The memory between the connections and the writer."""

import mmap
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.transfer.ring import Ring

BLOCK = mmap.PAGESIZE


@pytest.fixture
def ring():
    ring = Ring(4 * BLOCK, BLOCK)
    yield ring
    ring.close()


def test_what_is_put_at_an_offset_is_read_there(ring):
    ring.view(BLOCK + 10, BLOCK + 13)[:] = b"abc"

    assert bytes(ring.view(BLOCK + 9, BLOCK + 14)) == b"\0abc\0"


def test_views_across_blocks_come_in_file_order(ring):
    ring.view(BLOCK, 2 * BLOCK)[-1:] = b"b"
    ring.view(0, BLOCK)[-1:] = b"a"

    views = ring.views(BLOCK - 1, BLOCK * 2)

    assert [len(view) for view in views] == [1, BLOCK]
    assert bytes(views[0]) == b"a"
    assert bytes(views[1][-1:]) == b"b"


def test_what_nobody_put_there_is_not_given_out(ring):
    ring.view(0, 1)

    with pytest.raises(KeyError):
        ring.views(0, BLOCK + 1)


def test_a_freed_block_is_used_again_before_a_fresh_one(ring):
    ring.view(0, 1)
    ring.release(BLOCK)
    ring.view(7 * BLOCK, 7 * BLOCK + 1)

    assert ring.resident == BLOCK
    assert ring.peak == BLOCK


def test_a_block_that_is_not_wholly_written_is_kept(ring):
    ring.view(0, 1)[:] = b"x"
    ring.release(BLOCK - 1)

    assert bytes(ring.view(0, 1)) == b"x"
    assert ring.used == BLOCK


def test_more_blocks_than_there_are_is_an_error(ring):
    for block in range(4):
        ring.view(block * BLOCK, block * BLOCK + 1)

    with pytest.raises(IndexError):
        ring.view(4 * BLOCK, 4 * BLOCK + 1)


def test_trimming_gives_back_what_is_not_in_use(ring):
    for block in range(3):
        ring.view(block * BLOCK, (block + 1) * BLOCK)[:] = b"x" * BLOCK
    ring.release(2 * BLOCK)

    ring.trim(BLOCK)

    assert ring.resident == BLOCK
    assert bytes(ring.view(2 * BLOCK, 2 * BLOCK + 1)) == b"x"
    assert bytes(ring.view(5 * BLOCK, 5 * BLOCK + 1)) == b"\0"


def test_trimming_really_frees_memory():
    size = 32 << 20
    ring = Ring(size, 1 << 20)
    for start in range(0, size, 1 << 20):
        ring.view(start, start + (1 << 20))[:] = b"x" * (1 << 20)
    ring.release(size)
    before = resident()

    ring.trim(0)

    assert before - resident() > size * 0.9
    ring.close()


def test_memory_that_is_reserved_but_untouched_costs_nothing():
    before = resident()
    ring = Ring(512 << 20, 1 << 20)
    ring.view(0, 1)[:] = b"x"

    assert resident() - before < 4 << 20
    ring.close()


def test_closing_while_a_view_is_held_elsewhere_is_no_error():
    ring = Ring(BLOCK, BLOCK)
    view = ring.view(0, 4)
    ring.close()

    assert bytes(view) == b"\0\0\0\0"


@pytest.mark.parametrize(("capacity", "block"), [(0, BLOCK), (BLOCK + 1, BLOCK), (300, 100)])
def test_rings_that_are_not_whole_pages_and_blocks_are_refused(capacity, block):
    with pytest.raises(ValueError, match="whole blocks"):
        Ring(capacity, block)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3)), max_size=40))
def test_blocks_in_use_never_share_memory(steps):
    """Invariant: each mapped block keeps what was put into it until it is released."""
    ring = Ring(4 * BLOCK, BLOCK)
    base = 0
    for put, distance in steps:
        if put:
            block = base + distance
            ring.view(block * BLOCK, block * BLOCK + 8)[:] = block.to_bytes(8, "big")
        else:
            base += 1
            ring.release(base * BLOCK)
        for block in list(ring._slots):
            kept = int.from_bytes(ring.view(block * BLOCK, block * BLOCK + 8), "big")
            assert kept == block
    ring.close()


def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
