"""The pieces of the service's start; the whole of it is in tests/whole."""

import os

import pytest

from api import settings
from api.serve import CannotStart, _is_private, _jobs_config, _make_folder


def loaded(tmp_path, **environment):
    return settings.load(
        {"CONFIG_DIR": str(tmp_path), "DOWNLOAD_DIR": str(tmp_path), **environment}
    )


def test_unknown_disks_are_treated_as_spinning_ones(tmp_path, monkeypatch):
    for rotates, storage in [(True, "hdd"), (None, "hdd"), (False, "ssd")]:
        monkeypatch.setattr("api.serve.is_rotational", lambda _, rotates=rotates: rotates)
        assert _jobs_config(loaded(tmp_path)).storage == storage


def test_a_storage_type_that_was_set_is_believed(tmp_path, monkeypatch):
    monkeypatch.setattr("api.serve.is_rotational", lambda _: True)

    assert _jobs_config(loaded(tmp_path, STORAGE_TYPE="ssd")).storage == "ssd"


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(CannotStart, match=r"CONFIG_DIR=.*file/below: cannot be written \(Not a"):
        _make_folder("CONFIG_DIR", tmp_path / "file" / "below")


def test_a_folder_is_made_and_left_empty(tmp_path):
    _make_folder("CONFIG_DIR", tmp_path / "a" / "b")

    assert os.listdir(tmp_path / "a" / "b") == []  # noqa: PTH208 - the plainest question


@pytest.mark.parametrize(
    ("address", "private"),
    [("127.0.0.1", True), ("192.168.1.5", True), ("::1", True), ("0.0.0.0", False), ("::", False)],
)
def test_every_address_counts_as_public(address, private):
    assert _is_private(address) is private
