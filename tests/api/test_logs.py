import contextlib
import datetime as dt
import io
import json
import logging
import sys
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import logs
from api.logs import STARS, JsonFormatter, LineFormatter, LogHandler, Masker, configure, redact

KEY = "s3cr3t-k3y"


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def masker():
    masker = Masker()
    masker.hide(KEY)
    return masker


@pytest.fixture
def log(masker):
    """A logger of one's own, and what it wrote as objects."""
    stream = io.StringIO()
    with only_handler("engine.log", stream, JsonFormatter(masker)) as logger:
        logger.entries = lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
        yield logger


@pytest.fixture
def lines(masker):
    """A logger of one's own on a terminal, and what is there to be read."""
    stream = Terminal()
    with only_handler("engine.lines", stream, LineFormatter(masker)) as logger:
        logger.text = stream.getvalue
        yield logger


@contextlib.contextmanager
def only_handler(name, stream, formatter):
    logger = logging.getLogger(name)
    handler = LogHandler(stream)
    handler.setFormatter(formatter)
    logger.addHandler(handler)
    logger.propagate = False
    logger.setLevel("DEBUG")
    yield logger
    logger.removeHandler(handler)


def entry_of(message, *arguments, masker=None):
    """Return the object for one message, without going through a logger."""
    record = logging.makeLogRecord({"msg": message, "args": arguments})
    return json.loads(JsonFormatter(masker or Masker()).format(record))


def fail(text):
    raise ValueError(text)


