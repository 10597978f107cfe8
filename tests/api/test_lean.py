"""What the web framework brings along is not loaded, and is there when somebody wants it."""

import importlib
import subprocess
import sys

import pytest

from api import lean

MODULE = "stood_in_for_by_test_lean"

LOOK = """
import sys
from api import lean

lean.begin()
import api.serve
from api.qbittorrent.app import create_app
from api.qbittorrent.context import ApiConfig

create_app(None, ApiConfig())
print(*(name for name, module in sys.modules.items() if getattr(module, "__spec__", None)))
"""

WANT = """
from api import lean

lean.begin()
import litestar, uvicorn, uvicorn.config, litestar.response.template
import html, logging.config, importlib.metadata, yaml, sys
from configparser import RawConfigParser

assert litestar.__version__.formatted(short=True) == importlib.metadata.version("litestar")
assert importlib.metadata.distribution("litestar").version == importlib.metadata.version("litestar")
assert yaml.safe_load("a: 1") == {"a": 1}
assert html.escape("<") == "&lt;" and html.unescape("&lt;") == "<"
logging.config.dictConfig({"version": 1})
assert RawConfigParser().sections() == []
assert uvicorn.run.__name__ and callable(uvicorn.main)
import anyio, anyio.to_thread, html.parser
assert anyio.to_thread.run_sync
assert anyio.run(anyio.sleep, 0) is None
"""


def run(program):
    return subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout


@pytest.fixture
def module(tmp_path, monkeypatch):
    (tmp_path / f"{MODULE}.py").write_text("NAME = 'real'\ndef twice(x): return 2 * x\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield MODULE
    sys.modules.pop(MODULE, None)


def stand_in(name, **given):
    lean.defer(name, **given)
    return __import__(name)


def is_loaded(name):
    return sys.modules[name].__spec__ is not None


def test_the_service_starts_without_what_it_never_uses():
    loaded = set(run(LOOK).split())

    assert {"api.serve", "litestar", "uvicorn.server"} <= loaded
    assert {*lean.DEFERRED, *lean.ABSENT, "importlib.metadata"} & loaded == set()
    assert {"aiohttp", "api.demo", "click", "http.client", "multiprocessing"} & loaded == set()


def test_what_was_not_loaded_works_when_it_is_wanted():
    run(WANT)


def test_a_module_is_loaded_when_something_is_asked_of_it(module):
    held = stand_in(module)
    assert not is_loaded(module)

    assert held.NAME == "real"
    assert is_loaded(module)
    assert held.twice(2) == 4


def test_what_is_taken_by_name_loads_when_it_is_called(module):
    twice = stand_in(module, callables=("twice",)).twice
    assert not is_loaded(module)

    assert twice(4) == 8
    assert is_loaded(module)


def test_who_held_the_stand_in_has_the_real_things_after_that(module):
    held = stand_in(module, callables=("twice",))
    deferred = held.twice
    deferred(1)

    assert held.twice is sys.modules[module].twice
    assert held.twice is not deferred


def test_what_is_known_loads_nothing(module):
    assert stand_in(module, NAME="known").NAME == "known"
    assert not is_loaded(module)


def test_looking_at_a_module_from_outside_does_not_load_it(module):
    held = stand_in(module)

    assert not hasattr(held, "__file__")
    assert not is_loaded(module)


def test_what_the_real_module_lacks_is_lacking(module):
    with pytest.raises(AttributeError, match="nothing"):
        _ = stand_in(module).nothing


def test_a_package_inside_a_package_is_found_before_and_after_loading(tmp_path, monkeypatch):
    package = tmp_path / "leaned_package"
    package.mkdir()
    (package / "__init__.py").write_text("NAME = 'real'\n")
    (package / "inner.py").write_text("import leaned_package\nINNER = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    held = stand_in("leaned_package")
    inner = importlib.import_module("leaned_package.inner")

    assert held.inner is inner
    assert not is_loaded("leaned_package")
    assert held.NAME == "real"
    assert sys.modules["leaned_package"].inner is inner
    for name in ("leaned_package", "leaned_package.inner"):
        del sys.modules[name]


def test_a_module_that_is_not_installed_is_told_as_ever():
    with pytest.raises(ModuleNotFoundError):
        stand_in("certainly_not_installed")


def test_a_version_is_read_from_the_name_of_a_folder_or_from_the_metadata(tmp_path, monkeypatch):
    (tmp_path / "leaned-1.2.3.dist-info").mkdir()
    monkeypatch.syspath_prepend(tmp_path)

    assert lean._version("leaned") == "1.2.3"
