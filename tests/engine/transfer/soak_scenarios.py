"""What may happen between a host and a download, and how it must end: the table of the soak test.

A scenario spoils a `Trial` and returns what may be told: MENDED, or classes of errors. It strikes
at a place of the file, or as often, as the seed says.
"""

import email.utils
import enum
import itertools
import socket
import time
from collections.abc import Callable
from typing import NamedTuple

from engine.transfer.errors import (
    ConnectionTrouble,
    FileChanged,
    Gone,
    LinkExpired,
    NotTrusted,
    ServerBusy,
    ServerTrouble,
    Stopped,
    Unusable,
)
from tests.engine.transfer.soak import MENDED, MIB, SECOND, gone, nobody_renews
from tests.fakes.certificates import WRONG
from tests.fakes.content import Pattern
from tests.fakes.dns import NOWHERE, deaf_address

NAME = "files.example"


class Trouble(enum.Enum):
    """What is tried, and what it is in words."""

    RESET = "the connection is reset"
    FIN = "the connection ends in the middle of a body"
    SILENCE = "nothing comes any more, and nothing says why"
    ONE_BYTE_PER_SECOND = "bytes come one by one"
    SPLIT_HEAD = "the response head arrives in pieces, down to single bytes"
    OVERSIZED_HEAD = "the response head has no end"
    WRONG_RANGE = "a 206 brings another range than was asked for, or says so"
    WRONG_TOTAL = "a 206 says that the file has another size, or none"
    WHOLE_FOR_A_RANGE = "a 200 answers a request for a range"
    UNSATISFIED = "a 416 answers a request for a range that exists"
    BUSY_FOR_A_WHILE = "429 or 503 with a Retry-After"
    BUSY = "429 without a Retry-After"
    SERVER_ERRORS = "500, 502, 503 and 504, several in a row"
    REDIRECT_CHAIN = "one redirect after the other"
    REDIRECT_LOOP = "redirects in a circle"
    ANOTHER_HOST = "a redirect to a host that must not get the first one's credentials"
    PLAIN_HTTP = "a redirect from https to http"
    EXPIRED_RENEWED = "the link expires in the middle, and there is a fresh one"
    EXPIRED_FOR_GOOD = "the link expires in the middle, and there is no other"
    CHANGED = "the file behind the link becomes another one: its size, its ETag, its bytes"
    HTML = "a web page comes instead of the file, with status 200 or 206"
    GZIP = "the body is compressed although nobody asked for it"
    CHUNKED = "the body comes in chunks"
    NO_RANGES = "the server knows no ranges at all"
    CERTIFICATE = "the certificate is wrong, or out of date"
    NO_SUCH_NAME = "the name cannot be looked up"
    DEAD_ADDRESS = "a name has several addresses, and one of them is dead"
    IPV6 = "the host is reached by IPv6"


class Scenario(NamedTuple):
    """One way into trouble."""

    name: str
    trouble: Trouble
    spoil: Callable
    """Spoils a trial; returns what may be told."""
    options: dict
    """What the trial must be drawn with."""
    mixes: bool
    """True if it may come together with others: it is survived, and needs nothing special."""


SCENARIOS = []


def scenario(trouble, *, mixes=False, **options):
    """Add a function to the table; its name is the scenario's."""

    def add(spoil):
        name = spoil.__name__.replace("_", " ")
        SCENARIOS.append(Scenario(name, trouble, spoil, options, mixes))
        return spoil

    return add


# Connections that break, or seem to.


@scenario(Trouble.RESET, mixes=True)
def reset_at_a_byte(it):
    it.host.resets_at(it.place, times=it.few)
    return MENDED


@scenario(Trouble.RESET, mixes=True)
def reset_soon_after_the_head(it):
    it.host.resets_after(it.draw.choice([0, 1, 1000]), times=it.few, covering=it.place)
    # A short body has no such byte.
    it.must_strike = it.content.size > 3 * MIB and it.place < it.content.size // MIB * MIB
    return MENDED


@scenario(Trouble.FIN, mixes=True)
def fin_at_a_byte(it):
    it.host.closes_at(it.place, times=it.few)
    return MENDED


