"""TLS in memory: whole bodies, in long steps, and never a wait for what will not come."""

import contextlib
import socket
import ssl
import struct
import threading

import pytest
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.transfer.tls import LONGEST_RECORD, STEP, Session
from tests.fakes.filehost import Pattern

BODY = Pattern(1 << 20, seed=3).read()
AUTHORITY = trustme.CA()
STRANGER = trustme.CA()
RECORD = 1 << 14


def server_context(authority=AUTHORITY, name="localhost"):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


SERVER = server_context()


def client_context(version=None):
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    if version is not None:
        context.maximum_version = version
    return context


CLIENT = client_context()


class Stuck(Exception):
    """The client waits for bytes that will not come."""


class Server:
    """A server in memory: what it sends lies ready at once, and nothing comes after that."""

    def __init__(self, context=SERVER, pieces=None):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.session = context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        self.pieces = pieces
        """How many sealed bytes the client gets at a time, in turn."""
        self.hung_up = False
        self.receives = 0

    def hear(self, data):
        self.incoming.write(data)
        with contextlib.suppress(ssl.SSLError):  # wants more, or hears that it is not trusted
            self.session.do_handshake()

    def give(self, view, whole):
        self.receives += 1
        if whole and self.outgoing.pending < len(view):
            raise Stuck(f"{len(view)} asked for, {self.outgoing.pending} to come")
        step = len(view)
        if self.pieces and not whole:
            self.pieces.append(self.pieces.pop(0))
            step = min(step, self.pieces[0])
        data = self.outgoing.read(step)
        if not data and not self.hung_up:
            raise Stuck("nothing to come")
        view[: len(data)] = data
        return len(data)

    def send(self, data, record=RECORD):
        for at in range(0, len(data), record):
            self.session.write(data[at : at + record])

    def close(self):
        with pytest.raises(ssl.SSLWantReadError):
            self.session.unwrap()
        self.hung_up = True


def connected(server=None, context=CLIENT):
    server = server or Server()
    session = Session(context, "localhost", server.hear, server.give)
    session.handshake(lambda: None)
    return server, session


def read(session, size, view=1 << 20, *, told=True):
    """Read a body of `size` bytes, in views of at most `view`."""
    memory = memoryview(bytearray(size))
    at = 0
    while at < size:
        step = memory[at : at + view]
        count = session.receive_into(step, size - at if told else 0)
        assert 0 < count <= len(step)
        at += count
    return bytes(memory)


def test_a_body_arrives_whole():
    server, session = connected()
    server.send(BODY)

    assert read(session, len(BODY)) == BODY
    assert not session.unread


def test_it_is_received_in_long_steps():
    server, session = connected()
    server.receives = 0
    server.send(BODY)
    read(session, len(BODY))

    assert server.receives <= len(BODY) // STEP + 3


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@settings(max_examples=30)
@given(
    sizes=st.lists(st.integers(1, 3 * RECORD) | st.integers(1, 2 * STEP), min_size=1, max_size=4),
    record=st.sampled_from([1000, 4096, RECORD - 1, RECORD]),
    view=st.integers(1000, 1 << 20),
    pieces=st.lists(st.integers(1, 70_000), max_size=4),
)
def test_nothing_is_waited_for_but_what_is_sure_to_come(version, sizes, record, view, pieces):
    """The server sends one body after the other, each only when the last was read."""
    server, session = connected(Server(pieces=pieces), client_context(version))
    for size in sizes:
        server.send(BODY[:size], record)
        assert read(session, size, view) == BODY[:size]
        assert not session.unread


def test_a_receive_waits_to_be_full_while_enough_is_sure_to_come():
    server, session = connected()
    flags = []
    give = server.give

    def watch(view, whole):
        flags.append(whole)
        return give(view, whole)

    session._receive = watch
    server.send(BODY)
    read(session, len(BODY))

    assert flags[0]
    assert not flags[-1]  # the last records' overhead is not known


@pytest.mark.parametrize("size", [1, LONGEST_RECORD, LONGEST_RECORD + 1, 2 * LONGEST_RECORD])
def test_of_a_body_of_unknown_length_is_taken_what_has_come(size):
    server, session = connected()
    server.send(BODY[:size])

    assert read(session, size, told=False) == BODY[:size]


def test_records_may_come_byte_by_byte():
    server, session = connected(Server(pieces=[1]))
    server.send(BODY[:5000], 700)

    assert read(session, 5000) == BODY[:5000]


def test_what_is_sent_arrives():
    server, session = connected()
    session.send(BODY[:100_000])
    heard = b""
    while len(heard) < 100_000:
        heard += server.session.read(1 << 20)

    assert heard == BODY[:100_000]


