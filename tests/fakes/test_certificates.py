import datetime as dt
import socket
import ssl
import threading

import pytest

from tests.fakes.certificates import WRONG, Authority, Certificate

WORDS = {
    Certificate.EXPIRED: "certificate has expired",
    Certificate.NOT_YET_VALID: "certificate is not yet valid",
    Certificate.FOR_ANOTHER_NAME: "Hostname mismatch",
    Certificate.FROM_A_STRANGER: "unable to get local issuer certificate",
}


def shake_hands(authority, certificate, folder, name="files.example"):
    """Connect to a server that shows the certificate; return it as the client sees it."""
    authority.write(folder / "ca.pem")
    ours, theirs = socket.socketpair()

    def serve():
        with theirs:
            try:
                context = authority.issue(certificate)
                context.wrap_socket(theirs, server_side=True).close()
            except OSError:
                pass  # the client does not trust us

    server = threading.Thread(target=serve)
    server.start()
    try:
        client = ssl.create_default_context(cafile=folder / "ca.pem")
        with ours, client.wrap_socket(ours, server_hostname=name) as connection:
            return connection.getpeercert()
    finally:
        server.join()


@pytest.mark.parametrize("name", ["files.example", "localhost", "127.0.0.1"])
def test_a_good_certificate_is_trusted(tmp_path, name):
    found = shake_hands(Authority(), Certificate.GOOD, tmp_path, name)

    assert ssl.cert_time_to_seconds(found["notAfter"]) > dt.datetime.now(dt.UTC).timestamp()


@pytest.mark.parametrize("certificate", WRONG)
def test_a_wrong_certificate_is_wrong_in_its_own_way(tmp_path, certificate):
    with pytest.raises(ssl.SSLCertVerificationError, match=WORDS[certificate]):
        shake_hands(Authority(), certificate, tmp_path)