@scenario(Trouble.FIN, mixes=True)
def fin_instead_of_an_answer(it):
    it.host.hangs_up(times=it.few, covering=it.place)
    return MENDED


@scenario(Trouble.FIN)
def fin_instead_of_every_answer(it):
    it.host.hangs_up(times=None)
    return ConnectionTrouble


@scenario(Trouble.FIN)
def fin_in_a_chunk(it):
    it.host.sends_chunked(it.draw.choice([700, 64 * 1024]))
    it.host.closes_at(it.place, times=it.few)
    return MENDED


@scenario(Trouble.FIN, tls=True)
def fin_in_a_body_without_a_length(it):
    """Only TLS can tell: its good-bye is missing."""
    it.request["size"] = None
    it.host.ignores_ranges()
    it.host.sends_until_close()
    it.host.closes_at(it.place, times=it.few)
    return MENDED


@scenario(Trouble.SILENCE, mixes=True)
def silence_from_a_byte_on(it):
    it.host.stalls_at(it.place, times=1)
    return MENDED


@scenario(Trouble.SILENCE)
def silence_instead_of_an_answer(it):
    it.host.first_byte_after(3600, times=1, covering=it.place)
    return MENDED


@scenario(Trouble.SILENCE, mixes=True)
def silence_for_a_moment_before_each_answer(it):
    it.host.first_byte_after(0.02, times=it.draw.choice([1, 3, None]))
    return MENDED


@scenario(Trouble.SILENCE, size=5000)
def silence_instead_of_a_handshake(it):
    mute = it.enters(socket.create_server(("127.0.0.1", 0)))
    it.links.url = f"https://127.0.0.1:{mute.getsockname()[1]}/film"
    return ConnectionTrouble


@scenario(Trouble.ONE_BYTE_PER_SECOND, size=6 * MIB)
def a_byte_per_second_from_one_connection(it):
    it.request["connections"] = it.draw.choice([2, 3, 8])
    it.request["ring"] = 4 * MIB
    it.host.trickles(it.draw.choice([1, 50]), times=1, covering=it.place)
    return MENDED


@scenario(Trouble.ONE_BYTE_PER_SECOND, mixes=True)
def a_line_that_is_slow_for_all(it):
    it.host.trickles(it.draw.choice([8, 30]) * MIB)
    return MENDED


@scenario(Trouble.ONE_BYTE_PER_SECOND)
def a_byte_per_second_until_the_user_stops(it):
    it.stops_after = it.host.trickles(1)
    return Stopped


# Heads.


@scenario(Trouble.SPLIT_HEAD, mixes=True)
def head_byte_by_byte(it):
    it.host.splits_head_every(1, times=it.few)
    return MENDED


@scenario(Trouble.SPLIT_HEAD)
def every_head_cut_in_two(it):
    it.host.splits_head_at(it.draw.randrange(1, 400), times=None)
    return MENDED


@scenario(Trouble.OVERSIZED_HEAD, mixes=True)
def a_head_too_long(it):
    it.host.sends_oversized_head(it.draw.choice([65 * 1024, MIB]), times=it.few, covering=it.place)
    return MENDED


@scenario(Trouble.OVERSIZED_HEAD)
def every_head_too_long(it):
    it.host.sends_oversized_head(it.draw.choice([65 * 1024, MIB]), times=None)
    return ServerTrouble


# Other bytes than were asked for.


@scenario(Trouble.WRONG_RANGE, mixes=True)
def a_shifted_range(it):
    shift = it.draw.choice([-4096, -1, 1, 4096, MIB])
    it.host.lies_about_range(shift=shift, times=it.few, covering=it.place)
    return MENDED


@scenario(Trouble.WRONG_RANGE, mixes=True)
def a_range_that_makes_no_sense(it):
    text = it.draw.choice(["bytes 5-2/9", "bytes 0-1", "pages 1-2/3", "bytes */*", "7", "-1"])
    it.host.lies_about_range(text, times=it.few, covering=it.place)
    return MENDED


@scenario(Trouble.WRONG_RANGE)
def every_range_shifted(it):
    it.host.lies_about_range(shift=-1, times=None)
    return ServerTrouble