def test_more_than_was_read_is_told():
    server, session = connected()
    assert not session.unread
    server.send(b"a body" + b"and more")
    session.receive_into(memoryview(bytearray(6)), 6)

    assert session.unread
    read(session, 8)
    assert not session.unread


def test_more_records_than_were_read_are_told():
    server, session = connected()
    server.send(b"a body")
    server.send(b"and more")
    session.receive_into(memoryview(bytearray(6)), 0)

    assert session.unread


def test_a_good_bye_is_the_end():
    server, session = connected()
    server.send(b"all")
    server.close()

    assert read(session, 3, told=False) == b"all"
    assert session.receive_into(memoryview(bytearray(9)), 0) == 0
    assert session.receive_into(memoryview(bytearray(9)), 0) == 0


def test_an_end_without_a_good_bye_is_an_error():
    server, session = connected()
    server.send(b"all")
    server.hung_up = True

    assert read(session, 3, told=False) == b"all"
    with pytest.raises(ssl.SSLError):
        session.receive_into(memoryview(bytearray(9)), 9)


def test_an_end_in_the_middle_of_a_record_is_an_error():
    server, session = connected()
    server.send(BODY[:RECORD])
    sealed = server.outgoing.read()
    server.outgoing.write(sealed[: len(sealed) // 2])
    server.hung_up = True

    with pytest.raises(ssl.SSLError):
        read(session, RECORD, told=False)


def test_a_byte_that_was_changed_on_the_way_is_an_error():
    server, session = connected()
    server.send(BODY[:1000])
    sealed = bytearray(server.outgoing.read())
    sealed[-1] ^= 1
    server.outgoing.write(sealed)

    with pytest.raises(ssl.SSLError):
        read(session, 1000, told=False)


@pytest.mark.parametrize(
    ("authority", "name"), [(STRANGER, "localhost"), (AUTHORITY, "elsewhere.example")]
)
def test_a_certificate_that_is_not_trusted_is_an_error(authority, name):
    with pytest.raises(ssl.SSLCertVerificationError):
        connected(Server(server_context(authority, name)))


def test_a_server_that_hangs_up_while_keys_are_agreed_on_is_an_error():
    server = Server()
    server.hear = lambda _: None
    server.hung_up = True

    with pytest.raises(ssl.SSLError):
        connected(server)


def test_each_wait_for_keys_is_announced():
    server, waits = Server(), []
    session = Session(CLIENT, "localhost", server.hear, server.give)
    session.handshake(lambda: waits.append(server.receives))

    assert waits == list(range(server.receives))
    assert waits


def test_what_tls_itself_has_to_answer_in_the_middle_of_a_body_is_answered():
    """The server asks for a certificate in between; a change of keys is answered the same way."""
    context = client_context()
    context.post_handshake_auth = True
    asking = server_context()
    asking.verify_mode = ssl.CERT_OPTIONAL
    AUTHORITY.configure_trust(asking)
    server, session = connected(Server(asking), context)
    server.send(BODY[:RECORD])
    server.session.verify_client_post_handshake()
    server.session.do_handshake()
    server.send(BODY[RECORD : 2 * RECORD])
    asked = server.incoming.pending

    assert read(session, 2 * RECORD) == BODY[: 2 * RECORD]
    assert read_nothing_more(session)
    assert server.incoming.pending > asked


def read_nothing_more(session):
    with pytest.raises(Stuck):
        session.receive_into(memoryview(bytearray(1)), 0)
    return True


def test_over_a_real_socket_with_a_server_that_falls_silent_after_each_body():
    ours, theirs = socket.socketpair()
    done = threading.Event()

    def serve():
        with SERVER.wrap_socket(theirs, server_side=True) as sealed:
            for _ in range(3):
                size = int(sealed.recv(20))
                sealed.sendall(BODY[:size])
            done.wait(10)
            with contextlib.suppress(OSError):  # the client closes without a word
                sealed.unwrap()

    def receive(view, whole):
        return ours.recv_into(view, len(view), socket.MSG_WAITALL if whole else 0)

    server = threading.Thread(target=serve)
    server.start()
    with ours:
        # As long as a test may wait: a wait for more than comes ends in BlockingIOError.
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 5, 0))
        session = Session(CLIENT, "localhost", ours.sendall, receive)
        session.handshake(lambda: None)
        for size in (RECORD - 1, len(BODY), 1):
            session.send(b"%d" % size)
            assert read(session, size, 300_000) == BODY[:size]
        done.set()
        assert session.receive_into(memoryview(bytearray(1)), 0) == 0
    server.join(10)


def test_its_repr_tells_the_version():
    assert repr(connected()[1]) == "<Session TLSv1.3>"
