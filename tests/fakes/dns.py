"""Names and addresses on demand: a resolver to put in place of `socket.getaddrinfo`.

What it was not told does not exist, so no test asks the network by mistake. Addresses and
`localhost` are found as always. Any thread.
"""

import contextlib
import errno
import ipaddress
import socket
import threading
from collections.abc import Iterator

NOWHERE = "127.99.0.1"
"""A loopback address at which nobody listens: connecting is refused at once."""

_real = socket.getaddrinfo


class Resolver:
    """Knows a few names; `asked` lists what was looked up, oldest first."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._lock = threading.Lock()
        self._addresses: dict[str, tuple[str, ...]] = {}
        self._failures = 0
        self._code = socket.EAI_AGAIN

    def knows(self, name: str, *addresses: str) -> None:
        """Answer `name` with these addresses, in this order."""
        with self._lock:
            self._addresses[name] = addresses

    def fails(self, times: int = 10**9, *, code: int = socket.EAI_AGAIN) -> None:
        """Fail the next `times` questions for names: "try again", or another code."""
        with self._lock:
            self._failures, self._code = times, code

    def recovers(self) -> None:
        """Fail no more."""
        self.fails(0)

    def __call__(self, name, port, *args, **kwargs):
        """Do what `socket.getaddrinfo` does."""
        if name == "localhost" or _is_address(name):
            return _real(name, port, *args, **kwargs)
        with self._lock:
            self.asked.append(name)
            if self._failures > 0:
                self._failures -= 1
                raise socket.gaierror(self._code, "the resolver fails")
            addresses = self._addresses.get(name)
        if addresses is None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [
            found
            for address in addresses
            for found in _real(address, port, type=socket.SOCK_STREAM)
        ]


@contextlib.contextmanager
def deaf_address(port: int, address: str = "127.99.0.2") -> Iterator[str]:
    """Yield an address that answers no call at `port`, as if a firewall dropped every packet.

    Its queue of connections is full and nobody takes any: the kernel drops all further calls.
    """
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(0)
        for _ in range(4):  # one connects, the others wait in line for ever
            caller = stack.enter_context(socket.socket())
            caller.setblocking(False)
            assert caller.connect_ex((address, port)) in {0, errno.EINPROGRESS}
        yield address


def has_ipv6() -> bool:
    """Tell whether this machine has an IPv6 loopback."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
