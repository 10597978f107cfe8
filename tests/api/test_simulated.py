import pytest

from api import settings
from api.simulated import FOLDER, SimulatorFailed, apart, simulated_alldebrid

URL = "http://127.0.0.1:1"


@pytest.fixture
def real(tmp_path):
    return settings.load(
        {"CONFIG_DIR": str(tmp_path / "config"), "DOWNLOAD_DIR": str(tmp_path / "downloads")}
    )


def test_a_simulated_run_has_folders_of_its_own(real):
    simulated = apart(real, URL)

    assert simulated.config_dir == real.config_dir / FOLDER
    assert simulated.download_dir == real.download_dir / FOLDER
    assert simulated.alldebrid_api_url == URL


def test_they_are_emptied_at_every_start(real):
    (apart(real, URL).download_dir / "sample.mkv").write_text("old")

    assert not (apart(real, URL).download_dir / "sample.mkv").exists()


def test_a_folder_that_is_not_ours_is_left_alone(real):
    mine = real.download_dir / FOLDER / "film.mkv"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")

    with pytest.raises(SimulatorFailed, match="was not made by a run without a key"):
        apart(real, URL)

    assert mine.read_text() == "mine"


def test_a_folder_that_cannot_be_emptied_is_named(real):
    real.config_dir.parent.mkdir(exist_ok=True)
    real.config_dir.write_text("a file in the way")

    with pytest.raises(SimulatorFailed, match=str(real.config_dir)):
        apart(real, URL)


async def test_a_simulator_that_does_not_start_is_told(monkeypatch):
    monkeypatch.setattr("api.simulated.sys.executable", "/bin/false")

    with pytest.raises(SimulatorFailed, match="ended at once"):
        async with simulated_alldebrid():
            pass
