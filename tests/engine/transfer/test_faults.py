"""Whatever the network or the server does, the file is exact or the error says what is wrong.

Here are the words and the particulars; the table of all that is tried is in `soak_scenarios`.
"""

import pytest

from engine.transfer import wire
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
from tests.engine.transfer.conftest import FILM, MIB, Renewable
from tests.fakes.certificates import Certificate
from tests.fakes.dns import Resolver
from tests.fakes.filehost import FileHost, Pattern

pytestmark = pytest.mark.usefixtures("quick")


def test_only_what_was_lost_is_fetched_again(prepare, host):
    host.resets_at(6 * MIB)
    run = prepare(host.url("/film"), connections=1)

    run()

    # What the system held for the client when the reset came: a socket's buffers.
    assert host.served_again("/film") < 8 * MIB
    assert run.bytes == FILM.read()


NOT_MENDED = {
    "refused for good": (lambda host: host.answers(403, times=None), LinkExpired),
    "gone": (lambda host: host.answers(410, times=None), LinkExpired),
    "a page instead of the file": (lambda host: host.sends_html(times=None), LinkExpired),
    "another kind of refusal": (lambda host: host.answers(405, times=None), Unusable),
    "always broken": (lambda host: host.answers(500, times=None), ServerTrouble),
    "always busy": (lambda host: host.busy(None, 1000), ServerBusy),
    "never an answer": (lambda host: host.hangs_up(times=None), ConnectionTrouble),
    "always compressed": (lambda host: host.compresses(), ServerTrouble),
}


@pytest.mark.parametrize("fault", NOT_MENDED)
def test_not_mended_and_nothing_written(prepare, host, fault):
    cause, error = NOT_MENDED[fault]
    cause(host)
    run = prepare(host.url("/film"))

    with pytest.raises(error):
        run()

    assert run.path.stat().st_size == 0


def test_a_port_that_nobody_listens_on_is_told_within_seconds(prepare, host):
    url = host.url("/film")
    host.stop()

    with pytest.raises(ConnectionTrouble, match="refused"):
        prepare(url)()


def test_a_name_that_does_not_exist_is_told(prepare, monkeypatch):
    monkeypatch.setattr(wire.socket, "getaddrinfo", Resolver())
    with pytest.raises(ConnectionTrouble, match="cannot be found"):
        prepare("http://no-such-host.invalid/film")()


def test_a_certificate_for_somebody_else_is_not_trusted(prepare):
    with FileHost({"/film": FILM}, tls=True, certificate=Certificate.FOR_ANOTHER_NAME) as host:
        with pytest.raises(NotTrusted, match="not trusted"):
            prepare(host.url("/film"), ca_file=host.ca_file)()
        assert host.requests == []


def test_a_certificate_that_is_out_of_date_is_not_trusted(prepare):
    with (
        FileHost({"/film": FILM}, tls=True, certificate=Certificate.EXPIRED) as host,
        pytest.raises(NotTrusted, match="expired"),
    ):
        prepare(host.url("/film"), ca_file=host.ca_file)()


def test_a_certificate_nobody_vouches_for_is_not_trusted(prepare):
    with FileHost({"/film": FILM}, tls=True) as host, pytest.raises(NotTrusted):
        prepare(host.url("/film"))()


# Servers that can do less.


def test_a_server_without_ranges_is_read_from_the_first_byte_by_one_connection(prepare, host):
    host.ignores_ranges()
    run = prepare(host.url("/film"), connections=8)

    run()

    assert run.bytes == FILM.read()
    assert host.peak_active == 1


def test_a_server_without_ranges_is_read_again_from_the_first_byte_after_a_break(prepare, host):
    host.ignores_ranges()
    host.resets_after(5 * MIB)
    run = prepare(host.url("/film"), observe=True, ring=4 * MIB)

    run()

    assert run.bytes == FILM.read()
    assert bytes(run.seen) == FILM.read()


def test_a_resumed_file_from_a_server_without_ranges_is_skipped_up_to_there(prepare, host):
    run = prepare(host.url("/film"), batch=4 * MIB, ring=8 * MIB)
    run.download._observe = lambda offset, _: offset and run.download.stop()
    with pytest.raises(Stopped):
        run()
    host.ignores_ranges()

    again = prepare(host.url("/film"), resume=run.saved[-1], observe=True)
    again()

    assert again.bytes == FILM.read()
    assert len(again.seen) == FILM.size - run.saved[-1].flushed


@pytest.mark.parametrize("kind", ["sends_chunked", "sends_until_close"])
def test_bodies_without_a_length_end_where_they_end(prepare, host, kind):
    host.ignores_ranges()
    getattr(host, kind)()
    run = prepare(host.url("/film"), ring=4 * MIB)

    outcome = run()

    assert run.bytes == FILM.read()
    assert outcome.size == FILM.size


def test_a_chunked_body_that_breaks_off_is_not_taken_for_the_end(prepare, host):
    host.ignores_ranges()
    host.sends_chunked()
    host.closes_after(3 * MIB)
    run = prepare(host.url("/film"))

    run()

    assert run.bytes == FILM.read()


# Links that expire and files that change.


def test_an_expired_link_is_renewed_once_and_the_file_goes_on(prepare, host):
    host.expires("/film")
    links = Renewable(host.url("/film"), host.renew("/film"))
    run = prepare(links)

    run()

    assert run.bytes == FILM.read()
    assert links.asked == 1


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_link_that_expires_in_the_middle_is_renewed(prepare, host, status):
    links = Renewable(host.url("/film"))
    run = prepare(links, ring=4 * MIB, batch=4 * MIB)

    def expire(offset, _):
        if offset and len(links.urls) == 1 and not links.asked:
            host.expires("/film", status=status)
            links.urls.append(host.renew("/film"))

    run.download._observe = expire
    host.closes_at(0.9)  # a connection that is not asked again would not notice

    run()

    assert run.bytes == FILM.read()