@scenario(Trouble.WRONG_RANGE)
def no_range_in_every_206(it):
    it.host.sends_headers({"Content-Range": None})
    return ServerTrouble


@scenario(Trouble.WRONG_TOTAL, mixes=True)
def an_unknown_total(it):
    it.host.lies_about_total("*", times=it.few, covering=it.place)
    return MENDED


@scenario(Trouble.WRONG_TOTAL)
def a_larger_total(it):
    """With the file's size known from elsewhere; a first answer has nothing else to disprove it."""
    it.request["size"] = it.content.size
    total = it.content.size + it.draw.choice([1, 4096, 10 * MIB])
    it.host.lies_about_total(total, times=1, covering=it.place)
    return FileChanged


@scenario(Trouble.WRONG_TOTAL)
def a_smaller_total(it):
    """Either the range lies behind it, which is nonsense, or it is another file's."""
    it.request["size"] = it.content.size
    total = it.draw.randrange(it.content.size)
    it.host.lies_about_total(total, times=it.few, covering=it.place)
    return (MENDED, FileChanged)


@scenario(Trouble.WHOLE_FOR_A_RANGE, mixes=True)
def the_whole_file_for_a_range(it):
    it.host.ignores_ranges(times=it.few, covering=it.place)
    return MENDED


@scenario(Trouble.WHOLE_FOR_A_RANGE, mixes=True)
def a_short_text_for_a_range(it):
    it.request["size"] = it.content.size
    it.host.answers(200, {}, b"busy" * it.draw.choice([0, 3]), times=it.few, covering=it.place)
    return MENDED


@scenario(Trouble.UNSATISFIED, mixes=True)
def a_416_without_a_size(it):
    it.host.answers(416, times=it.few, covering=it.place)
    return MENDED


@scenario(Trouble.UNSATISFIED, mixes=True)
def a_416_with_the_true_size(it):
    headers = {"Content-Range": f"bytes */{it.content.size}"}
    it.host.answers(416, headers, times=it.few, covering=it.place)
    return MENDED


@scenario(Trouble.UNSATISFIED)
def a_416_with_another_size(it):
    it.request["size"] = it.content.size
    headers = {"Content-Range": f"bytes */{it.draw.randrange(it.content.size)}"}
    it.host.answers(416, headers, times=1, covering=it.place)
    return FileChanged


@scenario(Trouble.UNSATISFIED)
def a_416_to_everything(it):
    it.host.answers(416, times=None)
    return ServerTrouble


@scenario(Trouble.HTML, mixes=True)
def a_page_once(it):
    it.host.sends_html(it.draw.choice([200, 206]), times=1, covering=it.place)
    return MENDED


@scenario(Trouble.HTML)
def a_page_from_now_on(it):
    it.soon_gives_up()
    it.host.sends_html(it.draw.choice([200, 206]), times=None, covering=it.place)
    return LinkExpired


@scenario(Trouble.GZIP, mixes=True)
def compressed_for_a_while(it):
    it.host.compresses(times=it.few, covering=it.place)
    return MENDED


@scenario(Trouble.GZIP, size=300_000)
def always_compressed(it):
    it.host.compresses()
    return ServerTrouble


@scenario(Trouble.GZIP, mixes=True)
def said_to_be_compressed(it):
    coding = {"Content-Encoding": it.draw.choice(["gzip", "br", "identity, gzip"])}
    it.host.sends_headers(coding, times=it.few, covering=it.place)
    return MENDED


@scenario(Trouble.CHUNKED, mixes=True)
def chunks_of_any_size(it):
    it.host.sends_chunked(it.draw.randrange(300, 200_000))
    return MENDED


@scenario(Trouble.CHUNKED, size=3000)
def chunks_of_a_byte(it):
    it.host.sends_chunked(1)
    return MENDED


@scenario(Trouble.CHUNKED)
def chunks_without_ranges(it):
    it.request["size"] = None
    it.host.ignores_ranges()
    it.host.sends_chunked(it.draw.randrange(300, 200_000))
    it.host.resets_at(it.place, times=it.few)
    return MENDED


@scenario(Trouble.NO_RANGES, mixes=True)
def no_ranges(it):
    it.host.ignores_ranges()
    return MENDED


