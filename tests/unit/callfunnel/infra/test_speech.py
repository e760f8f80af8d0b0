"""Speech comes from a program beside us: it may die or hang, never a call."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callfunnel.infra.speech import (
    TEXT_LIMIT,
    SpeechFailed,
    Synthesizer,
    speak_once,
    speakable,
    word_ends,
)

SENTENCE = "Your bill went up by 12 dollars - that is all."


@pytest.fixture
async def voice() -> AsyncIterator[Synthesizer]:
    synthesizer = Synthesizer()
    yield synthesizer
    await synthesizer.close()


def program_of(voice: Synthesizer) -> int:
    process = voice._program._process
    assert process is not None
    return process.pid


async def test_a_sentence_has_one_end_for_each_of_its_words(voice: Synthesizer) -> None:
    speech = await voice.synthesize(SENTENCE)
    assert len(speech.word_ends) == len(SENTENCE.split())
    assert list(speech.word_ends) == sorted(speech.word_ends)
    assert speech.word_ends[-1] == speech.samples > 8000


async def test_a_killed_program_costs_no_sentence(voice: Synthesizer) -> None:
    await voice.synthesize("Hello.")
    os.kill(program_of(voice), signal.SIGKILL)
    assert (await voice.synthesize("Hello again.")).samples > 0


async def test_a_sentence_given_up_halfway_does_not_answer_the_next_one(voice: Synthesizer) -> None:
    first = asyncio.ensure_future(voice.synthesize("A long sentence that nobody waits for."))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert (await voice.synthesize("Two words")).text == "Two words"


async def test_an_unknown_voice_is_said_and_the_program_lives_on(voice: Synthesizer) -> None:
    with pytest.raises(SpeechFailed, match="no voice"):
        await voice.synthesize("Hello.", voice="no-such-voice")
    assert (await voice.synthesize("Hello.")).samples > 0


async def test_a_program_that_never_answers_fails_within_its_deadline() -> None:
    deaf = Synthesizer([sys.executable, "-c", "import sys; sys.stdin.read()"], deadline_s=0.2)
    with pytest.raises(SpeechFailed, match="twice"):
        await deaf.synthesize("Hello.")
    await deaf.close()


async def test_a_repeated_sentence_is_not_spoken_twice(voice: Synthesizer) -> None:
    assert await voice.synthesize(SENTENCE) is await voice.synthesize(SENTENCE)


def test_a_command_speaks_without_an_event_loop() -> None:
    assert speak_once("Hello.", voice="en", rate=180).samples > 0


def test_text_is_bounded_and_free_of_control_characters() -> None:
    assert speakable("a\x00b\n c" + "x" * 5000) == ("a b c" + "x" * 5000)[:TEXT_LIMIT]


@given(
    st.text(alphabet="ab -1", max_size=30),
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 9000)), max_size=12),
    st.integers(0, 9000),
)
def test_word_ends_are_ordered_and_inside_the_audio_whatever_the_program_says(
    text: str, starts: list[tuple[int, int]], samples: int
) -> None:
    ends = word_ends(text, sorted(starts), samples)
    assert len(ends) == len(text.split())
    assert list(ends) == sorted(ends)
    assert all(0 <= end <= samples for end in ends)
