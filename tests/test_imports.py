"""Imports point one way, and tests and fakes stay out of the product."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PRODUCT = ("engine", "api", "arrpush")

MAY_IMPORT = {
    "engine.http": (),
    "engine.transfer": (),
    "engine.alldebrid": ("engine.http",),
    "engine.store": (),
    "engine.metainfo": (),
    "engine.jobs": ("engine.transfer", "engine.alldebrid", "engine.store", "engine.metainfo"),
    "api.qbittorrent": ("engine",),
    "arrpush": ("engine.store", "engine.http", "engine.metainfo"),
    "api.webhook": ("engine", "arrpush", "api.logs", "api.qbittorrent"),
    "api": ("engine", "api.qbittorrent", "api.webhook", "arrpush"),
}
"""What of ours each package may import besides itself."""

SYSTEM_CALLS = {
    "socket": ("engine.transfer.wire", "engine.http.connection", "api.serve"),
    "apsw": ("engine.store",),
    "aiohttp": ("engine.alldebrid.simulator",),
    "h11": ("engine.http", "engine.alldebrid.transport"),
    "ctypes": ("engine.transfer.disk",),
}
"""Who alone may touch what the outside world is reached with."""


def modules():
    for package in PRODUCT:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            yield name.removesuffix(".__init__"), path


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def used(path):
    """Dotted names of attributes that a module uses."""
    return {
        ast.unparse(node)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
    }


def within(name, packages):
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def home(module):
    return next((one for one in MAY_IMPORT if within(module, [one])), None)


@pytest.mark.parametrize(("module", "path"), list(modules()), ids=str)
def test_a_module_imports_only_what_its_package_may(module, path):
    package = home(module)
    if package is None:
        return  # `engine` itself, which is empty
    allowed = (package, *MAY_IMPORT[package])
    ours = {name for name in imported(path) if within(name, PRODUCT)} - set(PRODUCT)

    assert {name for name in ours if not within(name, allowed)} == set()
    assert not {name for name in imported(path) if within(name, ["tests", "benchmarks"])}


@pytest.mark.parametrize("library", list(SYSTEM_CALLS))
def test_each_kind_of_system_call_has_one_owner(library):
    users = {name for name, path in modules() if library in set(imported(path))}

    assert users
    assert {name for name in users if not within(name, SYSTEM_CALLS[library])} == set()


def test_only_the_disk_module_writes_payload():
    for module, path in modules():
        if module != "engine.transfer.disk":
            assert "pwrite" not in path.read_text(), module


def test_only_the_settings_read_the_environment():
    for module, path in modules():
        if module not in {"api.settings", "arrpush.__main__"}:  # the latter is a program of its own
            assert not {"os.environ", "os.getenv"} & used(path), module
