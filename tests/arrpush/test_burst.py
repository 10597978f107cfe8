"""A thousand webhooks at once, while a third of all that the program is asked goes wrong."""

from arrpush.course import State
from arrpush.payload import Target
from engine.store import pushes
from tests.arrpush.burst import BURST, burst, infohash
from tests.arrpush.front_desk import TOKEN, FrontDesk
from tests.fakes import arr_faults
from tests.fakes.arr import FakeArr


async def test_each_is_accepted_and_delivered_exactly_once(tmp_path):
    with FakeArr() as sonarr:
        sonarr.faults = arr_faults.fails_often(1)
        async with FrontDesk(tmp_path, {Target.SONARR: sonarr}, patience=1e9).open() as desk:
            sonarr.grabs_for_real = False
            ids, _ = await burst(desk.port, TOKEN)

            def waiting():
                return desk.store.call(lambda db: pushes.first(db, State.WAITING, "sonarr"))

            await desk.as_time_passes(lambda: waiting() is None, step=100)

    assert len(set(ids)) == BURST
    assert {sonarr.grabbed_times(infohash(number)) for number in range(BURST)} == {1}
    assert len(sonarr.grabs) == BURST
    assert sum(sonarr.gone_wrong.values()) > BURST / 4
