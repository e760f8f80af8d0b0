"""Whatever a message is, its letter is one that the bus takes, and says what it lacks."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callfunnel.infra.letters import LEFT_OUT, Delivered, Letter, letter_of

MOST = 8192
AT = "2026-01-01T00:00:00.000000Z"
PLAIN = {"ce-id": "c_1-5", "ce-type": "callfunnel.call.spoke.v1", "cf-replays": "1"}
SUBJECT = "cf.demo.raw.c_1.spoke"


def letter(
    headers: dict[str, str] | None = None,
    body: bytes = b"{}",
    subject: str = SUBJECT,
    reason: str = "no detector",
) -> Letter:
    message = Delivered("redaction", "RAW", 7, 2, subject, headers or PLAIN, body)
    return letter_of(message, reason, AT, MOST)


def block(headers: dict[str, str]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"NATS/1.0\r\n{lines}\r\n".encode()


def test_a_letter_is_the_message_and_why() -> None:
    whole = letter()
    assert (whole.subject, whole.body) == (f"dead.redaction.{SUBJECT}", b"{}")
    assert whole.headers == PLAIN | {
        "cf-dead-reason": "no detector",
        "cf-dead-at": AT,
        "cf-dead-durable": "redaction",
        "cf-dead-stream": "RAW",
        "cf-dead-sequence": "7",
        "cf-dead-delivered": "2",
        "Nats-Msg-Id": "redaction-RAW-7",
    }


@pytest.mark.parametrize("name", ["a(b", "a:b", "a b", "é", "x" * 65, ""])
def test_a_header_that_no_client_sends_is_left_out_and_that_is_said(name: str) -> None:
    bounded = letter(PLAIN | {name: "odd"})
    assert name not in bounded.headers
    assert bounded.headers[LEFT_OUT] == "headers"
    assert bounded.headers["cf-dead-reason"] == (
        "no detector (left out: headers; message 7 of RAW has it)"
    )


@pytest.mark.parametrize(
    "name", ["Nats-Expected-Stream", "nats-rollup", "Nats-TTL", "Status", LEFT_OUT]
)
def test_a_letter_says_nothing_to_the_server_or_in_our_name(name: str) -> None:
    assert letter(PLAIN | {name: "all"}).headers == letter().headers


def test_a_body_with_which_it_would_be_too_large_stays_where_it_is() -> None:
    room = MOST - len(block(letter().headers))
    assert letter(body=b"x" * room).body
    bounded = letter(body=b"x" * (room + 1))
    assert bounded.body == b""
    assert bounded.headers[LEFT_OUT] == "body"
    assert bounded.headers["cf-dead-reason"].endswith(
        f"(left out: body of {room + 1:,} bytes; message 7 of RAW has it)"
    )


def test_a_subject_longer_than_a_command_line_is_cut_word_by_word() -> None:
    bounded = letter(subject=f"cf.demo.raw.{'c' * 4000}.spoke")
    assert bounded.subject == f"dead.redaction.cf.demo.raw.{'c' * 64}.spoke"
    assert bounded.headers[LEFT_OUT] == "subject"


odd = st.one_of(st.text(max_size=80), st.sampled_from([*PLAIN, "Nats-Rollup", "X-1", "X-2"]))


@given(
    st.dictionaries(odd, st.one_of(st.text(max_size=40), st.just("v" * 2000)), max_size=60),
    st.integers(0, 2 * MOST),
    st.sampled_from([SUBJECT, f"cf.demo.raw.{'c' * 1100}.{'x.' * 3000}spoke"]),
    st.text(st.characters(), max_size=800),
)
def test_any_letter_is_bounded(
    headers: dict[str, str], size: int, subject: str, reason: str
) -> None:
    bounded = letter(headers, b"x" * size, subject, reason)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) for name in bounded.headers)
    assert len(bounded.subject) <= 1100
    assert len(bounded.headers) <= 40
    within = len(block(bounded.headers)) + len(bounded.body) <= MOST
    assert within or bounded.body == b""
