"""Redaction with the memory of a call: facts in, facts out."""

import re
from typing import Any, get_type_hints
from unittest import mock

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callfunnel.domain.ids import TenantId
from callfunnel.domain.redaction.tokens import numbers, tokens
from callfunnel.events.call import (
    AgentSpoke,
    ApprovalRequested,
    CallEnded,
    CallerSpoke,
    KeyPressed,
    ToolCalled,
)
from callfunnel.events.catalogue import definitions
from callfunnel.events.envelope import Envelope, Event
from callfunnel.events.message import Message
from tests.unit.callfunnel.domain.redaction.readings import cards, read_aloud
from workers.persistence.redaction import rules
from workers.persistence.redaction.rules import (
    Context,
    Memory,
    marked_fields,
    redact_data,
    redact_event,
)

TENANT = TenantId("acme")


class Conversation:
    """One call told to one redaction process, fact after fact."""

    def __init__(self, memory: Memory | None = None, call: str = "c_1") -> None:
        self.memory = Memory() if memory is None else memory
        self.call = call
        self.seq = 0

    def tell(self, data: Message) -> Any:
        self.seq += 1
        envelope = Envelope(
            id=f"{self.call}-{self.seq}",
            tenant=TENANT,
            key=self.call,
            time="2026-01-01T00:00:00.000000Z",
            seq=self.seq,
            traceparent="00-" + "1" * 32 + "-" + "2" * 16 + "-01",
        )
        event = Event(envelope, data)
        told = redact_event(event, self.memory)
        assert told.envelope == envelope
        return told.data

    def caller(self, text: str) -> str:
        return str(self.tell(CallerSpoke(turn=1, text=text, start_ms=0, end_ms=1)).text)

    def agent(self, text: str) -> str:
        said = AgentSpoke(
            turn=1, text=text, start_ms=0, heard_ms=1, generated_ms=1, interrupted=False
        )
        return str(self.tell(said).text)

    def key(self, digit: str) -> str:
        return str(self.tell(KeyPressed(digit=digit, at_ms=1)).digit)


def test_a_card_read_in_groups_leaves_no_group() -> None:
    call = Conversation()
    call.agent("Please read me your card number.")
    said = [call.caller(group) for group in ("forty one eleven", "yes eleven eleven", "1111")]
    assert said == ["<DIGITS_1>", "yes <DIGITS_1>", "<DIGITS_1>"]
    assert call.caller("one one, one one") == "<CARD_1>"


def test_a_card_read_in_pairs_without_being_asked_leaves_at_most_its_first_pair() -> None:
    call = Conversation()
    said = [call.caller(pair) for pair in ("forty one", *["eleven"] * 7)]
    assert said[1:] == ["<DIGITS_1>"] * 6 + ["<CARD_1>"]


def left(said: list[str]) -> int:
    """How many digits can still be read in what was kept."""
    kept = re.sub(r"<\w+>", " ", " ".join(said))
    return sum(len(number.digits) for number in numbers(tokens(kept)))


@settings(max_examples=100, deadline=None)
@given(st.data(), cards(), st.booleans())
def test_no_way_of_reading_a_card_in_pieces_leaves_more_than_its_first_digits(
    data: st.DataObject, card: str, asked: bool
) -> None:
    call = Conversation()
    if asked:
        call.agent("Could you read me the card number, please?")
    said, at = [], 0
    while at < len(card):
        size = data.draw(st.integers(1, 6))
        said.append(call.caller(data.draw(read_aloud(card[at : at + size]))))
        if data.draw(st.booleans()):
            call.agent(data.draw(st.sampled_from(["Yes.", "Go on.", "And then?"])))
        at += size
    assert left(said) == 0 if asked else left(said[1:]) == 0
    assert left(said[:1]) <= 3


def test_amounts_stay_also_right_after_a_number_was_read() -> None:
    call = Conversation()
    call.caller("four one one one")
    assert call.caller("and I pay thirty nine dollars") == "and I pay thirty nine dollars"


def test_small_numbers_stay_again_once_the_talk_has_moved_on() -> None:
    call = Conversation()
    call.caller("four one one one")
    for text in ("that was it", "now about my bill, please look at it", "I do not like it at all"):
        call.caller(text)
    assert call.caller("we are twenty five here") == "we are twenty five here"


def test_a_time_that_the_agent_asked_for_stays() -> None:
    call = Conversation()
    assert call.caller("ten thirty") == "<DIGITS_1>"
    call = Conversation()
    call.agent("On which day, and at what time, shall we call you?")
    assert call.caller("ten thirty") == "ten thirty"
    assert (
        call.agent("Tuesday, ten thirty. Is that right?") == "Tuesday, ten thirty. Is that right?"
    )


def test_a_warning_not_to_tell_a_number_asks_for_none() -> None:
    call = Conversation()
    call.agent("Please do not tell me card numbers on the phone.")
    assert call.caller("we are twenty five here") == "we are twenty five here"