@scenario(Trouble.NO_RANGES)
def no_ranges_and_a_break(it):
    it.host.ignores_ranges()
    it.host.closes_at(it.place, times=it.few)
    return MENDED


# Servers that have enough.


@scenario(Trouble.BUSY_FOR_A_WHILE, mixes=True)
def busy_for_some_seconds(it):
    seconds = it.draw.choice([0, 1, 2])
    status = it.draw.choice([429, 503])
    it.host.busy(it.few, seconds, status=status, covering=it.place)

    def is_left_alone():
        asked = it.host.requests
        for refused, following in itertools.pairwise(asked):
            waited = following.at - refused.at
            assert refused.status != status or waited >= 0.9 * seconds * SECOND

    if it.request["connections"] == 1:
        it.checks.append(is_left_alone)
    return MENDED


@scenario(Trouble.BUSY_FOR_A_WHILE)
def busy_until_a_date(it):
    date = email.utils.formatdate(time.time() + it.draw.choice([-100, 0, 2]), usegmt=True)
    it.host.busy(it.few, date, status=it.draw.choice([429, 503]), covering=it.place)
    return MENDED


@scenario(Trouble.BUSY_FOR_A_WHILE)
def busy_for_longer_than_we_wait(it):
    it.request["patience"] = 5 * SECOND
    it.host.busy(None, 10, status=it.draw.choice([429, 503]))
    return ServerBusy


@scenario(Trouble.BUSY, mixes=True)
def busy_without_a_word(it):
    it.host.busy(it.few, it.draw.choice([None, "soon"]), status=429, covering=it.place)
    return MENDED


@scenario(Trouble.BUSY)
def busy_for_ever(it):
    it.soon_gives_up()
    it.host.busy(None, status=429, covering=it.place)
    return ServerBusy


@scenario(Trouble.BUSY, mixes=True)
def few_connections_allowed(it):
    it.host.max_connections(it.few)
    return MENDED


@scenario(Trouble.SERVER_ERRORS, mixes=True)
def a_burst_of_errors(it):
    for _ in range(it.few):
        status = it.draw.choice([500, 502, 503, 504])
        page = it.draw.choice([b"", b"<html>Bad Gateway</html>"])
        it.host.answers(status, {"Content-Type": "text/html"}, page, covering=it.place)
    return MENDED


@scenario(Trouble.SERVER_ERRORS)
def errors_for_ever(it):
    it.soon_gives_up()
    status = it.draw.choice([500, 502, 504])
    it.host.answers(status, times=None, covering=it.place)
    return ServerTrouble


# Redirects.


def leads_through(it, hops, *, to):
    """Let the link be a chain of `hops` redirects over two hosts, the last one to `to`."""
    hosts = [it.host, it.another_host({})]
    places = [(hosts[it.draw.choice([0, 0, 1])], f"/hop-{number}") for number in range(hops)]
    urls = [host.adds_file(path, b"no film") for host, path in places]
    for (host, path), target in zip(places, [*urls[1:], to], strict=True):
        status = it.draw.choice([301, 302, 303, 307, 308])
        near = target.startswith(host.url(""))
        relative = target.removeprefix(host.url("")) if near and it.draw.random() < 0.5 else target
        host.redirects(relative, status=status, path=path)
    it.links.url = it.link(urls[0])
    return urls


@scenario(Trouble.REDIRECT_CHAIN, tls=False)
def a_chain_that_ends(it):
    leads_through(it, it.draw.randrange(1, 6), to=it.host.url("/film"))
    it.host.resets_at(it.place, times=it.few)
    return MENDED


@scenario(Trouble.REDIRECT_CHAIN, tls=False)
def a_chain_that_is_too_long(it):
    leads_through(it, it.draw.randrange(6, 10), to=it.host.url("/film"))
    it.must_strike = False
    return Unusable


@scenario(Trouble.REDIRECT_LOOP, tls=False)
def a_circle(it):
    it.host.adds_file("/end", b"no film")
    urls = leads_through(it, it.draw.randrange(1, 5), to=it.host.url("/end"))
    it.host.redirects(it.draw.choice(urls), path="/end")
    return Unusable


