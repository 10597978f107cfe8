"""The gate that closes when the account is in trouble, and the one prober that opens it again.

Theory
    Trouble with the account (bad key, blocked place, no premium, server IP, maintenance) is the
    same for every call, and asking all the same makes it worse. So the first refusal closes the
    gate: every call waits at it, one task probes slowly, and the user is told in one sentence.

    What proves that it is over depends on the code (`Rule.proof`). Mostly `user` answering is
    enough. Where `user` works all the while (NO_SERVER, not premium) only the refused call itself
    tells: after the interval one waiting call to the same endpoint is let through, on trial. If
    none is waiting there is nothing to lose, and the gate opens.

    AUTH_BLOCKED with a token means that the user has mail: then the prober asks what became of
    it, and takes over the new key that may come with the approval.

Rules
    A key that is not the one that was refused is tried at once.
    A user's order calls for a probe before its time (`nudge`), but for none that has no chance or
    makes AllDebrid send another e-mail.
    One log line when the trouble changes, one when it is over; none per call.
    A refusal of a call that went out with an older key says nothing and is passed over.
    The key is only compared here: it is in no repr and no log.
"""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable

from engine.alldebrid.errors import (
    DENIED,
    NEVER,
    UNPROVING,
    ApiError,
    Proof,
    Treatment,
    rule_of,
)
from engine.alldebrid.values import Verdict
from engine.alldebrid.wire import Confirmation

logger = logging.getLogger("engine.alldebrid.account")

KEY_CHECK_INTERVAL = 5.0
"""Seconds between two looks at the key while it is refused: a file read, no request."""

VERIFY_INTERVAL = 5.0
"""Seconds between two questions about the e-mail; the API's own rhythm for such polls."""

NUDGE_INTERVAL = 60.0
"""Seconds between two probes, at least, when the user's orders call for them: an order should not
wait an hour for trouble that is over, and a hundred orders are no reason to ask a hundred times."""

RETRY_INTERVAL = 60.0
"""Seconds to the next probe after one that proved nothing (no network, rate limit)."""

JITTER = 0.1
"""Share by which intervals vary, so that many clients do not probe in step."""


