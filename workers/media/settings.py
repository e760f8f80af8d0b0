"""What only the media worker is told from outside, beside the platform's settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from callfunnel.domain.model import Model
from callfunnel.infra.settings import PlatformSettings, SettingsError, named, read_from


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaSettings:
    """`from_env` raises SettingsError with one line per problem, each saying what to set."""

    platform: PlatformSettings
    held_s: int = field(
        default=30,
        metadata=named(
            "CALLFUNNEL_MEDIA_HELD_S", "seconds that a reservation waits for its socket"
        ),
    )
    host: str = field(
        default="127.0.0.1",
        metadata=named("CALLFUNNEL_MEDIA_HOST", "address of the media socket"),
    )
    url: str = field(
        default="",
        metadata=named(
            "CALLFUNNEL_MEDIA_URL", "where a relay reaches that socket; default ws://<host>:<port>"
        ),
    )
    openai_model: str = field(
        default="gpt-realtime-2.1",
        metadata=named("CALLFUNNEL_OPENAI_MODEL", "name of the bought model"),
    )
    openai_transcription: str = field(
        default="gpt-transcribe",
        metadata=named("CALLFUNNEL_OPENAI_TRANSCRIPTION", "name of its transcription model"),
    )

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> MediaSettings:
        platform = PlatformSettings.from_env(env)
        values, problems = read_from(env, cls)
        if platform.model == Model.OPENAI and not platform.openai_api_key:
            problems.append(f"CALLFUNNEL_MODEL={platform.model} needs {Model.OPENAI.key_variable}")
        if problems:
            raise SettingsError("; ".join(problems))
        return cls(platform=platform, **values)
