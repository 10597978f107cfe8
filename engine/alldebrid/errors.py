"""Every error code of AllDebrid: how it is treated and what the user is told.

    ApiError.treatment
    ├── PERMANENT   this job will never work                    the caller fails it
    ├── ACCOUNT     nothing works until the user acts           the client waits, no caller sees it
    ├── RETRY       may work later                              the client retries for a while
    ├── SLOT        AllDebrid has no room for another torrent   the caller waits, visibly
    ├── GONE        AllDebrid no longer has it                  the caller uploads it again, once
    └── IGNORE      so already, or no answer to what we ask     no caller sees it

`TABLE` is the only place that knows a code. `OURS` adds the codes we give ourselves to what is no
envelope at all (no connection, HTML, HTTP status). A code in neither is retried a few times.

What breaks if you edit
    The tests iterate over both tables; `account` and `client` read nothing but the rule.
    Never decide by the message: AllDebrid sends codes with the text of others.
"""

import enum
import re

import msgspec

MINUTE = 60.0
HOUR = 3600.0
NEVER = float("inf")
"""Not probed by time: only another key brings it back."""

A_FEW = 3
"""Tries for what AllDebrid calls an internal error before the job is given up."""

LONGEST_MESSAGE = 200
"""Characters of AllDebrid's own text that are kept."""


class Treatment(enum.Enum):
    """What is done about an error."""

    PERMANENT = "permanent"
    ACCOUNT = "account"
    RETRY = "retry"
    SLOT = "slot"
    GONE = "gone"
    IGNORE = "ignore"


class Proof(enum.Enum):
    """What shows that account trouble is over."""

    USER = "user"
    """`user` answers again."""
    CALL = "call"
    """Only the refused call itself: `user` works all the time."""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """How one code is treated."""

    treatment: Treatment
    advice: str
    """One sentence for the user: what is wrong and what to do."""
    wait: float = 0.0
    """Seconds before trying again makes sense (RETRY, SLOT); 0 leaves it to the backoff."""
    tries: int = 0
    """RETRY: after so many tries it counts as permanent; 0 tries as long as patience lasts."""
    every: float = NEVER
    """ACCOUNT: seconds between two probes."""
    proof: Proof = Proof.USER


def _account(advice: str, every: float, proof: Proof = Proof.USER) -> Rule:
    return Rule(treatment=Treatment.ACCOUNT, advice=advice, every=every, proof=proof)


def _permanent(advice: str) -> Rule:
    return Rule(treatment=Treatment.PERMANENT, advice=advice)


def _retry(advice: str, *, wait: float = 0.0, tries: int = 0) -> Rule:
    return Rule(treatment=Treatment.RETRY, advice=advice, wait=wait, tries=tries)


def _slot(advice: str, wait: float) -> Rule:
    return Rule(treatment=Treatment.SLOT, advice=advice, wait=wait)


def _gone(advice: str) -> Rule:
    return Rule(treatment=Treatment.GONE, advice=advice)


def _ignore(advice: str) -> Rule:
    return Rule(treatment=Treatment.IGNORE, advice=advice)


VERIFY_ADVICE = (
    "AllDebrid wants this device confirmed: open the e-mail it sent you and approve the access."
)
"""AUTH_BLOCKED with a token: the user has mail."""

_BAD_KEY = (
    "AllDebrid does not accept the API key: make one at https://alldebrid.com/apikeys "
    "and set ALLDEBRID_API_KEY."
)
_OUTDATED = "AllDebrid no longer offers a call this program makes: update the program."
_NO_SERVER = (
    "AllDebrid refuses this machine's IP address (server or VPN): see https://alldebrid.com/vpn, "
    "or use a residential connection."
)
_PREMIUM = "The AllDebrid account is not premium: renew it at https://alldebrid.com/offer."
_NOT_A_TORRENT = "AllDebrid does not take this for a valid torrent or magnet."
_INTERNAL = "AllDebrid had an internal error with this torrent."
_TOO_LARGE = "The torrent is larger than AllDebrid takes (1 TB)."
_HOST_BUSY = "AllDebrid's file host is not available right now."
_LINK_TROUBLE = "AllDebrid could not give the download link right now."
_LINK_USELESS = "AllDebrid cannot unlock this link."
_CONTENT_GONE = "AllDebrid no longer has the content of this torrent."

