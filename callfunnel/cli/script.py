"""What a caller on the command line says: files, sentences, pauses and keys, in the given order.

FILE.wav    a sound file            say:TEXT   a sentence, spoken by a synthesiser
3s, 500ms   a pause                 key:12#    keys pressed
over:FILE.wav, over:say:TEXT        the same, talking over the agent
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from callfunnel.carrier.caller import Press, Speak, Turn, Wait
from callfunnel.domain.errors import UserError

_PAUSE = re.compile(r"(\d{1,6})(ms|s)", re.ASCII)
_KEYS = re.compile(r"[0-9A-D*#]{1,32}", re.ASCII)


def turns(items: Sequence[str], said: Sequence[str]) -> list[Turn]:
    """The caller's turns; `said` are sentences that come after the items. Raises UserError."""
    if not items and not said:
        raise UserError("there is nothing to say", "name a WAV file, or use --say TEXT")
    return [*(_turn(item) for item in items), *(Speak(_spoken(text)) for text in said)]


def _turn(item: str) -> Turn:
    if pause := _PAUSE.fullmatch(item):
        return Wait(int(pause[1]) * (1_000 if pause[2] == "s" else 1))
    if item.startswith("key:"):
        keys = item.removeprefix("key:").upper()
        if not _KEYS.fullmatch(keys):
            raise UserError(f"{item} names no keys", "use 0-9, *, # and A-D, for example key:42#")
        return Press(keys)
    over = item.startswith("over:")
    return Speak(_sound(item.removeprefix("over:")), over=over)


def _sound(item: str) -> bytes:
    from callfunnel.cli import sound

    if item.startswith("say:"):
        return _spoken(item.removeprefix("say:"))
    return sound.read(Path(item))


def _spoken(text: str) -> bytes:
    from callfunnel.infra.speech import SpeechFailed, speak_once

    if not text.strip():
        raise UserError("an empty sentence cannot be said", "give it some words")
    try:
        return speak_once(text).ulaw
    except SpeechFailed as problem:
        raise UserError(f"{text[:40]!r} cannot be spoken ({problem})", "use a WAV file") from None
