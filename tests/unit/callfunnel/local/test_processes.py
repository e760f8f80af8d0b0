"""The table itself: what each process is told."""

from pathlib import Path

import pytest

from callfunnel.domain.ids import PLATFORM
from callfunnel.infra.sealed import SealedFolder
from callfunnel.infra.settings import PlatformSettings
from callfunnel.local.home import folder as home
from callfunnel.local.home import ports
from callfunnel.local.home.credentials import ensure_credentials
from callfunnel.local.processes import Stack, processes, programs


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    at = home.Home(tmp_path)
    home.prepare(at)
    store = SealedFolder.create(at.secrets)
    ensure_credentials(store)
    return Stack(at, ports.settle(at.root / "ports.json", 0), store)


def test_every_program_is_told_settings_it_can_read(stack: Stack) -> None:
    for process in programs(stack):
        settings = PlatformSettings.from_env(process.env)
        assert settings.process == process.name


def test_no_command_line_holds_a_secret(stack: Stack) -> None:
    secrets = {
        value
        for path in stack.store.paths(PLATFORM)
        for name, value in stack.store.get(PLATFORM, path).items()
        if name not in ("user", "access_key", "client_id")
    }
    assert secrets
    for process in processes(stack):
        assert not [word for word in process.argv for secret in secrets if secret in word]


def test_only_media_workers_are_given_the_models_key(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    holders = {each.name for each in processes(stack) if "OPENAI_API_KEY" in each.env}
    assert holders == {"media-1"}


def test_scaling_adds_processes_by_number(stack: Stack) -> None:
    scaled = Stack(stack.home, stack.ports, stack.store, scale={"media": 3, "offpath": 2})
    names = [process.name for process in programs(scaled)]
    assert [name for name in names if name.startswith("media")] == ["media-1", "media-2", "media-3"]
    assert [name for name in names if name.startswith("offpath")] == ["offpath-1", "offpath-2"]


def test_a_program_may_run_elsewhere(stack: Stack) -> None:
    scaled = Stack(stack.home, stack.ports, stack.store, scale={"media": 0, "offpath": 0})
    assert [process.name for process in programs(scaled)] == ["issuer", "gateway"]
