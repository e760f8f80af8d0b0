"""The demo page's session: a token of the demo tenant, for a browser on this machine alone.

Given only when the embedded stack says so, to a peer on loopback that asks for this machine by its
own name from this page itself; anything that came through a proxy or tunnel is not this machine.
And only for the key in the address that was printed: this machine may have other users.
"""

import hmac
import re
from collections.abc import Awaitable, Callable, Mapping

from callfunnel.auth.service_tokens import Granted

PAGE_KEY = "callfunnel-page-key"
LOOPBACK = frozenset(("127.0.0.1", "::1"))
_OWN = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?", re.ASCII)
_RELAYED = re.compile(
    r"forwarded|via|x-forwarded.*|x-real-ip|x-client-ip|x-original.*|true-client-ip|cf-.*|.*-trace-id"
)
"""What proxies and tunnels add; a browser sends none of these."""


class DemoSessions:
    """`grant` asks the issuer for a token of the demo tenant; None: there is no demo here.

    `key` is what the printed address holds.
    """

    def __init__(
        self, grant: Callable[[], Awaitable[Granted]] | None, key: Callable[[], Awaitable[str]]
    ) -> None:
        self._grant = grant
        self._key = key

    async def open(self, peer: str, headers: Mapping[str, str]) -> Granted | None:
        """A token, or None for whoever may not have one. Raises OSError: the issuer is down."""
        if self._grant is None or not is_this_machine(peer, headers):
            return None
        given = headers.get(PAGE_KEY, "").encode()
        if not hmac.compare_digest((await self._key()).encode(), given):
            return None
        return await self._grant()


def is_this_machine(peer: str, headers: Mapping[str, str]) -> bool:
    """Whether a request comes from a page of ours in a browser on this machine."""
    host = headers.get("host", "")
    own = _OWN.fullmatch(host) is not None
    same_page = headers.get("origin", "") == f"http://{host}"
    site = headers.get("sec-fetch-site", "same-origin") == "same-origin"
    relayed = any(_RELAYED.fullmatch(name) for name in headers)
    return peer in LOOPBACK and own and same_page and site and not relayed