class Account:
    """Whether AllDebrid works for this account; all calls pass through `attempt`. One event loop.

    `probe` asks for the account and raises ApiError, `verify` asks what became of a token,
    `key` returns the key in force.
    """

    def __init__(
        self,
        *,
        probe: Callable[[], Awaitable[object]],
        verify: Callable[[str], Awaitable[Confirmation]],
        key: Callable[[], str],
        sleep: Callable[[float], Awaitable[object]],
        random: Callable[[], float],
    ) -> None:
        self._probe = probe
        self._verify = verify
        self._key = key
        self._sleep = sleep
        self._random = random
        self._error: ApiError | None = None
        self._tried_key = ""
        self._nudged = False
        self._refused_endpoint = ""
        self._trial: asyncio.Future[bool] | None = None
        """Set while one call may go, or is, on trial; its result is whether that told anything."""
        self._trial_taken = False
        self._waiting: Counter[str] = Counter()
        self._changed = asyncio.Event()
        self._prober: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        state = self._error.code if self._error else "fine"
        return f"<Account {state} waiting={self._waiting.total()}>"

    @property
    def trouble(self) -> str:
        """What the user must do for AllDebrid to work again; empty when it works."""
        return self._error.advice if self._error else ""

    @property
    def code(self) -> str:
        """AllDebrid's code for the trouble; empty when there is none."""
        return self._error.code if self._error else ""

    async def wait_until_fine(self) -> None:
        """Return as soon as there is no trouble."""
        while self._error is not None:
            await self._changed.wait()

    def nudge(self) -> None:
        """Somebody asks for something now: see soon whether the trouble is over."""
        self._nudged = True

    @contextlib.asynccontextmanager
    async def attempt(self, endpoint: str) -> AsyncIterator[None]:
        """Wait until a call to `endpoint` may go, and learn from how it ends.

        The body makes the call; its ApiError is learnt from and passed on.
        """
        on_trial = await self._admit(endpoint)
        key = self._key()
        told = fine = False
        try:
            yield
            told = fine = True
        except ApiError as error:
            told = error.code not in UNPROVING
            fine = told and error.treatment is not Treatment.ACCOUNT
            if error.treatment is Treatment.ACCOUNT and key == self._key():
                self._refuse(error, endpoint, key)
            raise
        finally:
            if on_trial:
                self._end_trial(told=told, fine=fine)

    async def close(self) -> None:
        """End the prober."""
        if self._prober is not None:
            self._prober.cancel()
            await asyncio.gather(self._prober, return_exceptions=True)

    async def _admit(self, endpoint: str) -> bool:
        """Wait for the gate; return whether this call goes on trial."""
        while self._error is not None:
            offered = self._trial is not None and not self._trial_taken
            if offered and endpoint == self._refused_endpoint:
                self._trial_taken = True
                return True
            self._waiting[endpoint] += 1
            try:
                await self._changed.wait()
            except asyncio.CancelledError:
                self._decline_trial(endpoint)
                raise
            finally:
                self._waiting[endpoint] -= 1
        return False

    def _decline_trial(self, endpoint: str) -> None:
        """Let the prober go on if the last call that a trial was offered to is given up."""
        last = self._waiting[endpoint] == 1 and endpoint == self._refused_endpoint
        if last and not self._trial_taken:
            self._end_trial(told=False, fine=False)

    def _refuse(self, error: ApiError, endpoint: str, key: str) -> None:
        """Close the gate, or note that the trouble is another one now."""
        if self._error is None:
            self._nudged = False  # that was about something else
        if self._error is None or self._error.code != error.code:
            logger.warning(
                "account=trouble code=%s endpoint=%s advice=%r", error.code, endpoint, error.advice
            )
            self._refused_endpoint = endpoint
        if self._error is None or error.token or error.code != self._error.code:
            self._error = error
        self._tried_key = key
        if self._prober is None or self._prober.done():
            self._prober = asyncio.create_task(self._recover(), name="alldebrid account prober")

    def _open(self) -> None:
        if self._error is not None:
            logger.info("account=fine")
            self._error = None
            self._announce()

    def _announce(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _end_trial(self, *, told: bool, fine: bool) -> None:
        if fine:
            self._open()
        if self._trial is not None and not self._trial.done():
            self._trial.set_result(told)

    async def _recover(self) -> None:
        """Probe until the gate is open."""
        told = True
        while (error := self._error) is not None:
            try:
                interval = rule_of(error.code).every
                if error.token:
                    worth_it = await self._follow_mail(error.token)
                else:
                    pause = interval if told else RETRY_INTERVAL
                    worth_it = await self._pause(pause, heeding=interval < NEVER)
                if worth_it and self._error is not None:
                    told = await self._try_again(self._error)
            except Exception:
                # The last net: a bug here would keep the gate shut for ever.
                logger.exception("account=probe_failed")
                await self._sleep(RETRY_INTERVAL)

    async def _try_again(self, error: ApiError) -> bool:
        """Probe once; return False when that said nothing about the account."""
        key = self._key()
        if rule_of(error.code).proof is Proof.CALL and key == self._tried_key:
            return await self._let_one_through()
        self._tried_key = key
        try:
            await self._probe()
        except ApiError as failure:
            if failure.treatment is Treatment.ACCOUNT:
                self._refuse(failure, "user", key)
                return True
            if failure.code in UNPROVING:
                return False
        self._open()
        return True

    async def _let_one_through(self) -> bool:
        """Put one waiting call on trial; return False when its outcome says nothing."""
        if not self._waiting[self._refused_endpoint]:
            self._open()
            return True
        self._trial = asyncio.get_running_loop().create_future()
        self._trial_taken = False
        self._announce()
        try:
            return await self._trial
        finally:
            self._trial = None

    async def _follow_mail(self, token: str) -> bool:
        """Wait for the user's answer to the e-mail; return whether a probe makes sense now."""
        while self._error is not None and self._error.token == token:
            await self._sleep(self._jittered(VERIFY_INTERVAL))
            if self._key() != self._tried_key:
                return True
            verdict = (await self._verify(token)).verdict
            if verdict is Verdict.ALLOWED:
                return True
            if verdict is Verdict.DENIED:
                self._refuse(ApiError(DENIED), "user/verif", self._key())
            elif verdict is Verdict.EXPIRED:
                # Asking again makes AllDebrid send another e-mail, so not at once.
                return await self._pause(rule_of("AUTH_BLOCKED").every)
        return False

    async def _pause(self, seconds: float, *, heeding: bool = False) -> bool:
        """Wait, but not longer than the refused key stays the key; True, a probe makes sense.

        A nudge ends the wait too, if it is `heeding` nudges and has lasted long enough.
        """
        left, waited = self._jittered(seconds), 0.0
        while left > 0 and self._key() == self._tried_key:
            if heeding and self._nudged and waited >= NUDGE_INTERVAL:
                break
            step = min(left, KEY_CHECK_INTERVAL)
            await self._sleep(step)
            left -= step
            waited += step
        self._nudged = False
        return True

    def _jittered(self, seconds: float) -> float:
        return seconds * (1 + JITTER * (2 * self._random() - 1))
