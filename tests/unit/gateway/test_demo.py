"""The demo session is for a browser on this machine, on this page, and for nobody else."""

import pytest

from gateway.demo import is_this_machine

GOOD = {"host": "127.0.0.1:8080", "origin": "http://127.0.0.1:8080"}


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:8080", "[::1]:8080"])
def test_a_page_on_this_machine_is_let_in(host: str) -> None:
    assert is_this_machine("127.0.0.1", {"host": host, "origin": f"http://{host}"})


@pytest.mark.parametrize(
    "changes",
    [
        {"host": "evil.example", "origin": "http://evil.example"},
        {"origin": "http://evil.example"},
        {"origin": ""},
        {"host": "127.0.0.1.evil.example", "origin": "http://127.0.0.1.evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"x-forwarded-for": "203.0.113.9"},
        {"forwarded": "for=203.0.113.9"},
        {"x-forwarded-proto": "https"},
        {"cf-connecting-ip": "203.0.113.9"},
        {"ngrok-trace-id": "1"},
        {"host": "evil.example@127.0.0.1", "origin": "http://evil.example@127.0.0.1"},
        {"host": "[", "origin": "http://["},
        {"host": "127.0.0.1:8080/x", "origin": "http://127.0.0.1:8080/x"},
    ],
)
def test_anyone_else_is_not(changes: dict[str, str]) -> None:
    assert not is_this_machine("127.0.0.1", GOOD | changes)


def test_another_machine_is_not() -> None:
    assert not is_this_machine("192.168.1.20", GOOD)
