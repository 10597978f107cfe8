"""Accepting a release: from what was announced to a row in the store, before anybody is answered.

Theory
    Who announces does so once: Autobrr neither looks at the answer nor tries again. So a release
    counts as accepted when it is on disk, and only then the answer goes out.

    A commit that survives a power cut takes as long as the disk takes to sync, tens of milliseconds
    on a spinning one. Releases come in bursts, so those that arrive while one commit is under way
    share the next.

Guarantees
    The same release for the same program is accepted once, however often it is announced: see
    `engine.store.pushes.same`. It goes out again only if it had ended badly.

    A .torrent that came along is kept in the same transaction, and so is what was learned of the
    name. Neither a crash nor a power cut leaves one without the other.

    Releases share a commit, not a fate: one that trips over a bug of ours takes no other with it.
"""

import asyncio
import datetime as dt
import enum
import secrets
from collections.abc import Callable
from typing import Any

import msgspec

from arrpush import catalogue, course, similar
from arrpush.payload import BadRelease, Release, Target, infohash_of, payload
from engine.store import kept, pushes
from engine.store.records import PushRecord
from engine.store.store import Connection, Store

ID_BYTES = 8
"""Random bytes of an id: it has to be unique, not secret."""

NAME_HOLDS = 24 * 3600
"""Seconds for which a name alone tells that a release is one that has ended."""


class Taken(msgspec.Struct, frozen=True):
    """A release that was accepted, now or before."""

    push: PushRecord
    known: bool
    """True when it was accepted before, and is not delivered again."""

    def __repr__(self) -> str:
        """Leave out what is pushed: it may hold passkeys."""
        return f"<Taken {self.push.id} infohash={self.push.infohash} known={self.known}>"


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """One announced release."""

    release: Release
    """With what the .torrent says, where there is one."""
    target: Target
    torrent: bytes = b""
    """The .torrent itself."""
    base: str = ""
    """Where whoever announced it reached us, such as `http://nas:6500`; "" for unknown."""

    def __repr__(self) -> str:
        """Leave out the .torrent: its trackers may hold passkeys."""
        return f"<Offer {self.release!r} to {self.target.value} torrent={len(self.torrent)} bytes>"


class News(enum.Enum):
    """What an announcement adds to one of the same release before it."""

    NONE = enum.auto()
    MORE = enum.auto()
    """Something that helps to grab it."""
    RELEASE = enum.auto()
    """Everything: it goes out, or goes out again."""


