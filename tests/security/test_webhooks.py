"""A carrier's webhooks at the door of a running product: only what the number's own account signed.

The vectors of the signature itself: tests/unit/callfunnel/carrier/test_signature.py.
"""

import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from twilio.request_validator import RequestValidator
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from callfunnel.carrier.twiml import Stream, parse
from callfunnel.local.demo import CARRIER, NUMBER
from tests.security.two_tenants import RIVAL_ACCOUNT, A, TwoTenants

VOICE, STATUS = "/carriers/twilio/voice", "/carriers/twilio/status"
Fields = list[tuple[str, str]]


class Carrier:
    """Signs for one account, as the carrier's own SDK does, and sends what it is told to."""

    def __init__(self, attacked: TwoTenants, account: dict[str, str]) -> None:
        self.origin = str(attacked.stack.ready["gateway"])
        self.account = account
        self._door = attacked.door

    def form(self, **changes: str) -> dict[str, str]:
        return {
            "CallSid": f"CA{secrets.token_hex(16)}", "AccountSid": self.account["account_sid"],
            "From": "+15550100123", "To": NUMBER, "CallStatus": "ringing", **changes,
        }  # fmt: skip

    def signature(self, url: str, form: dict[str, str]) -> str:
        return str(RequestValidator(self.account["auth_token"]).compute_signature(url, form))

    def send(self, target: str, fields: Fields, signature: str, **headers: str) -> httpx.Response:
        head = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Twilio-Signature": signature, **headers,
        }  # fmt: skip
        sent = {name: value.encode("latin1") for name, value in head.items()}
        return self._door.post(target, content=urlencode(fields), headers=sent)

    def offer(self, **changes: str) -> httpx.Response:
        form = self.form(**changes)
        return self.send(VOICE, [*form.items()], self.signature(self.origin + VOICE, form))


@pytest.fixture(scope="module")
def carrier(attacked: TwoTenants) -> Carrier:
    return Carrier(attacked, attacked.store.get(A, CARRIER))


@pytest.fixture(scope="module")
def rival(attacked: TwoTenants) -> Carrier:
    """The carrier's account of B: its signatures are right, for B."""
    return Carrier(attacked, RIVAL_ACCOUNT)


@pytest.mark.parametrize("port", ["with its port", "without"])
def test_what_the_account_signed_is_taken(carrier: Carrier, port: str) -> None:
    form = carrier.form()
    origin = carrier.origin if port == "with its port" else carrier.origin.rpartition(":")[0]
    signed = carrier.signature(origin + STATUS, form)
    assert carrier.send(STATUS, [*form.items()], signed).status_code == 204


Elsewhere = Callable[[str], str]
ELSEWHERE: dict[str, Elsewhere] = {
    "scheme": lambda url: url.replace("http:", "https:"),
    "socket's scheme": lambda url: url.replace("http:", "ws:"),
    "host": lambda url: url.replace("127.0.0.1", "evil.example"),
    "port": lambda url: url.replace(url.split(":")[2].partition("/")[0], "443"),
    "path": lambda url: url.replace("status", "voice"),
    "slash": lambda url: url + "/",
    "case": lambda url: url.replace("status", "Status"),
    "query": lambda url: url + "?a=1",
    "user": lambda url: url.replace("127.0.0.1", "x:y@127.0.0.1"),
}


@pytest.mark.parametrize("changed", ELSEWHERE)
def test_a_signature_is_for_one_address(carrier: Carrier, changed: str) -> None:
    form = carrier.form()
    elsewhere = ELSEWHERE[changed](carrier.origin + STATUS)
    refused(carrier.send(STATUS, [*form.items()], carrier.signature(elsewhere, form)))


@pytest.mark.parametrize("target", [STATUS + "?a=1", STATUS + "?To=%2B15550100001", VOICE])
def test_a_request_sent_elsewhere_than_it_was_signed_for_is_refused(
    carrier: Carrier, target: str
) -> None:
    form = carrier.form()
    refused(carrier.send(target, [*form.items()], carrier.signature(carrier.origin + STATUS, form)))


