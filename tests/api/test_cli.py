import json
import logging
import pathlib
import subprocess
import sys
import types

import pytest

from api import logs
from api.cli import complain, main

ROOT = pathlib.Path(__file__).parents[2]
KEY = "abcdefghij0123456789"


@pytest.fixture(autouse=True)
def nothing_stays(monkeypatch):
    """Put logging and secrets back, and start from an empty environment."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    monkeypatch.setattr(logs.MASKER, "_secrets", frozenset())
    monkeypatch.setattr(logs.MASKER, "_known", None)
    for name in ("SSL_CERT_FILE", "LOG_LEVEL", "PORT"):
        monkeypatch.delenv(name, raising=False)
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)


@pytest.fixture
def service(monkeypatch):
    """A stand-in for the service that remembers its settings."""
    module = types.ModuleType("api.serve")
    module.started = []

    def serve(settings, _complain):
        module.started.append(settings)
        logging.getLogger("api.serve").info("key=%s", settings.alldebrid_api_key)
        return 7

    module.serve = serve
    monkeypatch.setitem(sys.modules, "api.serve", module)
    return module


def usage_error(capsys, *arguments):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("alldebrid-client: ")
    assert len(err.splitlines()) == 1
    return err


class TestServe:
    def test_starts_the_service_with_the_settings(self, service, monkeypatch):
        monkeypatch.setenv("PORT", "1234")

        assert main(["serve"]) == 7
        (settings,) = service.started
        assert settings.port == 1234
        assert settings.local is False

    def test_starts_it_for_this_machine_only(self, service):
        main(["serve", "--local"])

        assert service.started[0].host == "127.0.0.1"
        assert service.started[0].local is True

    def test_logs_what_should_be_known_once_and_no_secret(self, service, monkeypatch, capsys):
        monkeypatch.setenv("ALLDEBRID_API_KEY", KEY)
        monkeypatch.setenv("ARIA2_SPLIT", "1")

        main(["serve"])

        err = capsys.readouterr().err
        entries = [json.loads(line) for line in err.splitlines()]
        assert [entry["level"] for entry in entries] == ["WARNING", "INFO"]
        assert "ARIA2_SPLIT=1 has no effect" in entries[0]["message"]
        assert entries[1]["message"] == f"key={logs.STARS}"
        assert KEY not in err

    def test_does_not_start_with_a_bad_value(self, service, monkeypatch, capsys):
        monkeypatch.setenv("PORT", "http")
        monkeypatch.setenv("LOG_LEVEL", "loud")

        assert main(["serve"]) == 1

        assert service.started == []
        first, second = capsys.readouterr().err.splitlines()
        assert first == (
            "alldebrid-client: PORT='http': not a whole number;"
            " accepted: 0 to 65535 (0: any free port)"
        )
        assert second.startswith("alldebrid-client: LOG_LEVEL='loud': ")

    def test_prints_what_is_in_force_and_starts_nothing(self, service, monkeypatch, capsys):
        monkeypatch.setenv("ALLDEBRID_API_KEY", KEY)

        assert main(["serve", "--print-config"]) == 0

        out, err = capsys.readouterr()
        assert service.started == []
        assert "ALLDEBRID_API_KEY=********" in out
        assert "PORT=6500" in out
        assert KEY not in out + err

    def test_logs_a_crash_without_secrets(self, service, monkeypatch, capsys):
        def crash(settings, _complain):
            raise RuntimeError(settings.alldebrid_api_key)

        monkeypatch.setenv("ALLDEBRID_API_KEY", KEY)
        service.serve = crash

        assert main(["serve"]) == 1

        err = capsys.readouterr().err
        assert "RuntimeError: ********" in json.loads(err)["exception"]
        assert KEY not in err

    def test_ends_quietly_when_it_is_interrupted(self, service, capsys):
        def interrupt(*_):
            raise KeyboardInterrupt

        service.serve = interrupt

        assert main(["serve"]) == 130
        assert capsys.readouterr().err == "alldebrid-client: interrupted\n"


class TestTheCommandLine:
    def test_prints_its_version(self, capsys):
        with pytest.raises(SystemExit) as caught:
            main(["--version"])

        assert caught.value.code == 0
        assert capsys.readouterr().out.startswith("alldebrid-client ")

    @pytest.mark.parametrize("arguments", [["--help"], ["serve", "--help"], ["get", "--help"]])
    def test_explains_itself(self, arguments, capsys):
        with pytest.raises(SystemExit) as caught:
            main(arguments)

        assert caught.value.code == 0
        assert "usage: alldebrid-client" in capsys.readouterr().out

    def test_tells_of_every_flag_of_get(self, capsys):
        with pytest.raises(SystemExit):
            main(["get", "--help"])

        text = capsys.readouterr().out
        flags = "output connections ram-buffer write-batch limit ca json sha256 quiet overwrite"
        for flag in flags.split():
            assert f"--{flag}" in text

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            ([], "COMMAND"),
            (["fly"], "'fly'"),
            (["get"], "URL"),
            (["serve", "--port", "1"], "--port"),
            (["get", "http://h/", "--connections", "17"], "too large; accepted: 1 to 16"),
            (["get", "http://h/", "--connections", "many"], "not a whole number"),
            (["get", "http://h/", "--ram-buffer", "1M"], "too small"),
            (["get", "http://h/", "--write-batch", "x"], "not a size"),
            (["get", "http://h/", "--limit", "fast"], "not a size"),
            (["get", "http://h/", "--ca", "/missing"], "cannot be read"),
        ],
    )
    def test_tells_in_one_line_what_is_wrong_with_it(self, arguments, told, capsys):
        assert told in usage_error(capsys, *arguments)

    def test_does_not_repeat_secrets(self, capsys):
        err = usage_error(capsys, "get", "http://h/", "http://h/dl/x?token=hunter2")

        assert "hunter2" not in err


def test_a_complaint_is_one_masked_line(capsys):
    complain("first\nsecond\x1b[31m https://h/x?token=1  end")

    assert capsys.readouterr().err == (
        "alldebrid-client: first\\nsecond\\x1b[31m https://h/x?********  end\n"
    )


def test_get_loads_no_web_server():
    code = "import sys, api.cli, api.get; print(*sys.modules, sep='\\n')"

    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()

    assert "engine.transfer.download" in loaded
    assert not {"litestar", "uvicorn", "aiohttp", "apsw", "asyncio", "psutil"} & set(loaded)


def test_the_installed_command_runs():
    command = pathlib.Path(sys.executable).with_name("alldebrid-client")

    done = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)

    assert done.stdout.startswith("alldebrid-client ")


def test_a_reader_that_has_gone_is_no_reason_for_a_traceback():
    command = [sys.executable, "-c", "import sys; from api.cli import main; sys.exit(main())"]

    child = subprocess.Popen(
        [*command, "serve", "--print-config"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with child:
        child.stdout.close()
        err = child.stderr.read()

    assert "Traceback" not in err