def test_fresh_links_that_do_not_help_are_not_asked_for_without_end(prepare, host):
    host.answers(404, times=None)
    links = Renewable(*[host.url("/film") + f"?{number}" for number in range(50)])

    with pytest.raises(LinkExpired, match="404"):
        prepare(links)()

    assert links.asked == 1


def test_a_host_that_refuses_fresh_links_for_a_moment_is_waited_for(prepare, host):
    host.answers(403, times=3)
    run = prepare(Renewable(host.url("/film")))

    run()

    assert run.bytes == FILM.read()


def test_a_link_that_nobody_can_renew_is_not_asked_twice(prepare, host):
    host.answers(404, times=None)

    with pytest.raises(LinkExpired, match="404"):
        prepare(host.url("/film"))()

    assert len(host.requests) == 1


def test_a_file_that_is_gone_for_good_ends_the_download_at_once(prepare, host):
    class Lost(Renewable):
        def refresh(self, _):
            raise Gone("AllDebrid has it no more")

    host.answers(404, times=None)

    with pytest.raises(Gone, match="no more"):
        prepare(Lost(host.url("/film")))()

    assert len(host.requests) == 1


CHANGES = {
    "another ETag": lambda host: host.changes_file("/film", etag='"other"'),
    "other content": lambda host: host.changes_file("/film", Pattern(FILM.size, seed=8)),
    "another size": lambda host: host.changes_file("/film", Pattern(FILM.size + 1, seed=7)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_changed_is_not_mixed_with_the_old_one(prepare, host, change):
    run = prepare(host.url("/film"), ring=4 * MIB, batch=4 * MIB)
    run.download._observe = lambda offset, _: offset and run.download.stop()
    with pytest.raises(Stopped):
        run()
    CHANGES[change](host)

    again = prepare(host.url("/film"), resume=run.saved[-1])
    with pytest.raises(FileChanged):
        again()

    assert again.bytes == FILM.read(0, run.saved[-1].flushed)


@pytest.mark.parametrize("more", [1, MIB])
def test_a_first_answer_that_lies_about_the_size_is_found_out(prepare, host, more):
    host.lies_about_total(FILM.size + more)
    run = prepare(host.url("/film"))

    with pytest.raises(FileChanged):
        run()

    assert run.bytes == FILM.read(0, len(run.bytes))


# Redirects.


def test_redirects_are_followed_once_and_remembered(prepare, host):
    host.redirects(host.url("/film"), path="/moved")
    host.adds_file("/moved", b"not this")
    run = prepare(host.url("/moved"), ring=4 * MIB)

    run()

    assert run.bytes == FILM.read()
    assert [asked.path for asked in host.requests].count("/moved") == 1


def test_a_redirect_that_leads_to_an_expired_place_is_taken_anew_and_then_renewed(prepare, host):
    with FileHost({"/film": FILM}) as other:
        expired = other.url("/film")
        other.expires("/film")
        fresh = other.renew("/film")
        host.redirects(expired, 2)
        links = Renewable(host.url("/film") + "?old", fresh)
        run = prepare(links)

        run()

    assert run.bytes == FILM.read()
    assert links.asked == 1
    assert len(host.requests) == 2


def test_redirects_in_a_circle_are_told(prepare, host):
    host.adds_file("/a", b"a")
    host.adds_file("/b", b"b")
    host.redirects(host.url("/b"), path="/a")
    host.redirects(host.url("/a"), path="/b")

    with pytest.raises(Unusable, match="circle"):
        prepare(host.url("/a"))()


def test_an_endless_chain_of_redirects_is_told(prepare, host):
    for number in range(8):
        host.adds_file(f"/{number}", b"x")
        host.redirects(host.url(f"/{number + 1}"), path=f"/{number}")

    with pytest.raises(Unusable, match="more than 5"):
        prepare(host.url("/0"))()


def test_credentials_do_not_go_to_another_host(prepare, host):
    with FileHost({"/film": FILM}) as other:
        host.redirects(other.url("/film"))
        url = host.url("/film").replace("http://", "http://me:secret@")
        prepare(url)()

    assert "authorization" in host.requests[0].headers
    assert all("authorization" not in asked.headers for asked in other.requests)


def test_https_does_not_lead_to_plain_http_elsewhere(prepare):
    with FileHost({"/film": FILM}, tls=True) as host:
        host.redirects("http://example.com/film")

        with pytest.raises(NotTrusted, match="plain http"):
            prepare(host.url("/film"), ca_file=host.ca_file)()


# Hosts with limits.


def test_a_host_that_allows_few_connections_gets_few(prepare, host):
    host.max_connections(2)
    run = prepare(host.url("/film"), connections=8, patience=20)

    run()

    assert run.bytes == FILM.read()


def test_a_links_own_cap_is_kept(prepare, host):
    class Capped(Renewable):
        def current(self):
            return type(super().current())(self.urls[0], max_connections=1)

    run = prepare(Capped(host.url("/film")), connections=16)
    run()

    assert host.peak_active == 1


def test_one_very_slow_connection_does_not_hold_up_the_others(prepare, host):
    host.trickles(20_000, times=1, nth=3)
    run = prepare(host.url("/film"), connections=4, ring=4 * MIB)

    outcome = run()

    assert run.bytes == FILM.read()
    assert outcome.seconds < 5  # alone it would take a minute for its megabyte
