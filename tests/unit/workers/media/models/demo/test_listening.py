"""Where a caller's turn begins and ends: lasting voice at once, a cough never, words decide."""

import math
import random

import pytest

from callfunnel.domain.rulebook import Endpointing
from callfunnel.infra.narrowband import to_ulaw
from workers.media.models.demo.listening import FRAME_MS, LASTING_FRAMES, Heard, Listening

np = pytest.importorskip("numpy")
SILENCE = b"\xff" * 160


def voice(frames: int) -> list[bytes]:
    """Something that any voice detection takes for a vowel."""
    chance = random.Random(1)
    samples = [
        sum(6000 / k * math.sin(2 * math.pi * 140 * k * n / 8000) for k in range(1, 12))
        + chance.uniform(-200, 200)
        for n in range(frames * 160)
    ]
    ulaw = to_ulaw(np.array(samples).clip(-32000, 32000).astype(np.int16))
    return [ulaw[at : at + 160] for at in range(0, len(ulaw), 160)]


@pytest.fixture
def listening() -> Listening:
    return Listening(Endpointing(min_ms=400, unfinished_ms=1000))


def hear(listening: Listening, frames: list[bytes]) -> list[Heard]:
    return [each for frame in frames if (each := listening.hear(frame)) is not Heard.NOTHING]


def silence_until_over(listening: Listening) -> int:
    """Milliseconds of silence from the guess until the turn is over."""
    for n in range(200):
        if listening.over():
            return n * FRAME_MS
        listening.hear(SILENCE)
    raise AssertionError("the turn is never over")


def test_lasting_voice_is_told_before_it_ends(listening: Listening) -> None:
    assert hear(listening, voice(LASTING_FRAMES + 4)) == [Heard.SPEECH]


def test_a_short_sound_is_guessed_at_but_not_told(listening: Listening) -> None:
    assert hear(listening, voice(5) + [SILENCE] * 12) == [Heard.GUESS]
    assert not listening.lasting


def test_the_turn_is_over_after_the_wait_that_its_words_ask_for(listening: Listening) -> None:
    hear(listening, voice(30) + [SILENCE] * 12)
    assert listening.guessed("yes please", listening.version)
    short = silence_until_over(listening)
    listening.finish()
    hear(listening, voice(30) + [SILENCE] * 12)
    assert listening.guessed("four one one", listening.version)
    assert silence_until_over(listening) >= short + 500


def test_no_words_no_end(listening: Listening) -> None:
    hear(listening, voice(30) + [SILENCE] * 100)
    assert not listening.over()


def test_a_guess_is_forgotten_when_the_caller_goes_on(listening: Listening) -> None:
    hear(listening, voice(30) + [SILENCE] * 12)
    early = listening.version
    hear(listening, voice(20))
    assert not listening.guessed("i want", early)
    hear(listening, [SILENCE] * 12)
    assert listening.guessed("i want to cancel", listening.version)
    assert len(listening.turn()) >= 70 * 160


def test_a_caller_who_never_pauses_is_answered_in_the_end(listening: Listening) -> None:
    assert Heard.GUESS in hear(listening, voice(1600))