TABLE: dict[str, Rule] = {
    # Everything
    "GENERIC": _retry("AllDebrid had an unnamed error.", tries=A_FEW),
    "404": _account(_OUTDATED, HOUR, Proof.CALL),
    "DISCONTINUED": _account(_OUTDATED, HOUR, Proof.CALL),
    "MAINTENANCE": _account(
        "AllDebrid is down for maintenance: nothing to do, it is asked again every 5 minutes.",
        5 * MINUTE,
    ),
    # The account
    "AUTH_MISSING_APIKEY": _account(_BAD_KEY, 30 * MINUTE),
    "AUTH_BAD_APIKEY": _account(_BAD_KEY, 30 * MINUTE),
    "AUTH_BLOCKED": _account(
        "AllDebrid blocks this key from this place: allow it in your account's security settings, "
        "or connect from where you usually do.",
        HOUR,
    ),
    "AUTH_USER_BANNED": _account(
        "The AllDebrid account is banned: write to AllDebrid's support, then set another key.",
        NEVER,
    ),
    "AUTH_MISSING_AGENT": _account(_OUTDATED, HOUR),
    "AUTH_BAD_AGENT": _account(_OUTDATED, HOUR),
    "NO_SERVER": _account(_NO_SERVER, HOUR, Proof.CALL),
    "MAGNET_NO_SERVER": _account(_NO_SERVER, HOUR, Proof.CALL),
    "MUST_BE_PREMIUM": _account(_PREMIUM, 30 * MINUTE, Proof.CALL),
    "MAGNET_MUST_BE_PREMIUM": _account(_PREMIUM, 30 * MINUTE, Proof.CALL),
    "FREE_TRIAL_LIMIT_REACHED": _account(
        "The AllDebrid trial is used up (7 days or 25 GB): take a premium account at "
        "https://alldebrid.com/offer.",
        30 * MINUTE,
        Proof.CALL,
    ),
    # Torrents
    "MAGNET_NO_URI": _permanent(_NOT_A_TORRENT),
    "MAGNET_INVALID_URI": _permanent(_NOT_A_TORRENT),
    "MAGNET_INVALID_FILE": _permanent(_NOT_A_TORRENT),
    "MAGNET_FILE_UPLOAD_FAILED": _retry("AllDebrid could not take the .torrent.", tries=A_FEW),
    "MAGNET_UPLOAD_FAILED": _retry("AllDebrid could not take the torrent.", tries=A_FEW),
    "MAGNET_INTERNAL_ERROR": _retry(_INTERNAL, tries=A_FEW),
    "MAGNET_INVALID_ID": _gone("The torrent is no longer on the AllDebrid account."),
    "MAGNET_PROCESSING": _ignore("AllDebrid is working on the torrent already, or has it."),
    "MAGNET_PROCESSING_COOLDOWN": _retry(
        "AllDebrid wants to be left alone with this torrent for a while.", wait=2 * MINUTE
    ),
    "MAGNET_TOO_MANY_ACTIVE": _slot(
        "AllDebrid has as many active torrents as it allows (30): waiting for one to end.",
        2 * MINUTE,
    ),
    "MAGNET_TOO_MANY": _slot(
        "AllDebrid stores as many torrents as it allows: delete old ones at "
        "https://alldebrid.com/magnets.",
        10 * MINUTE,
    ),
    "MAGNET_TOO_LARGE": _permanent(_TOO_LARGE),
    "MAGNET_MAGNET_TOO_BIG": _permanent(_TOO_LARGE),
    "MAGNET_CANT_BOOTSTRAP": _retry(
        "AllDebrid could not start the torrent within 20 minutes.", wait=2 * MINUTE
    ),
    "MAGNET_TOOK_TOO_LONG": _permanent("AllDebrid gave the torrent up after 72 hours."),
    "MAGNET_LINKS_REMOVED": _gone(_CONTENT_GONE),
    "MAGNET_PROCESSING_FAILED": _permanent("AllDebrid could not process the torrent."),
    # Links
    "LINK_IS_MISSING": _permanent(_LINK_USELESS),
    "BAD_LINK": _permanent(_LINK_USELESS),
    "LINK_NOT_SUPPORTED": _permanent(_LINK_USELESS),
    "LINK_PASS_PROTECTED": _permanent("The link is protected by a password."),
    "LINK_HOST_NOT_SUPPORTED": _gone(_CONTENT_GONE),
    "LINK_DOWN": _gone(_CONTENT_GONE),
    "LINK_HOST_UNAVAILABLE": _retry(_HOST_BUSY, wait=5 * MINUTE),
    "LINK_HOST_FULL": _retry(_HOST_BUSY, wait=5 * MINUTE),
    "LINK_HOST_LIMIT_REACHED": _retry(_HOST_BUSY, wait=5 * MINUTE),
    "LINK_TOO_MANY_DOWNLOADS": _retry(
        "AllDebrid counts too many downloads at once: fewer at a time may help.", wait=MINUTE
    ),
    "LINK_ERROR": _retry(_LINK_TROUBLE),
    "LINK_TEMPORARY_UNAVAILABLE": _retry(_LINK_TROUBLE),
    "DOWNLOAD_FAILED": _retry(_LINK_TROUBLE),
    "DELAYED_INVALID_ID": _retry(_LINK_TROUBLE),
    # Confirming a new device
    "ALREADY_SENT": _ignore("AllDebrid sent its e-mail already."),
    "PIN_EXPIRED": _ignore("The confirmation by e-mail has expired."),
    "PIN_INVALID": _ignore("AllDebrid does not know this confirmation."),
    "PIN_ALREADY_AUTHED": _ignore("This confirmation was used already."),
} | dict.fromkeys(
    (
        "STREAM_INVALID_GEN_ID",
        "STREAM_INVALID_STREAM_ID",
        "REDIRECTOR_NOT_SUPPORTED",
        "REDIRECTOR_ERROR",
        "USER_LINK_MISSING",
        "USER_LINK_INVALID",
        "MISSING_NOTIF_ENDPOINT",
        "VOUCHER_DURATION_INVALID",
        "VOUCHER_NB_INVALID",
        "NO_MORE_VOUCHER",
        "INSUFFICIENT_BALANCE",
        "ACCOUNT_INVALID",
        "NO_JSON_PARAM",
        "JSON_INVALID",
        "FREEDAYS_INVALID_COUNTRY",
        "FREEDAYS_INVALID_PHONE",
        "FREEDAYS_INVALID_PROVIDER",
        "FREEDAYS_USED_PHONE",
        "FREEDAYS_ALREADY_REQUESTED",
        "FREEDAYS_INVALID_STATUS",
        "FREEDAYS_TOO_MUCH_RETRIES",
        "FREEDAYS_INVALID_CODE",
        "FREEDAYS_DENIED",
        "FREEDAYS_ERROR_SENDING",
    ),
    _ignore("AllDebrid answered something that belongs to another question."),
)

