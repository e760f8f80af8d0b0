"""A mistake in the environment is one line that says what to set, and exit code 2."""

import asyncio

import pytest

from workers.media.__main__ import main
from workers.media.models.line import OpenLine
from workers.media.models.registry import MODELS, ModelNames
from workers.media.settings import MediaSettings

GOOD = {
    "CALLFUNNEL_NATS_URL": "nats://127.0.0.1:4222",
    "CALLFUNNEL_POSTGRES_URL": "postgresql://127.0.0.1:5432/callfunnel",
    "CALLFUNNEL_OBJECTS_URL": "http://127.0.0.1:9000",
    "CALLFUNNEL_SECRETS": "local:/nowhere",
    "CALLFUNNEL_ISSUER": "http://127.0.0.1:8080/realms/callfunnel",
    "CALLFUNNEL_PUBLIC_URL": "http://127.0.0.1:8000",
    "CALLFUNNEL_SPOOL_DIR": "/nowhere/spool",
    "CALLFUNNEL_RUN_DIR": "/nowhere/run",
    "CALLFUNNEL_PROCESS": "media-1",
}


def test_what_is_not_said_has_a_default() -> None:
    settings = MediaSettings.from_env(GOOD)
    assert (settings.platform.drain_s, settings.held_s, settings.host) == (600, 30, "127.0.0.1")
    assert settings.platform.model == "demo"


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"CALLFUNNEL_NATS_URL": ""}, "CALLFUNNEL_NATS_URL is not set"),
        ({"CALLFUNNEL_DRAIN_S": "soon"}, "CALLFUNNEL_DRAIN_S='soon' must be"),
        ({"CALLFUNNEL_MEDIA_HELD_S": "-1"}, "CALLFUNNEL_MEDIA_HELD_S='-1' must be"),
        ({"CALLFUNNEL_MODEL": "openai", "OPENAI_API_KEY": ""}, "needs OPENAI_API_KEY"),
        (
            {
                "CALLFUNNEL_MODEL": "openai",
                "OPENAI_API_KEY": "sk-test",
                "OPENAI_BASE_URL": "nonsense",
            },
            "OPENAI_BASE_URL must look like",
        ),
    ],
)
def test_a_mistake_is_one_line(
    changes: dict[str, str],
    line: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in {**GOOD, **changes}.items():
        monkeypatch.setenv(name, value)
    assert main() == 2
    said = capsys.readouterr().err
    assert line in said
    assert said.count("\n") == 1
    assert "sk-test" not in said


def test_a_models_lines_are_opened_on_the_loop_of_the_calls(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def opened(_: ModelNames) -> OpenLine:
        asyncio.get_running_loop()
        raise ValueError("there is a loop")

    monkeypatch.setitem(MODELS, "demo", opened)  # type: ignore[misc]
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    assert main() == 2
    assert capsys.readouterr().err == "there is a loop\n"
