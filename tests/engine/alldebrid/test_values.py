import pytest

from engine.alldebrid.values import STATUSES, MagnetStatus, Phase

PHASES = {
    Phase.WAITING: {0},
    Phase.FETCHING: {1},
    Phase.PROCESSING: {2, 3},
    Phase.READY: {4},
    Phase.SOFT_ERROR: {7, 14},
    Phase.RETRYABLE_ERROR: {5, 9},
    Phase.GONE: {11},
    Phase.FAILED: {6, 8, 10, 12, 13, 15, 16, 99},
}


@pytest.mark.parametrize(
    ("code", "phase"), [(code, phase) for phase, codes in PHASES.items() for code in codes]
)
def test_every_code_has_its_phase(code, phase):
    assert MagnetStatus(1, code=code).phase is phase


def test_every_phase_is_used_and_every_documented_code_is_there():
    assert set(PHASES) == set(Phase)
    assert set(STATUSES) == set(range(16))


@pytest.mark.parametrize("code", [*STATUSES, 16])
def test_every_code_is_explained_in_a_sentence(code):
    assert MagnetStatus(1, code=code).explanation.endswith(".")


@pytest.mark.parametrize(
    ("status", "progress"),
    [
        (MagnetStatus(1), 0.0),
        (MagnetStatus(1, code=1, size=0, downloaded=5), 0.0),
        (MagnetStatus(1, code=1, size=10, downloaded=5), 0.5),
        (MagnetStatus(1, code=1, size=10, downloaded=15), 1.0),
        (MagnetStatus(1, code=4, size=10), 1.0),
    ],
)
def test_progress_is_between_nothing_and_all(status, progress):
    assert status.progress == progress
