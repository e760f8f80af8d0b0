"""Every verb the product answers is understood, and no document can do harm."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callfunnel.carrier.twiml import (
    Dial,
    Hangup,
    NotTwiML,
    Pause,
    Redirect,
    Reject,
    Say,
    Stream,
    parse,
)


def test_a_stream_brings_its_address_and_parameters_and_what_follows() -> None:
    verbs = parse(
        '<?xml version="1.0" encoding="UTF-8"?><Response><Connect><Stream url="wss://h/media/w/t">'
        '<Parameter name="call" value="c_1"/></Stream></Connect>'
        '<Redirect method="POST">https://h/next</Redirect></Response>'
    )
    assert verbs == [Stream("wss://h/media/w/t", {"call": "c_1"}), Redirect("https://h/next")]


@pytest.mark.parametrize(
    ("verb", "meaning"),
    [
        ("<Say>Sorry.</Say>", Say("Sorry.")),
        ("<Dial>+15550100</Dial>", Dial("+15550100")),
        ('<Dial action="/a"><Number>+1555</Number></Dial>', Dial("+1555", "/a")),
        ('<Pause length="3"/>', Pause(3)),
        ('<Reject reason="busy"/>', Reject("busy")),
        ("<Hangup/>", Hangup()),
    ],
)
def test_each_verb_is_understood(verb: str, meaning: object) -> None:
    assert parse(f"<Response>{verb}</Response>") == [meaning]


@pytest.mark.parametrize(
    "document",
    [
        "",
        "<html/>",
        "<Response><Dance/></Response>",
        "<Response><Connect/></Response>",
        '<!DOCTYPE x [<!ENTITY a "b">]><Response/>',
        "<Response>" + " " * 70_000 + "</Response>",
    ],
)
def test_what_a_carrier_could_not_carry_out_is_refused(document: str) -> None:
    with pytest.raises(NotTwiML):
        parse(document)


@given(st.text() | st.from_regex(r"<Response>.{0,80}</Response>"))
def test_a_document_is_verbs_or_refused(document: str) -> None:
    with contextlib.suppress(NotTwiML):
        assert isinstance(parse(document), list)
