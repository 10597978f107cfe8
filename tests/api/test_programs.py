"""What is set up for Sonarr and Radarr."""

import contextlib

import pytest

from api import programs, settings
from engine.store.store import Store


def loaded(tmp_path, **environment):
    return settings.load(
        {"CONFIG_DIR": str(tmp_path), "DOWNLOAD_DIR": str(tmp_path), **environment}
    )


ARRS = {"SONARR_URL": "http://sonarr:8989", "SONARR_API_KEY": "a-key-of-sonarrs"}


@pytest.mark.parametrize(
    ("environment", "simulated", "told"),
    [
        (ARRS, False, "<HandOver to Sonarr: 0 to tell>"),
        (
            {**ARRS, "RADARR_URL": "http://radarr", "RADARR_API_KEY": "key"},
            False,
            "<HandOver to Sonarr, Radarr: 0 to tell>",
        ),
        (ARRS, True, "None"),
        ({**ARRS, "ARR_HANDOVER": "false"}, False, "None"),
        ({}, False, "None"),
    ],
)
def test_who_is_told_how_torrents_ended(tmp_path, environment, simulated, told):
    with contextlib.closing(Store(tmp_path / "store.db")) as store:
        settings = loaded(tmp_path, **environment)
        known = programs.known(settings, simulated=simulated)
        assert repr(programs.hand_over(settings, store, known)) == told
