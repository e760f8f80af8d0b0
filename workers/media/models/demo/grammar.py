"""What can be heard in a state of the script, as a grammar, and what the heard words mean. Pure.

Around a phrase, and instead of one, the grammar allows a run of bare phones: what fits no phrase
ends there. In the transcript such a run is the ellipsis.
"""

import hashlib
import re
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from callfunnel.domain import phrases
from callfunnel.domain.rulebook import DemoScript

PHONES: Final = tuple(
    [
        "AA",
        "AE",
        "AH",
        "AO",
        "AW",
        "AY",
        "B",
        "CH",
        "D",
        "DH",
        "EH",
        "ER",
        "EY",
        "F",
        "G",
        "HH",
        "IH",
        "IY",
        "JH",
        "K",
        "L",
        "M",
        "N",
        "NG",
        "OW",
        "OY",
        "P",
        "R",
        "S",
        "SH",
        "T",
        "TH",
        "UH",
        "UW",
        "V",
        "W",
        "Y",
        "Z",
        "ZH",
    ]
)
"""The recogniser's phones; each is also a word of its own, `ph_aa`, for speech that fits nothing."""
PHONE_PREFIX: Final = "ph_"
ELLIPSIS: Final = "…"
_NOISE: Final = re.compile(r"<.*>|\[.*\]|\+\+.*\+\+")
_ALWAYS_HEARD: Final = "digits"
"""Numbers read aloud are heard in every state: what is heard can be redacted, a gap cannot."""


class Grammar(Struct, frozen=True):
    """A grammar in JSGF, the dictionary words it needs, and a name that follows from both."""

    name: str
    jsgf: str
    words: tuple[str, ...]


class Understood(Struct, frozen=True):
    """A turn of the caller. `intent` is "" when nothing of it was understood."""

    intent: str
    text: str
    slots: dict[str, str] = {}


class Listener:
    """What one script can hear: a grammar per state, made when first asked for."""

    def __init__(self, script: DemoScript) -> None:
        self._phrases = {
            intent: [phrases.parse(text) for text in texts]
            for intent, texts in script.intents.items()
        }
        self._heard = {
            name: list(dict.fromkeys([*state.on, *script.always]))
            for name, state in script.states.items()
        }

    def grammar(self, state: str) -> Grammar:
        """The grammar of a state."""
        heard = [phrase for intent in self._heard[state] for phrase in self._phrases[intent]]
        heard.append(phrases.Slot(_ALWAYS_HEARD))
        words = sorted({word for phrase in heard for word in phrases.words(phrase)})
        jsgf = _jsgf(heard)
        return Grammar(hashlib.sha256(jsgf.encode()).hexdigest()[:16], jsgf, tuple(words))

    def understand(self, state: str, heard: str) -> Understood:
        """The first intent of the state that the heard words spell, and its slots."""
        text = readable(heard)
        spoken = "".join(f"{word} " for word in text.split() if word != ELLIPSIS)
        for intent in self._heard[state]:
            for phrase in self._phrases[intent]:
                if re.fullmatch(phrases.pattern(phrase), spoken):
                    return Understood(intent, text, _slots(phrase, spoken))
        return Understood("", text)


def readable(heard: str) -> str:
    """The recogniser's words as a transcript: phones and noises become one ellipsis a run."""
    words: list[str] = []
    for word in heard.split():
        if word.startswith(PHONE_PREFIX):
            if not words or words[-1] != ELLIPSIS:
                words.append(ELLIPSIS)
        elif not _NOISE.fullmatch(word):
            words.append(word)
    return " ".join(words)


def _slots(phrase: phrases.Phrase, spoken: str) -> dict[str, str]:
    found = {}
    for name in phrases.slots(phrase):
        match = re.search(phrases.pattern(phrases.Slot(name)), spoken)
        if match and name not in found:
            found[name] = match[0].strip()
    return found


def _jsgf(heard: Iterable[phrases.Phrase]) -> str:
    said = "\n  | ".join(phrases.grammar(phrase) for phrase in heard)
    return (
        "#JSGF V1.0;\ngrammar turn;\n"
        f"{_SLOT_RULES}"
        f"<phone> = {' | '.join(PHONE_PREFIX + phone.lower() for phone in PHONES)};\n"
        f"<said> = {said};\n"
        "public <turn> = [<phone>+] <said> [<phone>+] | <phone>+;\n"
    )


def _slot_rules() -> str:
    return "".join(
        f"<{name}> = {phrases.grammar(phrase)};\n" for name, phrase in phrases.SLOT_PHRASES.items()
    )


_SLOT_RULES: Final = _slot_rules()
