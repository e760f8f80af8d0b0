"""When the edge hears speech: with spoken words, clicks, noise, and the agent's own echo."""

import random

import pytest

from callfunnel.infra.speech import speak_once
from tests.simulators.sounds import tone
from workers.media.audio.vad import HANGOVER_FRAMES, ONSET_FRAMES, Edge, EdgeVad

QUIET = b"\xff" * 160


@pytest.fixture(scope="module")
def words() -> bytes:
    """A sentence, about two seconds, without the silence around it."""
    ulaw = speak_once("Why did my bill go up so much?").ulaw
    return ulaw.strip(b"\xff\x7f\xfe\x7e\xfd\x7d")


def buzz(ms: int, level: float = 0.3) -> bytes:
    """Something steady and low."""
    return tone(ms, 180, level)


def edges(vad: EdgeVad, ulaw: bytes) -> list[tuple[int, Edge]]:
    found = []
    for n in range(len(ulaw) // 160):
        edge = vad.hear(ulaw[n * 160 : n * 160 + 160])
        if edge is not Edge.NOTHING:
            found.append((n, edge))
    return found


def test_speech_begins_after_the_onset_and_ends_after_the_hangover(words: bytes) -> None:
    vad = EdgeVad()
    edges(vad, QUIET * 50)
    found = edges(vad, words + QUIET * 50)
    assert [edge for _, edge in found] == [Edge.STARTED, Edge.ENDED]
    (began, _), (ended, _) = found
    last = len(words) // 160
    assert ONSET_FRAMES - 1 <= began <= ONSET_FRAMES + 5
    assert abs(ended - last - HANGOVER_FRAMES) <= 4
    assert vad.silent_ms == HANGOVER_FRAMES * 20


def test_silence_and_faint_noise_are_no_speech() -> None:
    noise = random.Random(1)
    faint = bytes(noise.choice((0xFF, 0x7F, 0xFE, 0x7E)) for _ in range(160 * 100))
    assert edges(EdgeVad(), QUIET * 50 + faint) == []


def test_a_click_is_no_speech_and_a_bump_is_over_at_once() -> None:
    vad = EdgeVad()
    edges(vad, QUIET * 50)
    assert edges(vad, buzz(20) + QUIET * 30) == []
    assert edges(vad, buzz(60) + QUIET * 30) == [(1, Edge.STARTED), (3, Edge.ENDED)]
    assert vad.silent_ms == 20


def test_a_loud_caller_is_far_over_the_echo_of_the_agent() -> None:
    vad = EdgeVad()
    for _ in range(20):
        vad.echo.sent(buzz(20, 0.3))
        vad.hear(buzz(20, 0.02))
    echo_margin = vad.echo.margin_db
    vad.echo.sent(buzz(20, 0.3))
    vad.hear(buzz(20, 0.3))
    assert vad.echo.margin_db > 10
    assert vad.echo.margin_db > echo_margin + 15


def test_echo_at_the_lines_loss_has_little_margin() -> None:
    vad = EdgeVad()
    for _ in range(400):
        vad.echo.sent(buzz(20, 0.3))
        vad.hear(buzz(20, 0.04))
    assert vad.echo.margin_db < 6


def test_long_after_the_agent_spoke_its_echo_counts_no_more() -> None:
    vad = EdgeVad()
    vad.echo.sent(buzz(20, 0.5))
    for _ in range(120):
        vad.hear(QUIET)
    assert not vad.echo.agent_talks
    vad.hear(buzz(20, 0.1))
    assert vad.echo.margin_db > 20