Alter = Callable[[Fields], Fields]
ALTERED: dict[str, Alter] = {
    "a value": lambda fields: [(name, v.replace("ringing", "busy")) for name, v in fields],
    "a number": lambda fields: [(name, v.replace("0123", "0124")) for name, v in fields],
    "a name": lambda fields: [(name.replace("From", "from"), v) for name, v in fields],
    "one less": lambda fields: [each for each in fields if each[0] != "CallStatus"],
    "one more": lambda fields: [*fields, ("Extra", "1")],
    "an empty one more": lambda fields: [*fields, ("Extra", "")],
    "one twice": lambda fields: [*fields, ("To", "+15550100002")],
    "one twice, the other first": lambda fields: [("To", "+15550100002"), *fields],
    "a zero byte": lambda fields: [*fields[:-1], ("CallStatus", "ringing\0")],
    "a space": lambda fields: [*fields[:-1], ("CallStatus", "ringing ")],
    "another call": lambda fields: [("CallSid", "CA" + "0" * 32), *fields[1:]],
    "nothing": lambda fields: [],
}


@pytest.mark.parametrize("how", ALTERED)
def test_a_form_that_was_altered_is_refused(carrier: Carrier, how: str) -> None:
    form = carrier.form()
    signed = carrier.signature(carrier.origin + STATUS, form)
    refused(carrier.send(STATUS, ALTERED[how]([*form.items()]), signed))


@pytest.mark.parametrize("given", ["", "=", "x" * 28, "\u00e9"])
def test_what_is_no_signature_opens_nothing(carrier: Carrier, given: str) -> None:
    for path in (VOICE, STATUS, "/carriers/twilio/next"):
        refused(carrier.send(path, [*carrier.form().items()], given))


@pytest.mark.parametrize("change", [str.lower, str.swapcase, lambda text: text[:-2]])
def test_a_signature_counts_to_its_last_letter(
    carrier: Carrier, change: Callable[[str], str]
) -> None:
    form = carrier.form()
    signed = carrier.signature(carrier.origin + STATUS, form)
    refused(carrier.send(STATUS, [*form.items()], change(signed)))


def test_the_address_is_the_configured_one_whatever_a_proxy_says(carrier: Carrier) -> None:
    form, said = carrier.form(), {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    over_host = carrier.signature("http://evil.example" + STATUS, form)
    refused(carrier.send(STATUS, [*form.items()], over_host, **said))
    configured = carrier.signature(carrier.origin + STATUS, form)
    assert carrier.send(STATUS, [*form.items()], configured, **said).status_code == 204


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x", ""])
def test_a_body_that_the_signature_would_not_cover_is_refused(carrier: Carrier, kind: str) -> None:
    """Signed as the carrier signs JSON: the address alone, with a digest of the body in it."""
    target = f"{STATUS}?bodySHA256={'0' * 64}"
    signed = carrier.signature(carrier.origin + target, {})
    answer = carrier.send(target, [*carrier.form().items()], signed, **{"Content-Type": kind})
    refused(answer)


def test_the_account_of_another_tenant_signs_nothing_of_this_one(
    carrier: Carrier, rival: Carrier
) -> None:
    refused(rival.offer())
    refused(rival.offer(AccountSid=carrier.account["account_sid"]))
    with_mine = rival.form()
    signed = carrier.signature(carrier.origin + VOICE, with_mine)
    refused(rival.send(VOICE, [*with_mine.items()], signed))


def test_nobody_asks_after_the_call_of_another_tenant(carrier: Carrier, rival: Carrier) -> None:
    offered = carrier.form()
    signed = carrier.signature(carrier.origin + VOICE, offered)
    assert carrier.send(VOICE, [*offered.items()], signed).status_code == 200
    for path in (STATUS, "/carriers/twilio/next"):
        asked = rival.form(CallSid=offered["CallSid"])
        refused(rival.send(path, [*asked.items()], rival.signature(rival.origin + path, asked)))


def test_a_media_token_of_a_opens_nothing_for_who_is_not_as_carrier(
    carrier: Carrier, rival: Carrier
) -> None:
    stream = parse(carrier.offer().text)[0]
    assert isinstance(stream, Stream)
    for signed in (None, rival.signature(stream.url, {}), carrier.signature(stream.url + "/", {})):
        assert upgraded(stream.url, signed) == 403
    assert upgraded(stream.url, carrier.signature(stream.url, {})) == 101


def upgraded(url: str, signed: str | None) -> int:
    """The status of a socket's handshake."""
    head: Any = {"X-Twilio-Signature": signed} if signed else {}
    try:
        with connect(url, additional_headers=head):
            return 101
    except InvalidStatus as failed:
        return failed.response.status_code


def refused(answer: httpx.Response) -> None:
    """Without a hint at what was wrong."""
    assert (answer.status_code, answer.content) == (403, b"")
