"""What only the media worker is told from outside, beside the platform's settings."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from callfunnel.infra.settings import PlatformSettings

_DRAIN: Final = "CALLFUNNEL_MEDIA_DRAIN_S"
_HOST: Final = "CALLFUNNEL_MEDIA_HOST"
_HELD: Final = "CALLFUNNEL_MEDIA_HELD_S"
_MODEL: Final = "CALLFUNNEL_OPENAI_MODEL"
_TRANSCRIPTION: Final = "CALLFUNNEL_OPENAI_TRANSCRIPTION"


class MediaSettings(Struct, frozen=True, kw_only=True):
    """`from_env` raises ValueError, one line per problem.

    `drain_s`: how long live calls may go on after SIGTERM. `held_s`: how long a reservation waits
    for its socket. `host`: the address of the media socket. `openai_model`,
    `openai_transcription`: names of the bought models.
    """

    platform: PlatformSettings
    drain_s: int = 600
    held_s: int = 30
    host: str = "127.0.0.1"
    openai_model: str = "gpt-realtime-2.1"
    openai_transcription: str = "gpt-transcribe"

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "MediaSettings":
        """Decodes the environment."""
        platform = PlatformSettings.from_env(env)
        if platform.model == "openai" and not platform.openai_api_key:
            raise ValueError("CALLFUNNEL_MODEL=openai needs OPENAI_API_KEY")
        return cls(
            platform=platform,
            drain_s=_seconds(env, _DRAIN, 600),
            held_s=_seconds(env, _HELD, 30),
            host=env.get(_HOST) or "127.0.0.1",
            openai_model=env.get(_MODEL) or "gpt-realtime-2.1",
            openai_transcription=env.get(_TRANSCRIPTION) or "gpt-transcribe",
        )


def _seconds(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name) or str(default)
    if not (text.isascii() and text.isdecimal()):
        raise ValueError(f"{name}={text!r} must be a whole number of seconds")
    return int(text)