UNREACHABLE = "UNREACHABLE"
NOT_TRUSTED = "NOT_TRUSTED"
RATE_LIMITED = "RATE_LIMITED"
SERVER_TROUBLE = "SERVER_TROUBLE"
GARBLED = "GARBLED"
DENIED = "DENIED"
NO_FILES = "NO_FILES"
NO_LINK = "NO_LINK"
NO_ID = "NO_ID"
DELAYED_TOO_LONG = "DELAYED_TOO_LONG"
DELAYED_FAILED = "DELAYED_FAILED"

OURS: dict[str, Rule] = {
    UNREACHABLE: _retry("AllDebrid cannot be reached: check the network if it stays so."),
    NOT_TRUSTED: _account(
        "The server at AllDebrid's address cannot prove who it is: check the clock, "
        "ALLDEBRID_API_URL and SSL_CERT_FILE.",
        MINUTE,
    ),
    RATE_LIMITED: _retry("AllDebrid asks for fewer requests."),
    SERVER_TROUBLE: _retry("AllDebrid's server has trouble."),
    GARBLED: _retry("AllDebrid's answer cannot be read."),
    DENIED: _account(
        "The access of this device was denied from AllDebrid's e-mail: set another key, "
        "or wait for the next e-mail and approve.",
        6 * HOUR,
    ),
    NO_FILES: _retry("AllDebrid says the torrent is ready but lists no files yet."),
    NO_LINK: _permanent("AllDebrid gave no usable download link for a file."),
    NO_ID: _retry("AllDebrid took the torrent but does not list it yet."),
    DELAYED_TOO_LONG: _retry("AllDebrid needs very long to make a download link.", wait=5 * MINUTE),
    DELAYED_FAILED: _retry("AllDebrid failed to make a download link.", wait=MINUTE),
}
"""What the network or the answer's form says, in the same terms; DENIED is the user's "no"."""

