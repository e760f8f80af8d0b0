"""What goes and what stays, in written and spoken form."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callfunnel.domain.redaction.redactor import redact
from callfunnel.domain.redaction.runs import Strictness
from callfunnel.domain.redaction.wordlist import listed
from tests.unit.callfunnel.domain.redaction.readings import TEENS, TENS, UNITS, cards, read_aloud

GOES = [
    # cards
    ("my card is 4111 1111 1111 1111 thanks", "my card is <CARD_1> thanks"),
    ("4111-1111-1111-1111", "<CARD_1>"),
    ("it is 4111111111111111.", "it is <CARD_1>."),
    ("3782 822463 10005 is the amex", "<CARD_1> is the amex"),
    (
        "four one one one one one one one one one one one one one one one",
        "<CARD_1>",
    ),
    ("forty one eleven eleven eleven eleven eleven eleven eleven please", "<CARD_1> please"),
    ("four triple one, double one double one, 1111, one one one one", "<CARD_1>"),
    ("fifty five five five, uh, 5555 5555 forty four forty four", "<CARD_1>"),
    ("4111 1111 1111 1111 and 4111111111111111", "<CARD_1> and <CARD_1>"),
    ("4111 1111 1111 1111 or 5555 5555 5555 4444", "<CARD_1> or <CARD_2>"),
    ("4111 1111 1111 1111 12 25", "<CARD_1> <DIGITS_1>"),
    ("٤١١١ ١١١١ ١١١١ ١١١١", "<CARD_1>"),
    # groups read with pauses, and numbers that are no card
    ("four one one one", "<DIGITS_1>"),
    ("double four one one", "<DIGITS_1>"),
    ("three one two", "<DIGITS_1>"),
    ("it starts with 4 1 1 1", "it starts with <DIGITS_1>"),
    ("then eleven eleven", "then <DIGITS_1>"),
    ("my account is 0011 2233", "my account is <DIGITS_1>"),
    ("nineteen eighty four", "<DIGITS_1>"),
    ("4111 1111 1111 1112", "<DIGITS_1>"),
    # IBAN
    ("the iban is GB82 WEST 1234 5698 7654 32 please", "the iban is <IBAN_1> please"),
    ("DE89370400440532013000", "<IBAN_1>"),
    (
        "g b eight two w e s t one two three four five six nine eight seven six five four three"
        " two",
        "<IBAN_1>",
    ),
    (
        "golf bravo 82 whiskey echo sierra tango 1234 5698 7654 32",
        "<IBAN_1>",
    ),
    # e-mail
    ("write to jane.doe+x@example.co.uk please", "write to <EMAIL_1> please"),
    ("it's john at example dot com", "it's <EMAIL_1>"),
    ("it's john dot smith at example dot co dot uk okay", "it's <EMAIL_1> okay"),
    ("j o h n at g mail dot com", "<EMAIL_1>"),
    ("john underscore smith at example dot com", "<EMAIL_1>"),
    ("john twenty two at example.com", "<EMAIL_1>"),
    ("john smith at gmail", "john <EMAIL_1>"),
    ("john.smith at hotmail please", "<EMAIL_1> please"),
    ("jane@example", "<EMAIL_1>"),
    # phones
    ("call me at +1 (555) 210-0001", "call me at <PHONE_1>"),
    ("call me at 555-210-0001", "call me at <PHONE_1>"),
    ("reach me at 212 555 0147 tonight", "reach me at <PHONE_1> tonight"),
    ("oh seven seven double oh nine hundred one two three", "<PHONE_1>"),
    ("plus four four seven seven zero zero nine zero zero one two three", "plus <PHONE_1>"),
    # national ids
    ("SSN 123-45-6789", "SSN <SSN_1>"),
    (
        "my social security number is one two three forty five six seven eight nine",
        "my social security number is <SSN_1>",
    ),
    ("AB 12 34 56 C", "<NINO_1>"),
    ("it is ab123456c", "it is <NINO_1>"),
    ("a b one two three four five six c", "<NINO_1>"),
    # secrets
    (
        "my password is hunter2 and I want to cancel",
        "my password is <SECRET_1> and I want to cancel",
    ),
    ("the password: correct horse battery staple", "the password: <SECRET_1>"),
    ("my password is the quick brown fox", "my password is <SECRET_1>"),
    ("my pin is one two three four", "my pin is <SECRET_1>"),
    ("pin number 12", "pin number <SECRET_1>"),
    ("the security code is 123.", "the security code is <SECRET_1>."),
    ("cvv nine double one", "cvv <SECRET_1>"),
    (
        "it is 4111-1111-1111-1111, expiring 12/26, and the code on the back is 123.",
        "it is <CARD_1>, expiring <DIGITS_1>, and the code on the back is <SECRET_1>.",
    ),
    ("the digits on the back are nine one one", "the digits on the back are <SECRET_1>"),
    ("user jane, password hunter2", "user jane, password <SECRET_1>"),
    ("my mother's maiden name is Smith.", "my mother's maiden name is <SECRET_1>."),
    ("my passcode's blue, can I go on", "my passcode's <SECRET_1>, can I go on"),
]

STAYS = [
    "Hello, my name is Jane.",
    "twenty five percent",
    "thirty nine pounds",
    "thirty nine pounds ninety nine",
    "it went from thirty nine ninety nine to fifty nine ninety nine",
    "the bill is 39.99 dollars, it was $29.99, that is 12.5 % more",
    "$1,250.00 and 1,250 users and 2000 megabits",
    "a thousand two hundred dollars",
    "four thousand one hundred and eleven",
    "I moved in 2019, and again in twenty twenty four",
    "between 2019 and 2020 I paid 120 dollars a month, or 1440 a year",
    "on March 3, 2026 at 10:30",
    "on 31/12/2026 or 2026-12-31T10:00:00.123456Z",
    "at ten thirty on tuesday",
    "a call back for tuesday, ten thirty",
    "tomorrow at nine forty five or 10:15 pm",
    "March third twenty twenty four",
    "one moment, I have two questions",
    "I forgot my password",
    "my password is not working",
    "the password is wrong",
    "please look at example dot com",
    "we have 1500 square feet and 2000 customers",
    "open twenty four seven and for two to three weeks",
    "is it at outlook or at yahoo?",
    "I called twice in the last 24 hours, for 30 minutes",
    "<CARD_1> and <DIGITS_2> and <SECRET_1>",
    "",
    "   ",
    "²³¹ ½",
]


@pytest.mark.parametrize(("said", "kept"), GOES)
def test_what_must_not_be_kept_goes(said: str, kept: str) -> None:
    assert redact(said).text == kept


@pytest.mark.parametrize("said", STAYS)
def test_amounts_dates_times_and_small_talk_stay(said: str) -> None:
    assert redact(said).text == said


def test_while_a_number_is_read_out_short_groups_years_and_times_go_too() -> None:
    for said in ("forty one", "nineteen", "in twenty twenty", "at ten thirty", "yes, one one"):
        assert "<DIGITS_1>" in redact(said, Strictness.EVERY).text


def test_while_a_number_is_read_out_amounts_with_their_unit_stay() -> None:
    for said in ("twenty five dollars", "eleven percent", "I have two phones", "one moment please"):
        assert redact(said, Strictness.EVERY).text == said


def test_without_context_a_text_of_digits_goes_and_a_sentence_is_judged_as_usual() -> None:
    assert redact("forty one", Strictness.MOSTLY_DIGITS).text == "<DIGITS_1>"
    kept = "I have twenty five devices"
    assert redact(kept, Strictness.MOSTLY_DIGITS).text == kept


@settings(max_examples=150, deadline=None)
@given(st.data(), cards())
def test_no_reading_of_a_card_leaves_four_of_its_digits(data: st.DataObject, card: str) -> None:
    said = data.draw(read_aloud(card))
    kept = redact(f"well, it is {said} thank you").text
    assert kept.startswith("well, it is <")
    assert kept.endswith("> thank you")
    assert not any(word in kept.split() for word in UNITS)
    assert sum(char.isdigit() for char in kept.replace("_1", "").replace("_2", "")) == 0


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_redacted_without_error(text: str) -> None:
    redact(text)


PIECES = [
    *UNITS,
    *TENS.values(),
    *TEENS.values(),
    *listed("double triple hundred thousand and at dot @ - , . : / $ % pounds password is pin my"),
    *listed("4111 12"),
    *listed("a b c 2026 iban GB82 com 1111 @example.com <CARD_1> <DIGITS_1> card 39.99 + (555) in"),
]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=40), st.sampled_from(list(Strictness)))
def test_placeholders_of_any_text_survive_a_second_pass(
    pieces: list[str], strictness: Strictness
) -> None:
    said = " ".join(pieces)
    redact(said, strictness)
    once = redact(said).text
    left = iter(re.findall(r"<\w+_\d+>", redact(once).text))
    assert all(placeholder in left for placeholder in re.findall(r"<\w+_\d+>", once))


def test_a_long_hostile_text_takes_no_more_than_linear_time() -> None:
    for piece in (
        "at ",
        "a@",
        "one ",
        "1 ",
        "a b ",
        "4111 ",
        "my password is ",
        "GB82",
        "1.1.",
        "- ",
    ):
        began = time.process_time()
        redact(piece * (20_000 // len(piece)), Strictness.EVERY)
        assert time.process_time() - began < 2.0, piece
