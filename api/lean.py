"""What the web framework brings along and the service never uses is not loaded.

Theory
    Litestar and Uvicorn import at their top what only some of their features need: a debugger, a
    YAML parser, a command line, the standard library's way to set up logging. In a service that
    does nothing that is a tenth of its memory, and neither has a setting for it.

    So before they are imported, `begin` puts a stand-in for each such module where Python looks
    modules up first. A stand-in loads the real module as soon as anything is asked of it, so all
    that works without it works with it, only later. What is taken from it by name
    (`from html import escape`) gets a function that loads the real module when it is called.

What breaks if you edit
    Names in `DEFERRED` may only be called, by those who import them while the service starts:
    neither be derived from, nor stand in an `isinstance`.
"""

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

DEFERRED: Mapping[str, tuple[str, ...]] = {
    # of Litestar, for what handlers do side by side, and for files
    "anyio": ("AsyncFile", "CancelScope", "Lock", "Path", "create_task_group", "open_file"),
    "configparser": ("RawConfigParser",),  # of Uvicorn, for a log configuration in a file
    "html": ("escape",),  # of Litestar, for pages that show errors
    "logging.config": (),  # of Uvicorn; ours is set up without it
    "pdb": (),  # of Litestar, for debugging in a terminal
    "pickle": (),  # of logging.handlers, for logs that go to another machine
    "uvicorn.main": ("Server", "main", "run"),  # Uvicorn's command line and its many workers
    "uvicorn.middleware.wsgi": ("WSGIMiddleware",),  # for applications of another kind
    "yaml": (),  # of Litestar, for the schema of an API
}
"""Modules, and what is taken from each by name and only called."""

ABSENT = ("attr", "attrs")
"""Modules that are taken for not installed: Litestar looks whether it should support them."""


def begin() -> None:
    """Have what is imported from now on not load these modules; does nothing for loaded ones."""
    for name, callables in DEFERRED.items():
        if name not in sys.modules:
            defer(name, callables)
    if "importlib.metadata" not in sys.modules:
        defer("importlib.metadata", version=_version)
    for name in ABSENT:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]
    # Only now: importing a package imports what there are stand-ins for.
    for name in (*DEFERRED, "importlib.metadata"):
        _attach(name)


def defer(name: str, callables: Iterable[str] = (), **known: Any) -> None:
    """Put a stand-in for the module `name` where Python finds it instead.

    What is `known` is answered without loading the module.
    """
    stand_in = _StandIn(name)
    package = name.rpartition(".")[0]
    if not package or package in sys.modules:  # looking for it would import the package
        spec = importlib.util.find_spec(name)
        if spec is None:
            return  # not installed: who imports it shall hear so
        if spec.submodule_search_locations is not None:
            stand_in.__path__ = spec.submodule_search_locations
    vars(stand_in).update({one: _calling(stand_in, one) for one in callables} | known)
    sys.modules[name] = stand_in


def _attach(name: str) -> None:
    """Let a module be found in its package too, as the import system does after loading it."""
    package, _, own = name.rpartition(".")
    if package and name in sys.modules:
        vars(importlib.import_module(package)).setdefault(own, sys.modules[name])


def _version(package: str) -> str:
    """Return a package's version from the name of its metadata's folder (PEP 376).

    Litestar asks for its own while it is imported. Whoever asks for what is not found so is
    answered by importlib.metadata, which costs the memory of a mail reader and an unzipper.
    """
    for place in sys.path:
        for folder in Path(place).glob(f"{package}-*.dist-info"):
            return folder.name.removeprefix(f"{package}-").removesuffix(".dist-info")
    return str(_loaded(sys.modules["importlib.metadata"]).version(package))


class _StandIn(ModuleType):
    """A module that is there but not loaded."""

    def __getattr__(self, name: str) -> Any:
        """Load the module for what is not here, but not for the `__names__` Python asks for."""
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(_loaded(self), name)


def _calling(stand_in: ModuleType, name: str) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        return getattr(_loaded(stand_in), name)(*args, **kwargs)

    return call


def _loaded(stand_in: ModuleType) -> ModuleType:
    """Return the real module; from now on everybody finds it, and those who hold the stand-in."""
    name = stand_in.__name__
    if sys.modules.get(name) is stand_in:
        del sys.modules[name]
        real = importlib.import_module(name)
        inside = {one for one in vars(stand_in) if f"{name}.{one}" in sys.modules}
        for one in inside - set(vars(real)):  # imported while the stand-in was there
            setattr(real, one, sys.modules[f"{name}.{one}"])
        vars(stand_in).update(vars(real))
    return importlib.import_module(name)
