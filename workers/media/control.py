"""Requests to the worker: hold a slot, give it back, end a call. Answers only; no call logic."""

import asyncio
import logging
import secrets as randomness
from typing import Final, Protocol

from callfunnel.domain.call import CallSpec
from callfunnel.domain.errors import Temporary
from callfunnel.domain.ids import CallId
from callfunnel.events.requests import (
    Accepted,
    HangUp,
    ReleaseSlot,
    Reserved,
    ReserveSlot,
)
from callfunnel.infra.bus import Received
from callfunnel.infra.secrets import SecretMissing, Secrets
from callfunnel.infra.turns import Turnstile
from workers.media.channels.registry import CHANNELS
from workers.media.registry import Registry
from workers.media.session import Session
from workers.media.slots import Reservation, Slots

_log: Final = logging.getLogger(__name__)


class HasRoom(Protocol):
    """The spool, as far as admission goes. `trouble`: why no further call should begin."""

    @property
    def trouble(self) -> str: ...


class Desk:
    """Answers for the slots of this worker."""

    def __init__(
        self, slots: Slots, registry: Registry, secrets: Secrets, spool: HasRoom, held_s: int
    ) -> None:
        self._slots = slots
        self._registry = registry
        self._secrets = secrets
        self._spool = spool
        self._held_s = held_s
        self._turnstile = Turnstile()

    async def reserve(self, asked: Received[ReserveSlot]) -> Reserved:
        """Holds a slot, or says why not: full, draining, taken, unleased, spool, invalid.

        Of many that are asked for at the same moment a few in each turn of the loop.
        """
        await self._turnstile.enter()
        spec = asked.data.spec
        if asked.envelope.tenant != spec.tenant:
            return Reserved(ok=False, reason="invalid")
        if reason := self._refusal(spec):
            return Reserved(ok=False, reason=reason)
        try:
            published = await self._registry.rulebook(
                spec.tenant, spec.agent, spec.rulebook_version
            )
            secret = await self._signing_secret(spec)
        except (Temporary, SecretMissing):
            return Reserved(ok=False, reason="unprepared")
        if published is None:
            return Reserved(ok=False, reason="no rule book")
        if reason := self._refusal(spec):  # others were served while this one waited
            return Reserved(ok=False, reason=reason)
        token = randomness.token_urlsafe(24)
        now = asyncio.get_running_loop().time()
        epoch = self._registry.epoch
        held = Reservation(
            spec=spec, rulebook=published, epoch=epoch, secret=secret, expires=now + self._held_s
        )
        self._slots.reserve(held, token)
        self._registry.touch()
        return Reserved(ok=True, token=token, epoch=epoch, expires_s=self._held_s)

    async def release(self, asked: Received[ReleaseSlot]) -> Accepted:
        """The gateway does not need the reservation after all."""
        released = self._slots.release(CallId(asked.data.call))
        self._registry.touch()
        return Accepted(ok=released, reason="" if released else "unknown")

    def _refusal(self, spec: CallSpec) -> str:
        if not self._registry.holds:
            return "unleased"
        if refusal := self._slots.refusal(spec.call):
            return refusal
        if trouble := self._spool.trouble:
            _log.error("no room to record another call", extra={"reason": trouble})
            return "spool"
        return ""

    async def _signing_secret(self, spec: CallSpec) -> str:
        signing = CHANNELS[spec.channel].signing
        if signing is None:
            return ""
        found = await self._secrets.get(spec.tenant, signing.secret_path)
        return found.get(signing.secret_field, "")


async def hang_up(session: Session, asked: Received[HangUp]) -> Accepted:
    """Ends the call in the name of whoever asked."""
    _log.info("hang-up asked", extra={"call": asked.envelope.key})
    session.hang_up(asked.data.by)
    return Accepted(ok=True)
