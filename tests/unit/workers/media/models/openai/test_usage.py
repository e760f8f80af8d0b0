"""Cached tokens are inside the input tokens: they are taken out, never added."""

from workers.media.models.openai.usage import of_response, of_transcription
from workers.media.models.openai.wire import Cached, Details, Usage


def test_input_is_split_by_kind_and_cache() -> None:
    inputs = Details(100, 50, Cached(text_tokens=80, audio_tokens=10))
    usage = Usage(input_token_details=inputs, output_token_details=Details(5, 25))
    assert {meter: count for meter, count, _ in of_response(usage)} == {
        "tokens.text.in": 20,
        "tokens.audio.in": 40,
        "tokens.text.in_cached": 80,
        "tokens.audio.in_cached": 10,
        "tokens.text.out": 5,
        "tokens.audio.out": 25,
    }


def test_a_provider_that_says_little_or_nonsense_yields_no_negative_meter() -> None:
    assert of_response(Usage()) == []
    odd = Usage(input_token_details=Details(None, None, Cached(5, 5)), output_tokens=7)
    assert {meter: count for meter, count, _ in of_response(odd)} == {
        "tokens.text.in_cached": 5,
        "tokens.audio.in_cached": 5,
        "tokens.text.out": 7,
    }


def test_transcription_is_metered_as_it_is_billed() -> None:
    assert of_transcription(Usage(type="duration", seconds=1.2346)) == [
        ("transcription.ms", 1235, "ms")
    ]
    tokens = Usage(input_token_details=Details(3, 9), output_tokens=4)
    assert {meter: count for meter, count, _ in of_transcription(tokens)} == {
        "transcription.tokens.text.in": 3,
        "transcription.tokens.audio.in": 9,
        "transcription.tokens.text.out": 4,
    }
