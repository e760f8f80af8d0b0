"""Settings: variables of the environment, one a line; good ones survive being told to a child."""

import callfunnel.infra.settings as decoded
from callfunnel.infra.settings import PlatformSettings
from tests.fuzz.target import Target

_LEAST = {
    "CALLFUNNEL_NATS_URL": "nats://h:1",
    "CALLFUNNEL_POSTGRES_URL": "postgresql://h:1/d",
    "CALLFUNNEL_OBJECTS_URL": "http://h:1",
    "CALLFUNNEL_SECRETS": "local:/s",
    "CALLFUNNEL_ISSUER": "http://i",
    "CALLFUNNEL_PUBLIC_URL": "http://p",
    "CALLFUNNEL_SPOOL_DIR": "/spool",
    "CALLFUNNEL_RUN_DIR": "/run",
    "CALLFUNNEL_PROCESS": "media-1",
}


def check(data: bytes) -> None:
    pairs = data.decode("utf-8", "replace").split("\n")
    given = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
    try:
        settings = PlatformSettings.from_env({**_LEAST, **given})
    except decoded.SettingsError as refused:
        assert "CALLFUNNEL_" in str(refused)
        return
    assert PlatformSettings.from_env(settings.to_env()) == settings
    assert 0 <= settings.http_port <= 65535
    assert settings.media_slots > 0


TARGET = Target(
    check=check,
    seeds=(
        b"CALLFUNNEL_HTTP_PORT=80\nCALLFUNNEL_MEDIA_RELAY=1\nCALLFUNNEL_MEDIA_SLOTS=5",
        b"CALLFUNNEL_MODEL=openai\nOPENAI_BASE_URL=https://h/v1\nCALLFUNNEL_RULEBOOK_DIR=/r",
    ),
    tokens=tuple(
        f"{name}=" for name in (*_LEAST, "CALLFUNNEL_HTTP_PORT", "CALLFUNNEL_MEDIA_SLOTS")
    ),
    most_bytes=1024,
)
