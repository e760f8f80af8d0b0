"""A provider's usage record as meters. Cached tokens are inside the input tokens: taken out."""

import hashlib
from collections.abc import Iterator

from callfunnel.domain.errors import InvalidToken
from callfunnel.domain.ids import token
from workers.media.models.openai.wire import Cached, Details, Usage

Line = tuple[str, int, str]
"""Meter, quantity, unit."""


def of_response(usage: Usage) -> list[Line]:
    """The meters of a reply, those with something in them."""
    counts = [*_inputs(usage.input_token_details or Details())]
    out = usage.output_token_details or Details(text_tokens=usage.output_tokens)
    counts.append(("tokens.text.out", out.text_tokens or 0))
    counts.append(("tokens.audio.out", out.audio_tokens or 0))
    return [(meter, count, "tokens") for meter, count in counts if count > 0]


def of_transcription(usage: Usage) -> list[Line]:
    """The meters of one transcribed turn: by time or by tokens, as the model is billed."""
    if usage.type == "duration":
        return [("transcription.ms", round(usage.seconds * 1000), "ms")]
    counts = [(f"transcription.{meter}", count) for meter, count, _ in of_response(usage)]
    return [(meter, count, "tokens") for meter, count in counts]


def record_of(provider_id: str) -> str:
    """What a record is filed under: the provider's own id, or a digest of one that is no plain id.

    It becomes part of an event's id, which travels in a header and is a key in the database.
    """
    try:
        return token(provider_id)
    except InvalidToken:
        return hashlib.sha256(provider_id.encode(errors="replace")).hexdigest()[:32]


def _inputs(details: Details) -> Iterator[tuple[str, int]]:
    cached = details.cached_tokens_details or Cached()
    yield "tokens.text.in", max(0, (details.text_tokens or 0) - cached.text_tokens)
    yield "tokens.audio.in", max(0, (details.audio_tokens or 0) - cached.audio_tokens)
    yield "tokens.text.in_cached", cached.text_tokens
    yield "tokens.audio.in_cached", cached.audio_tokens