@pytest.fixture
def root():
    """The root logger, put back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield root
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)


class TestAnObjectALine:
    def test_says_when_where_and_what(self, log):
        log.warning("disk=%s free=%d", "full", 0)

        (entry,) = log.entries()
        moment = dt.datetime.fromisoformat(entry.pop("timestamp"))
        assert moment.utcoffset() == dt.timedelta(0)
        assert abs(dt.datetime.now(dt.UTC) - moment) < dt.timedelta(minutes=1)
        assert entry == {
            "level": "WARNING",
            "logger": "engine.log",
            "message": "disk=full free=0",
            "module": "test_logs",
            "function": "test_says_when_where_and_what",
        }

    def test_has_a_time_in_utc_with_milliseconds(self):
        record = logging.makeLogRecord({"created": 0.25, "msg": "x"})

        assert json.loads(JsonFormatter().format(record))["timestamp"] == "1970-01-01T00:00:00.250Z"

    def test_holds_the_traceback(self, log):
        try:
            fail("what happened")
        except ValueError:
            log.exception("job=failed")

        (entry,) = log.entries()
        assert entry["exception"].startswith("Traceback")
        assert entry["exception"].endswith("ValueError: what happened")

    def test_holds_the_stack_when_that_was_asked_for(self, log):
        log.info("here", stack_info=True)

        assert "test_holds_the_stack" in log.entries()[0]["exception"]

    def test_stays_one_line_whatever_is_in_it(self, log):
        log.info("name=%s", 'two\nlines "quoted" \x1b[31m \u2028 \udcff')

        (entry,) = log.entries()
        assert entry["message"] == 'name=two\nlines "quoted" \x1b[31m \u2028 \\udcff'

    def test_tells_of_arguments_that_do_not_fit(self):
        entry = entry_of("size=%d", "not a number")

        assert entry["message"] == "message='size=%d' cannot be put together: TypeError"

    def test_survives_what_cannot_be_printed(self):
        class Broken:
            def __str__(self):
                raise RuntimeError

        assert "put together: RuntimeError" in entry_of("what=%s", Broken())["message"]

    @given(st.text(), st.text())
    def test_can_be_read_back_whatever_is_logged(self, message, argument):
        entry = entry_of(message.replace("%", "%%") + "%s", argument)

        assert entry["message"] == redact(message + argument)


class TestALineForReading:
    def test_is_short(self, lines):
        lines.warning("disk=full")

        clock, rest = lines.text().split(" ", 1)
        assert len(clock) == len("12:34:56")
        assert rest == "WARNING engine.lines disk=full\n"

    def test_cannot_be_torn_or_coloured_from_outside(self, lines):
        lines.info("name=%s", "a\nb\r\x1b[31m\u2028\udcff")

        assert lines.text().endswith("name=a\\nb\\r\\x1b[31m\\u2028\\udcff\n")

    def test_has_the_traceback_below(self, lines):
        try:
            fail("\x1b[31mred")
        except ValueError:
            lines.exception("job=failed")

        first, second, *_, last = lines.text().splitlines()
        assert first.endswith("job=failed")
        assert second.startswith("Traceback")
        assert last == "ValueError: \\x1b[31mred"


class TestARegisteredSecret:
    def test_is_masked_in_message_and_arguments(self, log):
        log.info(f"key={KEY}")  # noqa: G004 - that is how secrets get into logs
        log.info("key=%s and %r", KEY, {"k": [KEY]})
        log.info(KEY)

        assert KEY not in str(log.entries())
        assert log.entries()[2]["message"] == STARS

    def test_is_masked_in_tracebacks(self, log, lines):
        try:
            fail(KEY)
        except ValueError:
            log.exception("failed")
            lines.exception("failed")

        assert KEY not in str(log.entries())
        assert KEY not in lines.text()
        assert f"ValueError: {STARS}" in lines.text()

    def test_is_masked_when_the_message_cannot_be_put_together(self, masker):
        entry = entry_of(f"size=%d {KEY}", "x", masker=masker)

        assert entry["message"] == f"message='size=%d {STARS}' cannot be put together: TypeError"

    @pytest.mark.parametrize(
        ("secret", "text"),
        [
            ("pass word/+ü", "x=pass%20word%2F%2B%C3%BC"),
            ("pass word/+ü", "x=pass+word%2F%2B%C3%BC"),
            ("back\\slash'quote", repr("back\\slash'quote")),
            ('double"quote', json.dumps({"a": 'double"quote'})),
            ("grün-grün", ascii("grün-grün")),
        ],
    )
    def test_is_masked_in_other_spellings(self, secret, text):
        masker = Masker()
        masker.hide(secret)

        assert STARS in masker.mask(f"value {text} end")
        assert secret not in masker.mask(text)
        assert masker.mask(text) != text

    def test_leaves_nothing_behind_when_another_begins_like_it(self):
        masker = Masker()
        masker.hide("secret")
        masker.hide("secret-and-more")

        assert masker.mask("x secret-and-more y secret z") == f"x {STARS} y {STARS} z"

    def test_may_hold_characters_that_mean_something_in_patterns(self):
        masker = Masker()
        masker.hide("a.b*c(")

        assert masker.mask("a.b*c( aXbbc(") == f"{STARS} aXbbc("

    @pytest.mark.parametrize("secret", ["", "a", "abc"])
    def test_is_left_alone_when_masking_would_show_it(self, secret):
        masker = Masker()
        masker.hide(secret)

        assert masker.mask("an abc of alphabets") == "an abc of alphabets"

    def test_is_not_in_the_masker_s_repr(self, masker):
        assert KEY not in repr(masker)

    @given(st.text(min_size=4), st.text(), st.text())
    def test_is_gone_from_any_text(self, secret, before, after):
        masker = Masker()
        masker.hide(secret)

        masked = masker.mask(before + secret + after)

        assert secret not in masked.replace(STARS, "") or secret in before + after

    def test_can_be_added_to_the_process_s_own_masker(self, monkeypatch):
        monkeypatch.setattr(logs, "MASKER", Masker())
        logs.MASKER.hide("temporary-secret")

        assert logs.MASKER.mask("a temporary-secret") == f"a {STARS}"


class TestWhatLooksLikeASecret:
    @pytest.mark.parametrize(
        ("text", "masked"),
        [
            (
                "get https://a1.debrid.it/dl/2x/Film.mkv now",
                f"get https://a1.debrid.it/{STARS} now",
            ),
            ("https://a1.debrid.it:443/anything", f"https://a1.debrid.it:443/{STARS}"),
            ("https://x2.alldeb.ovh/a/Film.mkv", f"https://x2.alldeb.ovh/{STARS}"),
            ("https://notalldeb.ovh/a/Film.mkv", "https://notalldeb.ovh/a/Film.mkv"),
            ("http://127.0.0.1:4711/dl/token/film.mkv", f"http://127.0.0.1:4711/{STARS}"),
            ("https://alldebrid.com/f/AbC123", f"https://alldebrid.com/{STARS}"),
            (
                "https://tracker.example/0123456789abcdef0123456789abcdef/announce",
                f"https://tracker.example/{STARS}",
            ),
            ("https://host/path?token=1&x=2#y", f"https://host/path?{STARS}"),
            ("<a href='https://host/p?q'>", f"<a href='https://host/p?{STARS}'>"),
            ("https://user:password@host/p", f"https://{STARS}@host/p"),
            ("apikey=abc&agent=x", f"apikey={STARS}&agent=x"),
            ("api_key = abc rest", f"api_key = {STARS} rest"),
            ("passkey=abc", f"passkey={STARS}"),
            ("API_PASSWORD=hunter2", f"API_PASSWORD={STARS}"),
            ("password='two words' x", f"password={STARS} x"),
            ("{'apikey': 'abc', 'id': 1}", f"{{'apikey': {STARS}, 'id': 1}}"),
            ('{"token":"abc"}', f'{{"token":{STARS}}}'),
            ("X-Api-Key: abc", f"X-Api-Key: {STARS}"),
            ("Authorization: Bearer abcdef123456", f"Authorization: Bearer {STARS}"),
            ("b'Basic dXNlcjpwYXNz='", f"b'Basic {STARS}'"),
            (
                "magnet:?xt=urn:btih:ABC&dn=Name&tr=http%3A%2F%2Ft%2Fpass&tr=udp%3A%2F%2Fu",
                f"magnet:?xt=urn:btih:ABC&dn=Name&tr={STARS}&tr={STARS}",
            ),
            (
                "magnet:?tr.1=http%3A%2F%2Ft%2Fpass&dn=Name&tr.22=udp%3A%2F%2Fu",
                f"magnet:?tr.1={STARS}&dn=Name&tr.22={STARS}",
            ),
            ("urls=magnet%3A%3Ftr.1%3Dhttp%253A%252F%252Ft", f"urls=magnet%3A%3Ftr.1%3D{STARS}"),
            ("magnet%3A%3Fxt%3D1%26tr%3Dhttp", f"magnet%3A%3Fxt%3D1%26tr%3D{STARS}"),
        ],
    )
    def test_is_masked(self, text, masked):
        assert redact(text) == masked

    @pytest.mark.parametrize(
        "text",
        [
            "open https://alldebrid.com/apikeys and make a key",
            "listening=http://0.0.0.0:6500/",
            "GET http://127.0.0.1:6500/api/v2/torrents/info",
            "https://api.alldebrid.com/v4.1/magnet/status",
            "state=paused retry=4 size=12 str=abc",
            "Basic authorization, Bearer token",
            "the token: it expired",
            "hash=0123456789abcdef0123456789abcdef01234567",
            "path=/downloads/complete/sonarr/Some.Show.S01E01.1080p.WEB.x264-GROUP",
        ],
    )
    def test_is_not_what_a_reader_needs(self, text):
        assert redact(text) == text

    @given(st.text())
    def test_stays_masked_when_it_is_masked_again(self, text):
        assert redact(redact(text)) == redact(text)

    def test_is_found_quickly_in_long_texts(self):
        for text in ("a" * 100_000, "https://" * 20_000, "token=" * 20_000, "/a1" * 40_000):
            assert len(redact(text)) <= len(text) + 1_000_000


class TestConfiguring:
    def test_writes_objects_to_what_is_no_terminal(self, root):
        stream = io.StringIO()

        configure("INFO", stream)
        logging.getLogger("engine.some").info("state=ready")
        logging.getLogger("engine.some").debug("not=this")

        (line,) = stream.getvalue().splitlines()
        assert json.loads(line)["message"] == "state=ready"

    def test_writes_lines_to_a_terminal(self, root):
        stream = Terminal()

        configure("DEBUG", stream)
        logging.getLogger("engine.some").debug("state=ready")

        assert stream.getvalue().endswith("DEBUG   engine.some state=ready\n")

    def test_a_progress_bar_on_the_terminal_gives_way_to_a_line(self, root):
        stream = Terminal()
        stream.write("[###---] 50%")

        configure("DEBUG", stream)
        logging.getLogger("engine.some").debug("state=ready")

        assert stream.getvalue().startswith("[###---] 50%\r\x1b[K")

    def test_writes_to_stderr_by_default(self, root, capsys):
        configure("INFO")
        logging.getLogger("engine.some").info("state=ready")

        assert "state=ready" in capsys.readouterr().err

    def test_replaces_what_was_set_up_before(self, root):
        first, second = io.StringIO(), io.StringIO()

        configure("INFO", first)
        configure("WARNING", second)
        logging.getLogger("engine.some").warning("state=ready")
        logging.getLogger("engine.some").info("not=this")

        assert first.getvalue() == ""
        assert len(second.getvalue().splitlines()) == 1

    def test_masks_what_was_hidden(self, root, masker):
        stream = io.StringIO()

        configure("INFO", stream, masker=masker)
        logging.getLogger("some.library").info("key is %s", KEY)

        assert KEY not in stream.getvalue()

    def test_logs_warnings_of_libraries(self, root):
        stream = io.StringIO()

        with warnings.catch_warnings():
            warnings.simplefilter("always")
            configure("INFO", stream)
            warnings.warn("this is old", stacklevel=1)
            logging.captureWarnings(False)

        assert "this is old" in json.loads(stream.getvalue())["message"]

    def test_says_nothing_when_the_stream_is_gone(self, root, capsys):
        stream = io.StringIO()
        configure("INFO", stream)
        stream.close()

        logging.getLogger("engine.some").info("key=%s", KEY)

        assert capsys.readouterr() == ("", "")


def test_the_masker_of_the_process_is_the_one_that_hide_adds_to():
    assert logs.hide.__self__ is logs.MASKER
    assert sys.modules["api.logs"].MASKER is logs.MASKER
