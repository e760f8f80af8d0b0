"""The demo page's session: a token of the demo tenant, for a browser on this machine alone.

Given only when the embedded stack says so, to a peer on loopback that asks for this machine by its
own name from this page itself; anything that came through a proxy or tunnel is not this machine.
"""

from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlsplit

from callfunnel.auth.service_tokens import Granted

LOOPBACK = frozenset(("127.0.0.1", "::1"))
_OWN_NAMES = frozenset(("localhost", "127.0.0.1", "::1"))
_RELAYED = frozenset(("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip"))


class DemoSessions:
    """`grant` asks the issuer for a token of the demo tenant; None: there is no demo here."""

    def __init__(self, grant: Callable[[], Awaitable[Granted]] | None) -> None:
        self._grant = grant

    async def open(self, peer: str, headers: Mapping[str, str]) -> Granted | None:
        """A token, or None for whoever may not have one. Raises OSError: the issuer is down."""
        if self._grant is None or not is_this_machine(peer, headers):
            return None
        return await self._grant()


def is_this_machine(peer: str, headers: Mapping[str, str]) -> bool:
    """Whether a request comes from a page of ours in a browser on this machine."""
    host = headers.get("host", "")
    own = urlsplit(f"//{host}").hostname in _OWN_NAMES
    same_page = headers.get("origin", "") == f"http://{host}"
    site = headers.get("sec-fetch-site", "same-origin") == "same-origin"
    relayed = any(name in _RELAYED for name in headers)
    return peer in LOOPBACK and own and same_page and site and not relayed
