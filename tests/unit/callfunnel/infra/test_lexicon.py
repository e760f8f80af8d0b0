"""The dictionary of sounds: what the offline recogniser can hear; the demo asks for no more."""

from pathlib import Path

from ruamel.yaml import YAML

import callfunnel.local.demo
from callfunnel.domain import phrases
from callfunnel.infra.lexicon import pronunciations, unknown


def test_a_word_comes_with_all_the_ways_to_say_it() -> None:
    assert pronunciations(["router", "why"])["router"] == ["R UW T ER", "R AW T ER"]


def test_words_without_a_sound_are_named() -> None:
    assert unknown(["bill", "xyzzyq", "25"]) == {"xyzzyq", "25"}
    assert unknown([]) == set()


def test_every_word_of_every_slot_and_of_the_demo_can_be_heard() -> None:
    path = Path(callfunnel.local.demo.__file__).parent / "home-internet.yaml"
    intents = YAML(typ="safe").load(path.read_text())["demo"]["intents"]
    spoken = [phrases.parse(text) for texts in intents.values() for text in texts]
    spoken += phrases.SLOT_PHRASES.values()
    assert unknown(word for phrase in spoken for word in phrases.words(phrase)) == set()