@scenario(Trouble.REDIRECT_LOOP)
def a_circle_in_the_middle(it):
    """It is taken for a way that has got old, and looked for anew; then it is told or is over."""
    it.host.redirects(it.host.url("/film"), times=it.few, covering=it.place)
    return (MENDED, Unusable)


@scenario(Trouble.ANOTHER_HOST, tls=False)
def credentials_stay_where_they_belong(it):
    other = it.another_host({"/film": it.content})
    other.resets_at(it.place, times=it.few)
    it.host.redirects(other.url("/film"), status=it.draw.choice([301, 302, 307, 308]))
    it.links.url = it.link().replace("http://", "http://me:hush@")

    def only_the_first_knows():
        assert all("authorization" in asked.headers for asked in it.host.requests)
        assert other.requests
        assert not any("authorization" in asked.headers for asked in other.requests)
        assert not any("hush" in f"{asked.target} {asked.headers}" for asked in other.requests)

    it.checks.append(only_the_first_knows)
    return MENDED


@scenario(Trouble.PLAIN_HTTP, tls=True)
def https_leads_to_http(it):
    it.resolver.knows(NAME, "127.0.0.1")
    plain = it.another_host({"/film": it.content})
    it.host.redirects(plain.url("/film", name=NAME), covering=it.place)

    def nobody_was_asked():
        assert not plain.connections
        assert NAME not in it.resolver.asked

    it.checks.append(nobody_was_asked)
    return NotTrusted


# Links that end, files that change.


def expires(it):
    """Let the link end while the byte at `place` is fetched."""
    status = it.draw.choice([401, 403, 404, 410])
    it.then(lambda: it.host.expires("/film", status=status))
    it.breaks_here()


@scenario(Trouble.EXPIRED_RENEWED)
def expired_and_renewed(it):
    expires(it)
    it.checks.append(lambda: assert_equal(it.links.asked, 1))
    return MENDED


@scenario(Trouble.EXPIRED_RENEWED, mixes=True)
def refused_for_a_moment(it):
    status = it.draw.choice([400, 401, 403, 404, 410])
    it.host.answers(status, times=it.few, covering=it.place)
    return MENDED


@scenario(Trouble.EXPIRED_RENEWED, tls=False)
def expired_behind_a_redirect(it):
    """Where the redirect led has expired; the link itself knows a better place."""
    old, new = it.another_host({"/film": it.content}), it.another_host({"/film": it.content})
    place = it.host.adds_file("/go", b"no film")
    it.host.redirects(old.url("/film"), path="/go", times=1)
    it.host.redirects(new.url("/film"), path="/go")
    status = it.draw.choice([403, 404, 410])
    old.meanwhile(lambda: old.expires("/film", status=status), covering=it.place)
    old.closes_at(it.place)
    it.links.url = it.link(place)
    return MENDED


@scenario(Trouble.EXPIRED_FOR_GOOD)
def expired_and_nobody_can_renew_it(it):
    it.soon_gives_up()
    it.links.renew = nobody_renews
    expires(it)
    return LinkExpired


@scenario(Trouble.EXPIRED_FOR_GOOD)
def expired_and_the_file_is_gone(it):
    it.links.renew = gone
    expires(it)
    return Gone


@scenario(Trouble.EXPIRED_FOR_GOOD)
def expired_and_so_are_all_others(it):
    it.soon_gives_up()
    it.host.answers(it.draw.choice([401, 403, 404, 410]), times=None, covering=it.place)
    return LinkExpired


def changes(it, *args, **how):
    """Let the file be another one from now on, and the answer under way end at `place`."""
    if it.draw.random() < 0.5:
        it.host.ignores_conditions()
    it.then(lambda: it.changes(*args, **how))
    it.breaks_here()
    return FileChanged


