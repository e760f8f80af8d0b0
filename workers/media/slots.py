"""The worker's own word on its slots: who holds one, by which token a socket may take it up.

Pure. A slot is reserved for a call and a token, claimed once by the socket that knows the token,
and freed when the call is over. Tokens are kept as digests only, so looking one up tells nothing.
"""

import hashlib

from msgspec import Struct

from callfunnel.domain.call import CallSpec
from callfunnel.domain.ids import CallId
from callfunnel.domain.rulebook import PublishedRulebook


class Reservation(Struct, frozen=True, kw_only=True):
    """A slot held for a call. `secret` signs the socket's upgrade; "" = unsigned channel."""

    spec: CallSpec
    rulebook: PublishedRulebook
    epoch: int
    secret: str
    expires: float


class Slots:
    """At most `capacity` calls, reserved and live ones together."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.closed = ""
        self._held: dict[bytes, Reservation] = {}
        self._digests: dict[CallId, bytes] = {}
        self._live: set[CallId] = set()

    @property
    def used(self) -> int:
        """Slots that are not free."""
        return len(self._held) + len(self._live)

    @property
    def reserved(self) -> frozenset[CallId]:
        """Calls whose socket has not come yet."""
        return frozenset(self._digests)

    @property
    def live(self) -> int:
        """Calls with a socket."""
        return len(self._live)

    def refusal(self, call: CallId) -> str:
        """Why this call cannot have a slot now: "" if it can. A stable word otherwise."""
        if self.closed:
            return self.closed
        if call in self._live:
            return "taken"
        return "" if call in self._digests or self.used < self.capacity else "full"

    def reserve(self, reservation: Reservation, token: str) -> None:
        """Holds a slot; a second reservation of the same call replaces the first."""
        self.release(reservation.spec.call)
        digest = self._digests[reservation.spec.call] = _digest(token)
        self._held[digest] = reservation

    def peek(self, token: str, now: float) -> Reservation | None:
        """The reservation that a token opens, if it is not too late."""
        found = self._held.get(_digest(token))
        return found if found is not None and now < found.expires else None

    def claim(self, token: str, now: float) -> Reservation | None:
        """Takes the slot up: works once per token."""
        found = self.peek(token, now)
        if found is None:
            return None
        self.release(found.spec.call)
        self._live.add(found.spec.call)
        return found

    def release(self, call: CallId) -> bool:
        """Gives a reservation back that no socket has taken up."""
        digest = self._digests.pop(call, None)
        return digest is not None and self._held.pop(digest, None) is not None

    def free(self, call: CallId) -> None:
        """A live call is over."""
        self._live.discard(call)

    def expire(self, now: float) -> list[Reservation]:
        """Drops the reservations whose socket never came."""
        late = [each for each in self._held.values() if now >= each.expires]
        for each in late:
            self.release(each.spec.call)
        return late


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
