"""The heads of a relayed upgrade: what goes to the worker, what comes back."""

from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.relay import answered_status, worker_head


def test_only_what_the_worker_needs_goes_to_it() -> None:
    headers = [
        b"host: phone.example.com",
        b"Upgrade: websocket",
        b"cookie: session=1",
        b"authorization: Bearer x",
        b"x-forwarded-for: 203.0.113.9",
        b"X-Twilio-Signature: abc=",
        b"sec-websocket-extensions: permessage-deflate",
    ]
    assert worker_head(b"/media/w/t", "127.0.0.1:9", headers) == (
        b"GET /media/w/t HTTP/1.1\r\nhost: 127.0.0.1:9\r\nUpgrade: websocket\r\n"
        b"X-Twilio-Signature: abc=\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", HTTPStatus.SWITCHING_PROTOCOLS),
        (b"HTTP/1.1 403\r\n\r\n", HTTPStatus.FORBIDDEN),
        (b"HTTP/1.1 999 What\r\n\r\n", HTTPStatus.BAD_GATEWAY),
        (b"SSH-2.0-x\r\n", HTTPStatus.BAD_GATEWAY),
        (b"", HTTPStatus.BAD_GATEWAY),
    ],
)
def test_an_answer_is_a_status(head: bytes, status: HTTPStatus) -> None:
    assert answered_status(head) is status


@given(st.binary(max_size=200))
def test_garbage_is_a_bad_gateway_or_a_status_and_nothing_worse(head: bytes) -> None:
    assert isinstance(answered_status(head), HTTPStatus)