@scenario(Trouble.CHANGED)
def another_size(it):
    difference = it.draw.choice([-it.content.size // 2, 1, 4096, MIB])
    if it.draw.random() < 0.5:
        it.host.sends_no_validators()
    return changes(it, Pattern(it.content.size + difference, it.content.seed))


@scenario(Trouble.CHANGED)
def another_etag(it):
    return changes(it, etag='"another"')


@scenario(Trouble.CHANGED)
def other_bytes(it):
    if it.draw.random() < 0.5:
        it.host.sends_headers({"ETag": None})  # the date is all that tells
    return changes(it, Pattern(it.content.size, it.content.seed + 1))


# Who is there, and where.


@scenario(Trouble.CERTIFICATE, tls=True)
def a_wrong_certificate(it):
    it.host.shows(it.draw.choice(WRONG))
    it.checks.append(lambda: assert_equal(it.host.requests, []))
    return NotTrusted


@scenario(Trouble.CERTIFICATE, tls=True)
def a_wrong_certificate_in_the_middle(it):
    it.hangs_up_after_each()
    wrong = it.draw.choice(WRONG)
    it.then(lambda: it.host.shows(wrong))
    it.breaks_here()
    return NotTrusted


@scenario(Trouble.CERTIFICATE, tls=True)
def a_redirect_to_a_wrong_certificate(it):
    other = it.another_host({"/film": it.content}, tls=True, certificate=it.draw.choice(WRONG))
    it.host.redirects(other.url("/film"), covering=it.place)
    it.checks.append(lambda: assert_equal(other.requests, []))
    return NotTrusted


@scenario(Trouble.NO_SUCH_NAME)
def a_name_nobody_knows(it):
    it.links.url = it.link(it.host.url("/film", name="no-such-host.example"))
    return ConnectionTrouble


@scenario(Trouble.NO_SUCH_NAME)
def a_resolver_with_trouble(it):
    it.resolver.knows(NAME, "127.0.0.1")
    it.resolver.fails(it.few)
    it.links.url = it.link(it.host.url("/film", name=NAME))
    it.checks.append(lambda: assert_equal(it.resolver.asked[: it.few], [NAME] * it.few))
    return MENDED


@scenario(Trouble.NO_SUCH_NAME)
def a_resolver_that_fails_in_the_middle(it):
    it.hangs_up_after_each()
    it.resolver.knows(NAME, "127.0.0.1")
    it.links.url = it.link(it.host.url("/film", name=NAME))
    code = it.draw.choice([socket.EAI_AGAIN, socket.EAI_NONAME, socket.EAI_FAIL])
    for_good = it.draw.random() < 0.5
    few = min(it.few, 2)  # with the break, one less than what is too much before the first byte
    it.then(lambda: it.resolver.fails(10**9 if for_good else few, code=code))
    it.breaks_here()
    it.soon_gives_up()
    return ConnectionTrouble if for_good else MENDED


def lives_at(it, *addresses):
    """Let the host be known by name, and the name by these addresses."""
    it.resolver.knows(NAME, *addresses)
    it.links.url = it.link(it.host.url("/film", name=NAME))


@scenario(Trouble.DEAD_ADDRESS)
def an_address_that_refuses(it):
    lives_at(it, *it.draw.sample([NOWHERE, "127.0.0.1"], 2))
    it.host.closes_at(it.place, times=it.few)
    return MENDED


@scenario(Trouble.DEAD_ADDRESS)
def an_address_that_says_nothing(it):
    deaf = it.enters(deaf_address(it.host.port))
    lives_at(it, *it.draw.sample([deaf, NOWHERE, "127.0.0.1"], 3))
    it.host.closes_at(it.place, times=1)
    return MENDED


@scenario(Trouble.DEAD_ADDRESS)
def no_address_that_lives(it):
    lives_at(it, *[NOWHERE] * it.few)
    return ConnectionTrouble


@scenario(Trouble.IPV6, ipv6=True)
def ipv6(it):
    it.links.url = it.link(it.host.url("/film", name="::1"))
    it.host.resets_at(it.place, times=it.few)
    return MENDED


@scenario(Trouble.IPV6, ipv6=True)
def both_families(it):
    lives_at(it, *it.draw.sample(["::1", "127.0.0.1", NOWHERE], 3))
    it.host.resets_at(it.place, times=it.few)
    return MENDED


@scenario(Trouble.IPV6)
def ipv6_that_is_dead(it):
    lives_at(it, "::1", "127.0.0.1")
    it.host.resets_at(it.place, times=it.few)
    return MENDED


def assert_equal(found, wanted):
    assert found == wanted