def test_the_agent_repeating_a_number_does_not_leak_it() -> None:
    call = Conversation()
    call.caller("four one one one")
    assert call.agent("I heard four one, then one one.") == "I heard <DIGITS_1>."


def test_the_answer_to_a_question_for_a_secret_goes_as_a_whole() -> None:
    call = Conversation()
    call.agent("Please tell me your password.")
    assert call.caller("okay") == "okay"
    assert call.caller("blue elephant") == "<SECRET_1>"
    assert call.caller("and now?") == "and now?"


def test_another_process_that_missed_facts_is_stricter() -> None:
    known, cold = Conversation(), Conversation()
    cold.seq = 7
    assert known.caller("twenty five") == "twenty five"
    assert cold.caller("twenty five") == "<DIGITS_1>"
    assert cold.caller("I have two phones") == "I have two phones"


def test_keys_beyond_a_menu_choice_are_hidden() -> None:
    call = Conversation()
    assert "".join(call.key(digit) for digit in "41111#") == "411xx#"
    call.caller("hello")
    assert call.key("1") == "1"


def test_tools_and_approvals_are_redacted_with_what_was_said() -> None:
    call = Conversation()
    call.caller("four one one one two two two two")
    arguments = {"last": "2222", "customer": "cus_1", "note": "pin is one two three four"}
    called = call.tell(ToolCalled(tool_call="tc", tool="pay", arguments=arguments))
    assert called.arguments == {
        "last": "<DIGITS_1>",
        "customer": "cus_1",
        "note": "pin is <SECRET_1>",
    }
    asked = ApprovalRequested(
        approval="apr", tool_call="tc", what="25 % off for jane@example.com", limit="10",
        asked="now", expires_at="then",
    )  # fmt: skip
    assert call.tell(asked).what == "25 % off for <EMAIL_1>"


def test_calls_do_not_know_each_other_and_an_ended_call_is_forgotten() -> None:
    memory = Memory()
    first, second = Conversation(memory, "c_1"), Conversation(memory, "c_2")
    first.caller("four one one one")
    assert second.caller("we are twenty five here") == "we are twenty five here"
    assert len(memory) == 2
    ended = CallEnded(
        cause="caller_hangup", by="caller", duration_ms=1, last_seq=1, segments=0,
        usage_records=0, answered=True,
    )  # fmt: skip
    first.tell(ended)
    assert len(memory) == 1


def test_what_was_said_in_a_call_of_another_tenant_is_not_known() -> None:
    """Also when it names its call by the same id."""
    memory = Memory()
    memory.keep("acme", "c_1", Context(seq=1, said="4111", secret=2))
    assert memory.before("rival", "c_1", 1) == Context()
    assert memory.before("acme", "c_1", 2).said == "4111"


def test_memory_is_bounded() -> None:
    memory = Memory(size=3)
    for n in range(10):
        Conversation(memory, f"c_{n}").caller("hello")
    assert len(memory) == 3


def facts() -> list[type[Message]]:
    return [row.cls for row in definitions() if row.raw]


@pytest.mark.parametrize("cls", facts(), ids=lambda cls: cls.__name__)
def test_every_marked_field_of_the_catalogue_is_found(cls: type[Message]) -> None:
    """A mark inside a list or an optional would be overlooked: there must be none."""
    marked = dict(marked_fields(cls))
    for name, hint in get_type_hints(cls, include_extras=True).items():
        assert ("redact" in repr(hint)) == (name in marked), f"{cls.__name__}.{name}"


@pytest.mark.parametrize("cls", facts(), ids=lambda cls: cls.__name__)
def test_a_card_in_any_marked_field_is_gone(cls: type[Message]) -> None:
    card = "4111 1111 1111 1111"
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(cls):
        kind = dict(marked_fields(cls)).get(field.name, "")
        values[field.name] = {"text": card, "tree": {"x": card}}.get(kind)
    told = Conversation().tell(cls(**values))
    assert "4111" not in repr(told)


def phrases(text: str) -> list[str]:
    return text.split("|")


QUESTIONS = phrases(
    "please|what|tell me|give me|do not|never|?|card|account|routing|security|phone|reference|"
    "number|code|sort code|iban|digits|the rest|the next|what time|which day|when shall|day|"
    "good time|suits you|pass word|PIN|security question|secret word|memorable date|maiden name|"
    "cvv|cvc|pın|paſſword|read|confirm|your|İBAN|I'm|is"
)


@given(st.lists(st.sampled_from(QUESTIONS), max_size=10).map(" ".join))
def test_a_question_is_understood_as_if_every_word_of_it_were_searched(text: str) -> None:
    asked = AgentSpoke(turn=1, text=text, start_ms=0, heard_ms=1, generated_ms=1, interrupted=False)
    understood = redact_data(asked, Context())
    with mock.patch.object(rules, "may_say", return_value=True):
        assert understood == redact_data(asked, Context())