UNPROVING = frozenset({"GENERIC", UNREACHABLE, RATE_LIMITED, SERVER_TROUBLE, GARBLED})
"""Codes that say nothing about whether the account works."""

_UNKNOWN = _retry("AllDebrid refused for a reason this program does not know.", tries=A_FEW)
_UNKNOWN_AUTH = _account(_BAD_KEY, 30 * MINUTE)

_ADDRESS = re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]*:(?://|\?)\S*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


def rule_of(code: str) -> Rule:
    """Return how a code is treated; every string has a rule."""
    rule = TABLE.get(code) or OURS.get(code)
    if rule is None:
        rule = _UNKNOWN_AUTH if code.startswith("AUTH_") else _UNKNOWN
    return rule


def presentable(text: str) -> str:
    """Return a text of AllDebrid's fit for a log: one short line without addresses."""
    text = _ADDRESS.sub("[address]", _CONTROL.sub(" ", text)).strip()
    return text if len(text) <= LONGEST_MESSAGE else text[: LONGEST_MESSAGE - 1] + "…"


_ITS_OWN = frozenset(
    {
        "MAGNET_FILE_UPLOAD_FAILED",
        "MAGNET_UPLOAD_FAILED",
        "MAGNET_INTERNAL_ERROR",
        "LINK_HOST_NOT_SUPPORTED",
    }
)
"""Codes that name a torrent or a link and speak of AllDebrid itself."""


class ApiError(Exception):
    """AllDebrid said no, or could not be asked. `str()` is a sentence for the user.

    `code` is AllDebrid's (or one of `OURS`), `message` its own words made presentable,
    `retry_after` seconds after which asking again makes sense, or None.
    """

    def __init__(
        self,
        code: str,
        message: str = "",
        *,
        treatment: Treatment | None = None,
        retry_after: float | None = None,
        token: str = "",
    ) -> None:
        rule = rule_of(code)
        self.code = presentable(code)
        self.message = presentable(message)
        self.treatment = treatment or rule.treatment
        self.retry_after = retry_after if retry_after is not None else rule.wait or None
        self.token = token
        """AUTH_BLOCKED: what to ask after; a secret."""
        self.advice = VERIFY_ADVICE if token else rule.advice
        super().__init__(self._sentence(rule))

    def _sentence(self, rule: Rule) -> str:
        if self.message and (rule is _UNKNOWN or rule is _UNKNOWN_AUTH):
            return f"{self.advice} AllDebrid: {self.message} [{self.code}]"
        return f"{self.advice} [{self.code}]"

    @property
    def about_release(self) -> bool:
        """True when it is about this torrent or link: another one may do better.

        What AllDebrid says of a torrent and takes back on the next try counts too, once it has
        been tried often enough; what it says of itself never does, for on a bad day of its own
        every release would be to blame.
        """
        if self.code in _ITS_OWN:
            return False
        treatment = rule_of(self.code).treatment
        of_torrent = self.code.startswith("MAGNET_") and treatment is Treatment.RETRY
        return of_torrent or treatment in {Treatment.PERMANENT, Treatment.GONE}

    def as_permanent(self) -> "ApiError":
        """Return the same error, to be retried by nobody."""
        return ApiError(self.code, self.message, treatment=Treatment.PERMANENT)
