"""A glance never overlooks: what it spares is a search that would have found nothing."""

from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st

from callfunnel.domain.redaction import redactor, runs
from callfunnel.domain.redaction.glance import EVERYTHING
from callfunnel.domain.redaction.runs import Strictness, digits_of
from callfunnel.domain.redaction.spelled import ALPHABET
from callfunnel.domain.redaction.tokens import NUMBER_WORDS, REPEATS


def phrases(text: str) -> list[str]:
    return text.split("|")


TELLING = phrases(
    "my card is|4111 1111 1111 1111|at|@|dot|point|.|com|gmail|g mail|example|jane|smith's|"
    "password|pass code|is|was|:|=|pin|number|digits|on|the|back|front|of|it|security|answer|sort|"
    "code|verification|access|api|key|wi-fi|maiden name|otp|cvv|csc|memorable word|secret|one time|"
    "gb82|west|1234 5698 7654 32|GB82WEST12345698765432|AB123456C|ab 12 34 56 c|123-45-6789|social|"
    "+44 20 7946 0958|$39.99|12.5 %|2026|march 3, 2026|31/12/2026|10:30|ten thirty|call|me|please|"
    "PAßWORD|paſſword|ſecret|PİN|pın|\u212aey|٣٤٥٦|４１１１|one’s|don't|naïve|—|…|\n|<CARD_1>"
)
words = st.sampled_from(
    [*TELLING, *sorted(NUMBER_WORDS), *sorted(REPEATS), *sorted(ALPHABET), *"abcdefgxyz0123456789"]
)
spoken = st.lists(words, max_size=24).map(" ".join)
glued = st.lists(words, max_size=12).map("".join)
SECRETS = phrases(
    "password|pass code|security answer|secret|memorable place|maiden name|api key|wi-fi key|pin|"
    "verification code|sort number|door code|one time code|otp|cvv|cvv2|cvc|csc|"
    "digits on the back|numbers at the front of it|access number|activation code"
)
HOSTS = phrases(
    "jane at gmail|jim at example dot com|bo at sign x.org|al at proton mail|x@ y dot de"
)
told = st.tuples(
    st.sampled_from(SECRETS),
    st.sampled_from((" is ", ": ", " ", " was ")),
    st.sampled_from(("rosebud", "4 1 2", "four one two", "12b", "one-two")),
).map("".join)
cased = st.one_of(
    told,
    st.sampled_from(HOSTS),
    spoken,
    spoken.map(str.upper),
    spoken.map(str.title),
    glued,
    st.text(),
)


@given(cased, st.sampled_from(Strictness))
@settings(max_examples=600)
def test_a_glance_spares_only_what_would_find_nothing(text: str, strictness: Strictness) -> None:
    quick = redactor.redact(text, strictness)
    with mock.patch.object(redactor, "glance", return_value=EVERYTHING):
        assert quick == redactor.redact(text, strictness)


@given(cased)
@settings(max_examples=300)
def test_digits_are_read_out_of_a_text_whatever_a_glance_says(text: str) -> None:
    quick = digits_of(text)
    with mock.patch.object(runs, "glance", return_value=EVERYTHING):
        assert quick == digits_of(text)
