"""Which models there are. A new one: its package, and its line in `MODELS`."""

from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct

from callfunnel.domain.model import Model
from workers.media.models.line import OpenLine


class ModelNames(Struct, frozen=True, kw_only=True):
    """Where a bought model is and what it is called."""

    base_url: str = ""
    key: str = ""
    model: str = ""
    transcription: str = ""


def _demo(_: ModelNames) -> OpenLine:
    from workers.media.models.demo import demo_lines

    return demo_lines()


def _openai(names: ModelNames) -> OpenLine:
    from workers.media.models.openai.line import openai_lines

    return openai_lines(names.base_url, names.key, names.model, names.transcription)


MODELS: Final[Mapping[str, Callable[[ModelNames], OpenLine]]] = {
    Model.DEMO: _demo,
    Model.OPENAI: _openai,
}
