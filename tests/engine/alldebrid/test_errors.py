import pytest

from engine.alldebrid import errors
from engine.alldebrid.errors import OURS, TABLE, ApiError, Treatment, presentable, rule_of

PERMANENT = """
    MAGNET_NO_URI MAGNET_INVALID_URI MAGNET_INVALID_FILE MAGNET_TOO_LARGE MAGNET_MAGNET_TOO_BIG
    MAGNET_TOOK_TOO_LONG MAGNET_PROCESSING_FAILED LINK_IS_MISSING BAD_LINK LINK_NOT_SUPPORTED
    LINK_PASS_PROTECTED
"""
ACCOUNT = """
    404 DISCONTINUED MAINTENANCE AUTH_MISSING_APIKEY AUTH_BAD_APIKEY AUTH_BLOCKED AUTH_USER_BANNED
    AUTH_MISSING_AGENT AUTH_BAD_AGENT NO_SERVER MAGNET_NO_SERVER MUST_BE_PREMIUM
    MAGNET_MUST_BE_PREMIUM FREE_TRIAL_LIMIT_REACHED
"""
RETRY = """
    GENERIC MAGNET_FILE_UPLOAD_FAILED MAGNET_UPLOAD_FAILED MAGNET_INTERNAL_ERROR
    MAGNET_PROCESSING_COOLDOWN MAGNET_CANT_BOOTSTRAP LINK_HOST_UNAVAILABLE LINK_HOST_FULL
    LINK_HOST_LIMIT_REACHED LINK_TOO_MANY_DOWNLOADS LINK_ERROR LINK_TEMPORARY_UNAVAILABLE
    DOWNLOAD_FAILED DELAYED_INVALID_ID
"""
SLOT = "MAGNET_TOO_MANY_ACTIVE MAGNET_TOO_MANY"
GONE = "MAGNET_INVALID_ID MAGNET_LINKS_REMOVED LINK_HOST_NOT_SUPPORTED LINK_DOWN"
IGNORE = """
    MAGNET_PROCESSING ALREADY_SENT PIN_ALREADY_AUTHED PIN_EXPIRED PIN_INVALID
    STREAM_INVALID_GEN_ID STREAM_INVALID_STREAM_ID REDIRECTOR_NOT_SUPPORTED REDIRECTOR_ERROR
    USER_LINK_MISSING USER_LINK_INVALID MISSING_NOTIF_ENDPOINT VOUCHER_DURATION_INVALID
    VOUCHER_NB_INVALID NO_MORE_VOUCHER INSUFFICIENT_BALANCE ACCOUNT_INVALID NO_JSON_PARAM
    JSON_INVALID FREEDAYS_INVALID_COUNTRY FREEDAYS_INVALID_PHONE FREEDAYS_INVALID_PROVIDER
    FREEDAYS_USED_PHONE FREEDAYS_ALREADY_REQUESTED FREEDAYS_INVALID_STATUS
    FREEDAYS_TOO_MUCH_RETRIES FREEDAYS_INVALID_CODE FREEDAYS_DENIED FREEDAYS_ERROR_SENDING
"""
EXPECTED = {
    code: Treatment(name)
    for name, codes in {
        "permanent": PERMANENT,
        "account": ACCOUNT,
        "retry": RETRY,
        "slot": SLOT,
        "gone": GONE,
        "ignore": IGNORE,
    }.items()
    for code in codes.split()
}
"""Every documented or seen code of AllDebrid, written down a second time."""


def test_the_table_has_every_code_in_its_class_and_no_other():
    assert {code: rule.treatment for code, rule in TABLE.items()} == EXPECTED


def test_our_own_codes_are_not_alldebrids():
    assert not set(TABLE) & set(OURS)


@pytest.mark.parametrize(("code", "rule"), [*TABLE.items(), *OURS.items()])
def test_every_rule_tells_the_user_one_sentence(code, rule):
    assert rule.advice[0].isupper()
    assert rule.advice.endswith(".")
    assert "\n" not in rule.advice
    error = ApiError(code)
    assert str(error) == f"{rule.advice} [{code}]"
    assert error.treatment is rule.treatment


@pytest.mark.parametrize(("code", "rule"), [*TABLE.items(), *OURS.items()])
def test_every_rule_has_what_its_treatment_needs(code, rule):
    account = rule.treatment is Treatment.ACCOUNT
    assert (rule.every < errors.NEVER) == (account and code != "AUTH_USER_BANNED")
    assert (rule.wait > 0) or rule.treatment is not Treatment.SLOT
    assert not rule.tries or rule.treatment is Treatment.RETRY


def test_a_wait_is_told_as_retry_after():
    assert ApiError("MAGNET_TOO_MANY").retry_after == 600
    assert ApiError("GENERIC").retry_after is None
    assert ApiError("MAGNET_TOO_MANY", retry_after=5).retry_after == 5


def test_an_unknown_code_is_retried_a_few_times_and_keeps_alldebrids_words():
    error = ApiError("BRAND_NEW", "Something\nnew")
    assert (error.treatment, rule_of("BRAND_NEW").tries) == (Treatment.RETRY, 3)
    assert "Something new [BRAND_NEW]" in str(error)


def test_an_unknown_code_about_the_key_is_account_trouble():
    assert ApiError("AUTH_NEW_REASON").treatment is Treatment.ACCOUNT


def test_the_text_decides_nothing():
    error = ApiError("MAGNET_TOO_MANY_ACTIVE", "You have more than 1000 magnets across all tabs")
    assert error.advice == TABLE["MAGNET_TOO_MANY_ACTIVE"].advice
    assert "1000" not in str(error)


def test_a_block_with_a_token_tells_of_the_mail_and_hides_the_token():
    error = ApiError("AUTH_BLOCKED", token="marked-token")
    assert error.advice == errors.VERIFY_ADVICE
    assert "marked" not in f"{error} {error!r}"


def test_the_same_error_may_be_made_permanent():
    error = ApiError("GENERIC", "words").as_permanent()
    assert (error.code, error.message, error.treatment) == ("GENERIC", "words", Treatment.PERMANENT)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain words: yes", "plain words: yes"),
        ("see https://x.example/secret?a=b now", "see [address] now"),
        ("magnet:?xt=urn:btih:aa&tr=secret is bad", "[address] is bad"),
        ("two\r\nlines\x00", "two lines"),
        ("a" * 300, "a" * 199 + "…"),
    ],
)
def test_foreign_texts_are_made_presentable(text, shown):
    assert presentable(text) == shown
