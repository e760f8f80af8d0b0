"""A carrier's webhook: a first line with the target and the signature, then the form's body.

After a `!` the signature is made right, so that what lies behind it is reached, too.
"""

import asyncio
import atexit
import contextlib
from urllib.parse import parse_qs

from callfunnel.carrier.signature import signature
from gateway.webhooks import AboutCall, NotSigned, Offered, Received
from tests.fuzz.target import Target
from tests.unit.gateway.test_webhooks import received, webhooks

_ORIGIN = "https://phone.example.com"
_LOOP = asyncio.new_event_loop()
"""Those who ask for the same share one question, which is a task."""
atexit.register(_LOOP.close)


def check(data: bytes) -> None:
    head, _, body = data.partition(b"\n")
    target, _, given = head.decode("latin-1").partition(" ")
    if target[:1] == "!":
        target = "/" + target[1:]
        with contextlib.suppress(ValueError):
            fields = parse_qs(body.decode("ascii"), keep_blank_values=True)
            given = signature("acme-secret", _ORIGIN + target, fields)
    request = Received(target, given, body)
    try:
        offered = _LOOP.run_until_complete(webhooks().offered(request))
        assert isinstance(offered, Offered)
        for text in (offered.caller, offered.callee, offered.call_sid):
            assert 0 < len(text) <= 64
            assert text.isascii()
            assert text.isprintable()
    except NotSigned:
        pass
    try:
        about = _LOOP.run_until_complete(webhooks().about_call(request))
        assert isinstance(about, AboutCall)
        assert len(about.status) <= 64
        assert about.status.isascii()
    except NotSigned:
        pass


_GOOD = received("acme-secret")

TARGET = Target(
    check=check,
    seeds=(
        f"{_GOOD.target} {_GOOD.signature}\n".encode() + _GOOD.body,
        b"!carriers/twilio/voice \n" + _GOOD.body,
        b"!x?a=b#c \n" + _GOOD.body + b"&To=%2B15550100001&CallStatus=completed&a=1&a=2",
        b"!x \nAccountSid=AC1&CallSid=CA1&To=unknown&From=anonymous",
    ),
    tokens=("AccountSid=AC1", "&CallSid=", "&To=%2B15550100001", "&From=", "%00", "%ff", "&", "="),
)
