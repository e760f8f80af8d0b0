"""What heard words mean: the phrase they fit best, also when some were misheard, or nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callfunnel.domain.rulebook import DemoScript, DemoState
from workers.media.models.demo.listener import Listener, Understood, vocabulary
from workers.media.models.demo.sounds import Sounds, likeness

SCRIPT = DemoScript(
    start="main",
    intents={
        "bill": ["why is my [last] bill so (high | expensive)", "about my bill"],
        "cancel": ["i (want | would like) to cancel [my contract]"],
        "when": ["[on] <day> [at] <time>", "<day>"],
        "card": ["[my card number is] <digits>"],
        "yes": ["(yes | yeah) [please]"],
    },
    states={"main": DemoState(on={"bill": [], "cancel": [], "when": []}), "ask": DemoState(on={})},
    always={"card": [], "yes": []},
)
SOUNDS = Sounds({"high": ["HH AY"], "hi": ["HH AY"], "so": ["S OW"], "go": ["G OW"], "bill": []})


@pytest.fixture
def listener() -> Listener:
    return Listener(SCRIPT, SOUNDS)


def intent(listener: Listener, words: str, state: str = "main") -> str:
    return listener.understand(state, words).intent


def test_a_phrase_said_as_written_is_certain(listener: Listener) -> None:
    understood = listener.understand("main", "why is my bill so high")
    assert (understood.intent, understood.confidence) == ("bill", 100)


def test_words_around_a_phrase_do_not_hide_it(listener: Listener) -> None:
    assert intent(listener, "well hello i want to cancel my contract right now") == "cancel"


def test_a_word_that_sounds_like_the_right_one_counts_as_most_of_it(listener: Listener) -> None:
    assert intent(listener, "why is my bill go hi") == "bill"


def test_words_that_all_intents_use_mean_nothing_alone(listener: Listener) -> None:
    assert intent(listener, "is my i to my") == ""


def test_a_state_hears_only_its_own_intents_and_those_heard_always(listener: Listener) -> None:
    assert intent(listener, "i want to cancel", "ask") == ""
    assert intent(listener, "yes please", "ask") == "yes"


def test_days_and_times_are_known_by_their_values(listener: Listener) -> None:
    understood = listener.understand("main", "on next monday at three thirty")
    assert understood.slots == {"day": "next monday", "time": "three thirty"}


def test_no_words_are_unclear_and_not_heard(listener: Listener) -> None:
    assert listener.understand("main", "<sil> [NOISE]") == Understood(
        "", "(unclear)", 0, heard=False
    )


def test_what_may_be_said_is_learnt_the_same_every_time(listener: Listener) -> None:
    corpus = listener.corpus("main")
    assert corpus == Listener(SCRIPT, SOUNDS).corpus("main")
    assert corpus.name != listener.corpus("ask").name
    assert set(corpus.words) <= vocabulary(SCRIPT)
    assert any(len(sentence.split()) > 9 for sentence in corpus.sentences)


@given(st.lists(st.sampled_from(sorted(vocabulary(SCRIPT))), max_size=60))
def test_any_words_are_understood_or_not_without_an_error(words: list[str]) -> None:
    understood = Listener(SCRIPT, SOUNDS).understand("main", " ".join(words))
    assert 0 <= understood.confidence <= 100
    assert understood.intent in {"", *SCRIPT.intents}


@given(*(st.lists(st.sampled_from("AB"), max_size=5).map(tuple) for _ in range(2)))
def test_likeness_is_mutual_and_whole_only_for_the_same_phones(
    one: tuple[str, ...], other: tuple[str, ...]
) -> None:
    assert likeness(one, other) == likeness(other, one)
    assert 0 <= likeness(one, other) <= 1
    assert (likeness(one, other) == 1) == (one == other and one != ())
