"""The pieces of the service's start; the whole of it is in tests/whole."""

import asyncio
import email.utils
import http.client
import logging
import os
import socket
import time
from unittest import mock

import pytest
import uvicorn

from api import settings
from api.serve import (
    CannotStart,
    _api_config,
    _is_private,
    _jobs_config,
    _make_folder,
    _say_where,
    _Server,
)


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
    [
        ("127.0.0.1", True),
        ("127.8.0.1", True),
        ("10.0.0.2", True),
        ("172.17.0.2", True),
        ("192.168.1.5", True),
        ("::1", True),
        ("fd00::5", True),
        ("fe80::1%eth0", True),
        ("::ffff:192.168.1.5", True),
        ("0.0.0.0", False),
        ("::", False),
        ("8.8.8.8", False),
        ("172.32.0.1", False),
        ("100.64.0.1", False),
        ("2a00::1", False),
        ("::ffff:8.8.8.8", False),
        ("::ffff:0.0.0.0", False),
    ],
)
def test_every_address_counts_as_public(address, private):
    assert _is_private(address) is private


async def test_the_server_ends_when_it_is_told_and_dates_its_answers_until_then():
    async def application(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def asked(port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/")
        date = connection.getresponse().headers.get_all("date")
        connection.close()
        return date

    config = uvicorn.Config(application, lifespan="off", log_config=None, server_header=False)
    server = _Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        (date,) = await asyncio.to_thread(asked, listener.getsockname()[1])
        server.end()
        await asyncio.wait_for(serving, 5)

    assert abs(email.utils.parsedate_to_datetime(date).timestamp() - time.time()) < 5


class TestAnOpenApi:
    def said(self, tmp_path, caplog, address, **environment):
        listener = mock.Mock(getsockname=lambda: (address, 6500))
        with caplog.at_level(logging.WARNING):
            _say_where(loaded(tmp_path, **environment), listener)
        return caplog.messages

    @pytest.mark.parametrize("address", ["0.0.0.0", "::", "8.8.8.8"])
    def test_is_told_once_where_others_can_reach_it(self, tmp_path, caplog, address):
        (line,) = self.said(tmp_path, caplog, address)

        assert line.startswith("service=open reason='no API_USERNAME and API_PASSWORD")

    @pytest.mark.parametrize("address", ["127.0.0.1", "192.168.1.5", "::1"])
    def test_is_nobody_s_concern_in_a_private_network(self, tmp_path, caplog, address):
        assert self.said(tmp_path, caplog, address) == []

    def test_is_none_with_a_login(self, tmp_path, caplog):
        login = {"API_USERNAME": "me", "API_PASSWORD": "pw"}

        assert self.said(tmp_path, caplog, "0.0.0.0", **login) == []


def test_the_settings_of_the_doors_are_those_of_the_api(tmp_path):
    settings = loaded(
        tmp_path,
        API_USERNAME="me",
        API_PASSWORD="a secret",
        API_SESSION_TIMEOUT="60",
        API_MAX_FAILED_LOGINS="3",
        API_BAN_DURATION="30",
        API_HOSTS="qbt.example.com",
        API_TRUSTED_PROXIES="10.0.0.1",
        API_MAX_UPLOAD="2M",
    )

    config = _api_config(settings)

    assert config.login.admits("me", "a secret")
    assert (config.session_timeout, config.failed_logins, config.ban_duration) == (60, 3, 30)
    assert config.hosts == ("qbt.example.com",)
    assert config.own_name == socket.gethostname()
    assert [str(one) for one in config.proxies] == ["10.0.0.1/32"]
    assert config.max_upload == 2 << 20
