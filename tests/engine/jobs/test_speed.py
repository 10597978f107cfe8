"""The limits over all torrents: which hold, and that they are kept."""

import asyncio
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.jobs.speed import Configured, Kept, SpeedLimiter, SpeedLimits, in_force
from engine.store.errors import StoreError
from engine.store.store import Store
from engine.transfer.pace import Pace

numbers = st.integers(0, 3)
limits = st.builds(SpeedLimits, download=numbers, alternative_download=numbers)
configured = st.builds(Configured, download=numbers, alternative_download=numbers)


@pytest.fixture
def store(tmp_path):
    with contextlib.closing(Store(tmp_path / "store.db")) as store:
        yield store


async def started(store, **settings):
    """A limiter after the start of a service with these settings, and its pace."""
    pace = Pace()
    limiter = SpeedLimiter(store, pace, Configured(**settings))
    await limiter.load()
    return limiter, pace


def test_the_alternative_limits_hold_when_they_are_on():
    one = SpeedLimits(download=1, upload=2, alternative_download=3, alternative_upload=4)

    assert (one.download_now, one.upload_now) == (1, 2)
    one = replace(one, alternative=True)
    assert (one.download_now, one.upload_now) == (3, 4)


@given(configured)
def test_at_first_the_settings_hold(settings):
    found = in_force(settings, Kept())

    assert found.download == settings.download
    assert found.alternative_download == settings.alternative_download


@given(limits, configured)
def test_what_clients_set_holds_as_long_as_the_settings_stay(said, settings):
    assert in_force(settings, Kept(limits=said, configured=settings)) == said


@given(limits, configured, configured)
def test_a_setting_that_was_changed_holds_and_the_other_one_stays(said, before, now):
    found = in_force(now, Kept(limits=said, configured=before))

    changed = now.download != before.download
    assert found.download == (now.download if changed else said.download)
    changed = now.alternative_download != before.alternative_download
    expected = now.alternative_download if changed else said.alternative_download
    assert found.alternative_download == expected
    assert found.alternative == said.alternative


async def test_a_change_holds_at_once_and_after_a_restart(store):
    limiter, pace = await started(store, download=1000, alternative_download=10)
    assert pace.rate == 1000
    await limiter.change(lambda old: replace(old, download=2000))
    assert pace.rate == 2000
    await limiter.change(lambda old: replace(old, alternative=True))
    assert pace.rate == 10

    limiter, pace = await started(store, download=1000, alternative_download=10)

    assert limiter.limits == SpeedLimits(download=2000, alternative_download=10, alternative=True)
    assert pace.rate == 10


async def test_a_setting_that_is_taken_back_does_not_bring_back_what_clients_said_before(store):
    limiter, _ = await started(store, download=0)
    await limiter.change(lambda old: replace(old, download=5000))
    limiter, _ = await started(store, download=1000)
    assert limiter.limits.download == 1000

    limiter, pace = await started(store, download=0)

    assert (limiter.limits.download, pace.rate) == (0, 0)


async def test_changes_at_the_same_time_all_count(store):
    limiter, _ = await started(store)
    await asyncio.gather(
        *(limiter.change(lambda old: replace(old, download=old.download + 1)) for _ in range(50))
    )

    assert limiter.limits.download == 50


async def test_what_cannot_be_stored_does_not_hold(store, monkeypatch):
    limiter, pace = await started(store, download=1000)

    async def full(*_, **__):
        raise StoreError("there is no room left")

    monkeypatch.setattr(store, "run", full)
    with pytest.raises(StoreError):
        await limiter.change(lambda old: replace(old, download=2000))

    assert (limiter.limits.download, pace.rate) == (1000, 1000)


async def test_a_change_of_what_does_not_hold_now_leaves_the_pace_alone(store, caplog):
    caplog.set_level("INFO")
    limiter, pace = await started(store, download=1000)
    await limiter.change(lambda old: replace(old, alternative_download=5))
    assert pace.rate == 1000
    assert [record.message for record in caplog.records if record.name == "engine.jobs.speed"] == [
        "download_limit=1000 alternative=no"
    ]
