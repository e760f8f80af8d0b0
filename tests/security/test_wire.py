"""The gateway's socket in the hands of somebody who speaks HTTP badly on purpose."""

import socket
from urllib.parse import urlsplit

import pytest

from tests.security.two_tenants import TwoTenants

INNER = b"GET /v1/calls HTTP/1.1\r\nHost: x\r\n\r\n"


def spoken(attacked: TwoTenants, request: bytes, *, end: bool = True) -> bytes:
    """Everything the gateway answers to these bytes."""
    where = urlsplit(attacked.stack.ready["gateway"])
    with socket.create_connection((where.hostname, where.port), timeout=10) as connection:
        connection.sendall(request)
        if end:
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        try:
            while piece := connection.recv(65536):
                answer += piece
        except (TimeoutError, ConnectionResetError):
            pass
        return answer


def statuses(answer: bytes) -> list[int]:
    """The status of each answer in a row."""
    return [int(each[:3]) for each in answer.split(b"HTTP/1.1 ")[1:]]


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 4\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: chunked\r\nContent-Length: 4",
        b"Content-Length: 4\r\nContent-Length: 60",
        b"Content-Length: +4",
        b"Content-Length: 0x4",
        b"Content-Length: -1",
        b"Transfer-Encoding: xchunked",
        b"Transfer-Encoding: chunked, identity",
        b"Transfer-Encoding : chunked",
        b"Transfer-Encoding:\x0bchunked",
        b" Transfer-Encoding: chunked",
    ],
)
def test_one_request_is_never_read_as_two(attacked: TwoTenants, head: bytes) -> None:
    """Where a proxy before us may see one body and we another, there is no second request."""
    request = b"POST /v1/phone-tokens HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n\r\n0\r\n\r\n" + INNER
    first, *others = statuses(spoken(attacked, request)) or [400]
    assert first in (400, 401, 405, 501)
    assert [status for status in others if status != 400] == [], "what followed was taken"


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /v1/calls\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /v1/calls HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n",
        b"GET /v1/calls HTTP/1.1\r\nHost: x\r\nX: a\rSet-Cookie: b\r\n\r\n",
        b"GET /v1/calls HTTP/1.1\nHost: x\n\n" * 2,
        b"GET /v1/calls HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"A" * 70_000,
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: a\r\n" * 20_000 + b"\r\n",
        b"GET /" + b"a" * 80_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    ids=range(10),
)
def test_what_is_no_request_gets_no_answer_of_the_api(
    attacked: TwoTenants, request_: bytes
) -> None:
    answer = spoken(attacked, request_)
    assert b"set-cookie" not in answer.lower()
    assert set(statuses(answer)) <= {400, 401, 404, 414, 431}
    assert attacked.door.get("/healthz").status_code == 200


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_without_end_is_cut_off(attacked: TwoTenants, announced: bool) -> None:
    size = 1_000_000
    head = f"Content-Length: {size}" if announced else "Transfer-Encoding: chunked"
    body = b"x" * size if announced else b"f4240\r\n" + b"x" * size + b"\r\n0\r\n\r\n"
    auth = f"Authorization: {attacked.as_b['Authorization']}"
    kind = "Content-Type: application/yaml"
    once = "Host: x\r\nConnection: close"
    line = f"PUT /v1/rulebooks/sales HTTP/1.1\r\n{once}\r\n{auth}\r\n{kind}\r\n{head}\r\n\r\n"
    assert statuses(spoken(attacked, line.encode() + body, end=False))[:1] in ([413], [])


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "CONNECT", "HEAD", "PROPFIND"])
def test_no_other_method_does_anything(attacked: TwoTenants, method: str) -> None:
    for path in ("/v1/calls", f"/v1/calls/{attacked.theirs.call}"):
        answer = attacked.door.request(method, path, headers=attacked.as_b)
        assert answer.status_code in (400, 404, 405)
        assert attacked.theirs.call not in answer.text


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1"])
def test_no_page_from_elsewhere_reads_an_answer(attacked: TwoTenants, origin: str) -> None:
    asked = {**attacked.as_a, "Origin": origin}
    answer = attacked.door.get("/v1/calls", headers=asked)
    preflight = {"Origin": origin, "Access-Control-Request-Method": "GET"}
    for each in (answer, attacked.door.options("/v1/calls", headers=preflight)):
        assert not [name for name in each.headers if name.startswith("access-control-")]
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1@evil.example", "x\tX: y", "evil.example/x", "*", "[::1]"]
)
def test_a_made_up_host_leads_nobody_elsewhere(attacked: TwoTenants, host: str) -> None:
    for path in ("/", "/console", "/console/app.js", "/v1/calls/", "/v1/calls", "//evil.example"):
        answer = attacked.door.get(path, headers={**attacked.as_b, "Host": host})
        assert "evil.example" not in answer.headers.get("location", "")
        assert "x" not in answer.headers


@pytest.mark.parametrize(
    "path",
    [
        "/console/../gateway/app.py", "/console/%2e%2e/pyproject.toml",
        "/console/..%2fpyproject.toml",
        "/console/%2e%2e%2f%2e%2e%2fetc/passwd", "/console//etc/passwd", "/console/%00",
        "/console/..%5c..%5cpyproject.toml", "/console/.", "/console/views", "/console/....//",
    ],
)  # fmt: skip
def test_the_pages_files_are_all_there_is(attacked: TwoTenants, path: str) -> None:
    line = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answer = spoken(attacked, line.encode())
    assert set(statuses(answer)) <= {400, 404, 405, 307}
    assert b"root:" not in answer
    assert b"hatchling" not in answer


def test_every_answer_of_the_api_protects_itself(attacked: TwoTenants) -> None:
    """Also what a browser would show by itself: an error, a recording, the page, a file."""
    recording = f"/v1/calls/{attacked.theirs.call}/recording"
    for path in ("/", "/console/app.js", "/nothing", "/v1/calls", recording):
        answer = attacked.door.get(path, headers=attacked.as_a)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        if path.startswith("/v1/"):
            assert "no-store" in answer.headers["cache-control"] or path == recording
