"""Both servers in the same state: the torrents that stand for the whole run, and those of a scene.

A torrent is complete on the real server because its files lie there already when it is added, and
on ours because the fake AllDebrid has them. Nobody has a byte of the others.
"""

import contextlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.conformance.calls import Call, Door, File
from tests.conformance.cases import NOBODYS, Scene
from tests.conformance.servers import our_server, real_server, torrents_server, until
from tests.conformance.shelf import Made
from tests.fakes.alldebrid import FakeAllDebrid

STANDING = ("film.mkv", "pack")
"""Complete on both servers, for the whole run."""

SETTLED = 20.0
"""Seconds until a torrent that was added, deleted or completed is seen to be so."""

SHORT = 1.5
"""Seconds until something else is tried."""

LIMITS = (
    "transfer/setDownloadLimit",
    "transfer/setUploadLimit",
)


class NotReady(Exception):
    """A server did not come into the state that a scene begins with."""


class Stage:
    """The two servers."""

    def __init__(self, real: Door, ours: Door, alldebrid: FakeAllDebrid) -> None:
        self.real = real
        self.ours = ours
        self.alldebrid = alldebrid
        self._standing = {name: Made(name) for name in STANDING}
        self._numbers: dict[str, int] = {}
        self._held: set[str] = set()

    @property
    def doors(self) -> tuple[Door, Door]:
        return self.real, self.ours

    @contextlib.contextmanager
    def opened(self) -> "Iterator[Stage]":
        """Yield both servers as they are when nobody has to log in: ours is another process."""
        folder = Path(self.ours.names["own_downloads"]).parents[2]
        self._bypass(allowed=True)
        with our_server(folder / "open", self.alldebrid, login=False) as ours:
            yield _Open(self.real, ours, self.alldebrid)
        self._bypass(allowed=False)

    def _bypass(self, *, allowed: bool) -> None:
        form = {"json": json.dumps({"bypass_local_auth": allowed})}
        self.real.post("app/setPreferences", **form)

    def complete(self, names: tuple[str, ...]) -> None:
        """Add torrents that both servers shall have all of, and wait until they have."""
        made = [Made(name) for name in names]
        for one in made:
            self._held.add(one.infohash)
            self.alldebrid.hold(one.infohash, one.name, one.paths)
            for path, data in one.paths.items():
                file = Path(self.real.names["own_downloads"]) / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(data)
        for door in self.doors:
            for one in made:
                self._add(door, one)
        for door in self.doors:
            self._wait(door, made, lambda torrent: torrent["progress"] == 1)
        self._name("", made)

    def pause_complete(self) -> None:
        """Pause what is complete: ours shows it so from the beginning."""
        hashes = "|".join(one.infohash for one in self._standing.values())
        for door in self.doors:
            # Not sent without need: it would end a check that has just been asked for, and then
            # the real one forgets what it had.
            if not {"pausedUP", "checkingUP"} >= set(_states(door, hashes)):
                door.post("torrents/pause", hashes=hashes)
            if not until(lambda door=door: _settled(door, "pausedUP", hashes), SHORT):
                door.post("torrents/recheck", hashes=hashes)
            if not until(lambda door=door: _settled(door, "pausedUP", hashes), SETTLED):
                raise NotReady(f"{door!r} shows {_states(door, hashes)} for what is complete")

    def begin(self, scene: Scene) -> None:
        """Bring both servers into the state that a scene begins with."""
        for door in self.doors:
            self._clear(door)
        if any(len(_states(door)) < len(STANDING) for door in self.doors):
            self.complete(STANDING)
        self.pause_complete()
        self.complete(scene.complete)
        made = [Made(self._numbered(role)) for role in scene.torrents]
        for name in scene.held:
            self._hold(Made(name))
        for door in self.doors:
            for one in made:
                self._add(door, one)
            self._wait(door, made, lambda torrent: "checking" not in torrent["state"])
        self._name_roles(scene.torrents, made)
        for call in scene.first:
            for door in self.doors:
                door.send(call)

    def _numbered(self, role: str) -> str:
        """Return the name of a torrent that no scene had before."""
        number = self._numbers[role] = self._numbers.get(role, 0) + 1
        return f"{role}{number}"

    def _hold(self, made: Made) -> None:
        """Let AllDebrid know a torrent and never get it, so that it is no error to ask for it."""
        self._held.add(made.infohash)
        self.alldebrid.hold(made.infohash, made.name, made.paths, ready=False)

    def _clear(self, door: Door) -> None:
        kept = {one.infohash for one in self._standing.values()}
        self._settle(door)
        there = door.get("torrents/info").json or []
        gone = [one["hash"] for one in there if one["hash"] not in kept]
        if gone:
            door.post("torrents/delete", hashes="|".join(gone), deleteFiles="true")
        categories = door.get("torrents/categories").json or {}
        if categories:
            door.post("torrents/removeCategories", categories="\n".join(categories))
        if tags := door.get("torrents/tags").json:
            door.post("torrents/deleteTags", tags=",".join(tags))
        for path in LIMITS:
            door.post(path, limit="0")
        if door.get("transfer/speedLimitsMode").text == "1":
            door.post("transfer/toggleSpeedLimitsMode")
        if gone and not until(
            lambda: len(door.get("torrents/info").json or []) <= len(kept), SETTLED
        ):
            raise NotReady(f"{door!r} still has torrents that were deleted")

    def _settle(self, door: Door) -> None:
        """Let what a scene began come to its end."""

        def settled() -> bool:
            return not any("checking" in one or one == "moving" for one in _states(door))

        if not until(settled, SETTLED):
            raise NotReady(f"{door!r} is still checking or moving")

    def _add(self, door: Door, made: Made) -> None:
        if made.infohash not in self._held:
            self._hold(made)
        form = {"paused": "true"} if made.name.startswith(("paused", "spare")) else {}
        file = File("torrents", f"{made.name}.torrent", made.torrent)
        answer = door.send(Call(path="torrents/add", method="POST", form=form, files=(file,)))
        if answer.text != "Ok.":
            raise NotReady(f"{door!r} did not take {made.name}: {answer.status} {answer.text}")

    def _wait(self, door: Door, made: list[Made], ready: Any) -> None:
        wanted = {one.infohash for one in made}

        def settled() -> bool:
            there = door.get("torrents/info").json or []
            return wanted <= {one["hash"] for one in there if ready(one)}

        if not until(settled, SETTLED):
            there = [(one["name"], one["state"]) for one in door.get("torrents/info").json or []]
            raise NotReady(f"{door!r} has {there} instead of {[one.name for one in made]}")

    def _name_roles(self, roles: tuple[str, ...], made: list[Made]) -> None:
        everybody = "|".join(one.infohash for one in made) or NOBODYS
        for door in self.doors:
            door.names["scene"] = everybody
            for role, one in zip(roles, made, strict=True):
                _name(door, role, one)

    def _name(self, prefix: str, made: list[Made]) -> None:
        for door in self.doors:
            for one in made:
                _name(door, prefix + one.name.removesuffix(".mkv"), one)


class _Open(Stage):
    """Both servers without a login; nothing is put there."""

    def begin(self, scene: Scene) -> None:
        """Leave the servers as they are."""


def _name(door: Door, name: str, made: Made) -> None:
    door.names[name] = made.infohash
    door.names[name.upper()] = made.infohash.upper()
    door.names[f"{name}_name"] = made.name


def _states(door: Door, hashes: str = "") -> list[str]:
    return [torrent["state"] for torrent in door.get("torrents/info", hashes=hashes).json or []]


def _settled(door: Door, state: str, hashes: str) -> bool:
    return set(_states(door, hashes)) == {state}


@contextlib.contextmanager
def staged() -> Iterator[Stage]:
    """Run both servers, with the standing torrents complete."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="conformance-")))
        alldebrid = stack.enter_context(FakeAllDebrid())
        real = stack.enter_context(real_server(folder / "real"))
        ours = stack.enter_context(our_server(folder / "ours", alldebrid))
        served = {"served.torrent": Made("served").torrent}
        address = stack.enter_context(torrents_server(served))
        stage = Stage(real, ours, alldebrid)
        for door in stage.doors:
            door.names["own_torrents"] = address
        stage.complete(STANDING)
        yield stage
