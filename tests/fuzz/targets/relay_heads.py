"""Heads of a relayed upgrade: the caller's request as the worker gets it, the worker's answer."""

from http import HTTPStatus

from gateway.relay import answered_status, wanted, worker_head
from tests.fuzz.target import Target

_PASSED = (
    b"connection", b"origin", b"sec-websocket-key", b"sec-websocket-protocol",
    b"sec-websocket-version", b"upgrade", b"user-agent", b"x-twilio-signature", b"host",
)  # fmt: skip


def check(data: bytes) -> None:
    assert isinstance(answered_status(data), HTTPStatus)
    found = wanted(data)
    if found is None:
        return
    worker, path, headers = found
    assert worker.isascii()
    head = worker_head(path, "127.0.0.1:9", headers)
    assert head.endswith(b"\r\n\r\n")
    assert head.count(b"\r\n\r\n") == 1
    for line in head.replace(b"\r", b"\n").split(b"\n")[1:]:
        assert not line or line.partition(b":")[0].strip().lower() in _PASSED


TARGET = Target(
    check=check,
    seeds=(
        b"GET /media/media-1/token-12345 HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\n"
        b"cookie: a\r\nsec-websocket-key: x\r\nX-Twilio-Signature: s\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    ),
    tokens=("GET /media/media-1/token-12345 HTTP/1.1\r\n", "sec-websocket-key: ", "\n", "\r\n\r\n"),
)
