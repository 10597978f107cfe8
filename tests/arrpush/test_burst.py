"""A thousand releases at once, while a third of all that the program is asked goes wrong."""

import asyncio

import pytest

from arrpush.course import State
from arrpush.payload import Target
from engine.store import pushes
from tests.arrpush.outbox_desk import OutboxDesk, release
from tests.fakes import arr_faults
from tests.fakes.arr import FakeArr

BURST = 1000


@pytest.mark.parametrize("seed", [1])
async def test_each_is_delivered_exactly_once(tmp_path, seed):
    with FakeArr() as sonarr:
        sonarr.faults = arr_faults.fails_often(seed)
        async with OutboxDesk(tmp_path, {Target.SONARR: sonarr}, patience=1e9).open() as desk:
            offered = [desk.accepts(release(number)) for number in range(1, BURST + 1)]
            taken = await asyncio.gather(*offered)

            def waiting():
                return desk.store.call(lambda db: pushes.first(db, State.WAITING, "sonarr"))

            await desk.as_time_passes(lambda: waiting() is None, step=100)

    assert not any(one.known for one in taken)
    assert {sonarr.grabbed_times(one.push.infohash) for one in taken} == {1}
    assert len(sonarr.grabs) == BURST
    assert sum(sonarr.gone_wrong.values()) > BURST / 4
