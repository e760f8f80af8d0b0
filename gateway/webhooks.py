"""A carrier's webhook: the form is read only within limits, and believed only when it is signed.

The signature covers the configured public URL, never the Host header. Whatever is wrong with a
request, the answer is the same: not yours. Who merely claims to be a carrier has next to nothing
looked up: see `_let_in`.
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import parse_qs

from callfunnel.carrier.signature import is_signed
from callfunnel.domain.call import Channel, Pin
from callfunnel.domain.errors import InvalidToken
from callfunnel.domain.ids import TenantId, token
from gateway.accounts import Account, Accounts
from gateway.limits import Limiter, RateLimit
from gateway.offers import pin_key
from gateway.store import Route

MOST_BYTES = 64 * 1024
_MOST_FIELDS = 200
_SIGNATURE_LENGTH = 28
STRANGERS = RateLimit("strangers", quota=500, window_s=10)
"""Requests that nobody known has signed and for which something is looked up all the same."""
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_STATUS = re.compile(r"[a-z-]{1,20}", re.ASCII)
_CALLER = re.compile(r"[A-Za-z0-9+_.:@-]{1,64}", re.ASCII)


Form = Mapping[str, list[str]]


class NotSigned(Exception):
    """The request is not the carrier's."""


@dataclass(frozen=True, kw_only=True)
class Offered:
    """A call that the carrier of `account` offers. `route`: whose number it is, if anybody's."""

    account: Account
    call_sid: str
    caller: str
    callee: str
    route: Route | None


@dataclass(frozen=True, kw_only=True)
class AboutCall:
    """The carrier's word on a call it offered before. `pin`: the call, if it was taken."""

    account: Account
    call_sid: str
    status: str
    pin: Pin | None


class Directory(Protocol):
    """Number to tenant, as fresh as a few seconds. Raises Temporary."""

    async def route(self, number: str) -> Route | None: ...


class Pins(Protocol):
    """The pins, read where they are written. Raises Temporary."""

    async def pin(self, key: str) -> Pin | None: ...


@dataclass(frozen=True)
class Received:
    """What came in: the path and query it was sent to, the signature, and the form as bytes."""

    target: str
    signature: str
    body: bytes


class Webhooks:
    """Verifies webhooks. `public_url` is the origin the carrier was given."""

    def __init__(
        self,
        public_url: str,
        accounts: Accounts,
        directory: Directory,
        pins: Pins,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._public_url = public_url.rstrip("/")
        self._accounts = accounts
        self._directory = directory
        self._pins = pins
        self._now = now
        self._strangers = Limiter(STRANGERS)

    async def offered(self, received: Received) -> Offered:
        """An offered call. Raises NotSigned, and Temporary when that cannot be found out now."""
        form = _form(received.body)
        await self._let_in(received, form)
        callee, caller = _first(form, "To"), _first(form, "From")
        route = await self._directory.route(callee) if _NUMBER.fullmatch(callee) else None
        return Offered(
            account=await self._account(received, form, route.tenant if route else None),
            call_sid=_call_sid(form),
            caller=caller if _CALLER.fullmatch(caller) else "unknown",
            callee=callee if _NUMBER.fullmatch(callee) else "unknown",
            route=route,
        )

    async def about_call(self, received: Received) -> AboutCall:
        """A later word on a call. Raises NotSigned, and Temporary."""
        form = _form(received.body)
        await self._let_in(received, form)
        call_sid, status = _call_sid(form), _first(form, "CallStatus")
        pin = await self._pins.pin(pin_key(Channel.TWILIO, call_sid))
        return AboutCall(
            account=await self._account(received, form, pin.tenant if pin else None),
            call_sid=call_sid,
            status=status if _STATUS.fullmatch(status) else "",
            pin=pin,
        )

    async def _let_in(self, received: Received, form: Form) -> None:
        """Whether to look up whose call it is. Raises NotSigned, and Temporary.

        What an account we know has signed passes. Of the rest a few a second do, for a number, an
        account or its token may be new. When they are too many, an account of the last minute's
        list must have signed: a flood costs no more than that, and keeps no carrier out.
        """
        sid = _first(form, "AccountSid")
        if not sid or len(received.signature) != _SIGNATURE_LENGTH:
            raise NotSigned
        known = await self._accounts.known_as(sid)
        if any(self._is_signed(account, received, form) for account in known):
            return
        if not self._strangers.take("", self._now()).allowed:
            listed = await self._accounts.with_sid(sid)
            if listed is None or not self._is_signed(listed, received, form):
                raise NotSigned

    async def _account(self, received: Received, form: Form, tenant: TenantId | None) -> Account:
        """The account that signed: that of the tenant it is about, else the one the form names."""
        sid = _first(form, "AccountSid")
        account = await (
            self._accounts.of_tenant(tenant) if tenant else self._accounts.with_sid(sid)
        )
        if account is None or not sid or account.sid != sid:
            raise NotSigned
        if not self._is_signed(account, received, form):
            raise NotSigned
        self._accounts.know(account)
        return account

    def _is_signed(self, account: Account, received: Received, form: Form) -> bool:
        url = self._public_url + received.target
        return is_signed(account.auth_token, url, received.signature, form)


def _form(body: bytes) -> Form:
    if len(body) > MOST_BYTES:
        raise NotSigned
    try:
        return parse_qs(body.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise NotSigned from None


def _call_sid(form: Form) -> str:
    try:
        return token(_first(form, "CallSid"))
    except InvalidToken:
        raise NotSigned from None


def _first(form: Form, name: str) -> str:
    return form.get(name, [""])[0]
