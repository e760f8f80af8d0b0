"""The load says what it means: stamps survive the audio, and every fourth answer is interrupted."""

import base64

from bench.media.dialogue import BARGE_AFTER, Dialogue, Happens
from bench.media.stamps import SAMPLES, now_us, read, since_us, stamp
from workers.media.audio.g711 import to_linear
from workers.media.audio.vad import EdgeVad


def test_a_stamp_is_read_back_from_the_base64_of_its_frame() -> None:
    at = now_us()
    frame = stamp(at, 54_321) + b"\x10" * (160 - SAMPLES)
    assert read(base64.b64encode(frame)) == (at, 54_321)


def test_a_stamp_is_silence() -> None:
    frame = stamp(0xDEADBEEF, 0xBEEF) + b"\xff" * (160 - SAMPLES)
    assert not any(to_linear(frame))
    vad = EdgeVad()
    for _ in range(50):
        vad.hear(frame)
    assert not vad.speaking


def test_the_clock_may_turn_over() -> None:
    assert since_us((1 << 32) - 10, 5) == 15
    assert since_us(5, (1 << 32) - 10) == -15


def test_a_dialogue_takes_turns_and_interrupts_every_fourth_answer() -> None:
    dialogue, left, heard = Dialogue(1), 0, 50
    turns = interruptions = talked = 0
    for _ in range(50 * 600):
        speaking = dialogue.speaking
        happens = dialogue.step(heard, left > 0)
        if dialogue.speaking and not speaking:
            turns += 1
            interruptions += left > 0
        if happens is Happens.NOTICED:
            left = heard = 0
        if happens is Happens.OVER:
            left = 210
        if left:
            left, heard, talked = left - 1, heard + 1, talked + 1
    assert turns > 60
    assert abs(turns / interruptions - 4) < 0.5
    assert 0.35 < talked / (50 * 600) < 0.6
    assert BARGE_AFTER < 210
