"""What the agent said, and how much of it was heard: one utterance per reply of a generation.

Text belongs to items; where their audio lies, and how far it was heard, `playback` knows.
"""

from typing import Final

from msgspec import Struct

KEPT_TEXTS: Final = 64
"""Texts may come before the audio of their item, or for audio that never comes: keep few."""


class ItemText(Struct, frozen=True):
    """The text of one item; `word_ends` as in `ReplyText`."""

    text: str = ""
    word_ends: tuple[int, ...] = ()


class Utterance:
    """One reply or sentence as the caller hears it. `complete`: nothing of it is still to come."""

    __slots__ = ("complete", "items", "response", "sentence", "start_ms", "turn")

    def __init__(self, response: str, turn: int, sentence: bool) -> None:
        self.response = response
        self.turn = turn
        self.sentence = sentence
        self.items: tuple[str, ...] = ()
        self.start_ms = 0
        self.complete = False


class Speech:
    """The utterances that are not over yet, oldest first, and the texts of items."""

    def __init__(self) -> None:
        self.utterances: list[Utterance] = []
        self._texts: dict[str, ItemText] = {}

    def begin(self, response: str, turn: int, sentence: str = "") -> None:
        """A reply begins; a `sentence` is known word for word."""
        self.utterances.append(Utterance(response, turn, bool(sentence)))
        if sentence:
            self.text(response, ItemText(sentence))

    def find(self, response: str) -> Utterance | None:
        """The utterance of this reply, if it is not over."""
        return next((u for u in self.utterances if u.response == response), None)

    def text(self, item: str, known: ItemText) -> None:
        """All text known of an item."""
        self._texts.pop(item, None)
        self._texts[item] = known
        if len(self._texts) > KEPT_TEXTS:
            del self._texts[next(iter(self._texts))]

    def known(self, item: str) -> ItemText:
        """The text of an item; empty if none came."""
        return self._texts.get(item, ItemText())

    def complete(self, response: str) -> None:
        """No more will come of this reply. Without audio it never was an utterance."""
        utterance = self.find(response)
        if utterance is not None:
            utterance.complete = True
            if not utterance.items:
                self.utterances.remove(utterance)

    def clear(self) -> None:
        """The generation is over."""
        self.utterances.clear()


def heard_text(known: ItemText, heard: int, queued: int) -> str:
    """The part of an item's text that lies in its first `heard` samples of `queued`.

    Exact with word ends; otherwise in proportion, and back to the last whole word.
    """
    if heard <= 0 or queued <= 0:
        return ""
    words = known.text.split()
    if known.word_ends and len(known.word_ends) == len(words):
        return " ".join(words[: sum(1 for end in known.word_ends if end <= heard)])
    if heard >= queued:
        return known.text.strip()
    return whole_words(known.text, len(known.text) * heard // queued)


def whole_words(text: str, length: int) -> str:
    """The first `length` characters of `text`, without a word that was cut."""
    if length >= len(text) or text[length].isspace():
        return text[:length].strip()
    head = text[:length]
    return head[: max((i for i, c in enumerate(head) if c.isspace()), default=0)].strip()


def covers(text: str, sentences: tuple[str, ...], heard: int, queued: int) -> bool:
    """Does the position `heard` of `queued` lie inside one of `sentences` within `text`?"""
    if queued <= 0:
        return False
    at = len(text) * heard / queued
    starts = ((text.find(sentence), len(sentence)) for sentence in sentences)
    return any(start >= 0 and start <= at < start + length for start, length in starts)