class Desk:
    """Accepts releases, several with one commit. The event loop's thread only."""

    def __init__(self, store: Store, now: Callable[[], float]) -> None:
        self._store = store
        self._now = now
        self._waiting: list[tuple[Offer, asyncio.Future[Taken]]] = []
        self._committing: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<Desk {len(self._waiting)} waiting>"

    async def accept(self, offer: Offer) -> Taken:
        """Store a release; when this returns it survives anything.

        Raises BadRelease when it is not enough for a push, and StoreError.
        """
        taken: asyncio.Future[Taken] = asyncio.get_running_loop().create_future()
        self._waiting.append((offer, taken))
        if self._committing is None or self._committing.done():
            self._committing = asyncio.create_task(self._commit(), name="arrpush-accept")
        return await taken

    async def _commit(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            results = await self._results([offer for offer, _ in batch])
            for (_, taken), result in zip(batch, results, strict=True):
                _tell(taken, result)

    async def _results(self, offers: list[Offer]) -> list[Taken | Exception]:
        try:
            return await self._store.run(lambda db: self._take_all(db, offers), durable=True)
        except Exception as problem:  # noqa: BLE001 - whoever waits is told
            if len(offers) == 1:
                return [problem]
        return [(await self._results([offer]))[0] for offer in offers]

    def _take_all(self, db: Connection, offers: list[Offer]) -> list[Taken | Exception]:
        results: list[Taken | Exception] = []
        for offer in offers:
            try:
                results.append(take(db, offer, self._now()))
            except BadRelease as problem:
                results.append(problem)
        return results


def take(db: Connection, offer: Offer, now: float) -> Taken:
    """Store a release that was announced at Unix time `now`; a work. Raises BadRelease."""
    told = infohash_of(offer.release)
    body = _payload(db, offer, now, told)
    title, infohash = str(body["title"]), str(body.get("infoHash", ""))
    record = PushRecord(
        id=secrets.token_hex(ID_BYTES),
        target=offer.target.value,
        title=title,
        words=_words(title),
        infohash=infohash,
        guessed=bool(infohash) and not told,
        payload=msgspec.json.encode(body).decode(),
        base=offer.base,
        state=course.State.WAITING,
        accepted_at=int(now),
        since=int(now),
    )
    before = _same(db, record, told)
    news = _news(db, before, offer, told)
    if before is not None:
        if news is News.NONE:
            _keep_late(db, before, offer, told, now)
            return Taken(before, known=True)
        record = _instead(before, record, news)
    if offer.torrent:
        kept.put(db, infohash, offer.torrent, int(now))
    if told:  # what was only looked up is no news
        catalogue.learn(db, title, infohash, now, size=int(body["size"]))
    if news is News.MORE:
        pushes.save(db, record)
    else:
        pushes.add(db, record)
    return Taken(record, known=news is News.MORE)


def _same(db: Connection, record: PushRecord, told: str) -> PushRecord | None:
    """Return what was accepted of the same release before, or None; `told` is its own infohash.

    That a release of this name has ended does not say for long that this one is the same: that one
    may have failed since, and another indexer may have a good one. Nor does one that is being
    pushed: which torrent is grabbed for it is not known any more, and if it is this one, the
    program refuses it.
    """
    before = pushes.same(db, record.target, record.infohash, record.words, guessed=record.guessed)
    if before is None or (told and before.infohash == told):
        return before
    if not course.ended(before):
        return None if told and before.tried else before
    return None if record.accepted_at - before.ended_at > NAME_HOLDS else before


def _keep_late(db: Connection, before: PushRecord, offer: Offer, told: str, now: float) -> None:
    """Keep a .torrent that comes after its release was pushed, where it may still be of use."""
    is_its_own = bool(offer.torrent) and told == before.infohash and not before.guessed
    if is_its_own and before.state in course.HOPEFUL and not kept.has(db, told):
        kept.put(db, told, offer.torrent, int(now))


def _instead(before: PushRecord, record: PushRecord, news: News) -> PushRecord:
    """Return a push in the place of the one before it, with what that one has come to.

    One that nobody has answered for good may have been grabbed all the same.
    """
    if news is News.MORE:
        return msgspec.structs.replace(
            before,
            title=record.title,
            words=record.words,
            infohash=record.infohash,
            guessed=record.guessed,
            payload=record.payload,
            base=record.base,
            answer="",  # it quotes what was pushed before, and would be shown beside this
        )
    unanswered = before.state == course.State.EXPIRED and before.tried
    since = before.since if unanswered else record.since
    return msgspec.structs.replace(record, id=before.id, tried=unanswered, since=since)


def _news(db: Connection, before: PushRecord | None, offer: Offer, told: str) -> News:
    """Return what an announcement adds to the one before it.

    What is still waiting goes out once, but with what is known now: Sonarr may get the .torrent
    that it cannot fetch by itself.
    """
    if before is None or course.may_go_again(before):
        return News.RELEASE
    known = "" if before.guessed else before.infohash
    has_torrent = kept.has(db, known)
    knows_more = (bool(offer.torrent) and not has_torrent) or (bool(told) and not known)
    return News.MORE if before.state == course.State.WAITING and knows_more else News.NONE


def _words(title: str) -> str:
    """Return what is the same for all spellings of a title, and differs for all others."""
    return " ".join(similar.tokens(title)) or title


def _payload(db: Connection, offer: Offer, now: float, told: str) -> dict[str, Any]:
    """Return what is pushed; a release without an infohash is looked up by its name."""
    release = offer.release
    moment = dt.datetime.fromtimestamp(now, dt.UTC)
    if not told:
        known = catalogue.infohash_of(db, release.name)
        release = msgspec.structs.replace(release, infohash=known)
    return payload(release, offer.target, lambda: moment)


def _tell(taken: asyncio.Future[Taken], result: Taken | Exception) -> None:
    if taken.done():
        return  # whoever asked has gone
    if isinstance(result, Exception):
        taken.set_exception(result)
    else:
        taken.set_result(result)
