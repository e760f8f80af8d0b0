"""Signatures agree with vectors measured on the carrier's own validator, and with it directly."""

import pytest
from twilio.request_validator import RequestValidator

from callfunnel.carrier.signature import is_signed, signature

FORM = {
    "CallSid": ["CA1234567890ABCDE"],
    "Caller": ["+14158675309"],
    "Digits": ["1234"],
    "From": ["+14158675309"],
    "To": ["+18005551212"],
}
WEBHOOK = "https://mycompany.com/myapp.php?foo=1&bar=2"
SOCKET = "wss://edge.example.com/media/twilio"


def test_a_webhook_is_signed_over_its_url_and_sorted_form() -> None:
    assert signature("12345", WEBHOOK, FORM) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


@pytest.mark.parametrize(
    ("url", "expected"),
    [(SOCKET, "k6eJlB84T5tGRGAYHO3ubyo3uXA="), (SOCKET + "/", "d9TvB78i4MIdAkPKyFqd37jcqwQ=")],
)
def test_a_socket_is_signed_over_its_address_alone(url: str, expected: str) -> None:
    assert signature("12345", url) == expected


def test_the_carriers_own_validator_accepts_it() -> None:
    signed = signature("12345", WEBHOOK, FORM)
    assert RequestValidator("12345").validate(
        WEBHOOK, {name: values[0] for name, values in FORM.items()}, signed
    )


def test_another_token_another_url_or_no_token_is_not_signed() -> None:
    signed = signature("12345", SOCKET)
    assert is_signed("12345", SOCKET, signed)
    assert not is_signed("54321", SOCKET, signed)
    assert not is_signed("12345", SOCKET + "x", signed)
    assert not is_signed("", SOCKET, signature("", SOCKET))


@pytest.mark.parametrize(
    ("url", "right"),
    [
        (SOCKET, True),
        ("wss://edge.example.com:443/media/twilio", True),
        ("https://edge.example.com/media/twilio", False),
        ("ws://edge.example.com/media/twilio", False),
        (SOCKET + "/", False),
        (SOCKET + "?a=1", False),
    ],
)
def test_the_scheme_and_the_path_count_and_the_usual_port_does_not(url: str, right: bool) -> None:
    assert is_signed("12345", url, "k6eJlB84T5tGRGAYHO3ubyo3uXA=") is right


def test_a_signature_by_another_algorithm_is_none() -> None:
    """The carrier's SHA256 form is for keys that no account here has."""
    assert not is_signed("12345", WEBHOOK, "033hgUJA9M/hXIZsYjwkerEP/DBm35nEri5FhCYjA5s=", FORM)
