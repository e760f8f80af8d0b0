"""The life of a process around a program that only remembers what it was asked, without a bus."""

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from callfunnel.domain.errors import UserError
from callfunnel.infra.context import Context
from callfunnel.infra.drain import Drain
from callfunnel.infra.host import Facts, Host
from callfunnel.infra.sealed import SealedFolder
from callfunnel.infra.settings import PlatformSettings
from callfunnel.local.supervision.probes import status_of


class Remembering:
    def __init__(self, asked: list[str], run_file: Path) -> None:
        self.asked = asked
        self._run_file = run_file

    def checks(self) -> dict[str, bool | str]:
        return {"lease": True}

    async def serve(self) -> Facts:
        self.asked.append("serve")
        return {"media_url": "ws://here"}

    async def refuse(self) -> Facts:
        self.asked.append("refuse")
        return {"draining": 7}

    async def leave(self, drain: Drain) -> None:
        told = json.loads(self._run_file.read_text())
        self.asked.append(f"leave, draining {told['draining']} at {told['media_url']}")
        await drain.wait(asyncio.Event().wait(), 60)


class Part:
    def __init__(self, asked: list[str], name: str) -> None:
        self._asked = asked
        self._name = name

    async def start(self) -> None:
        self._asked.append(f"start {self._name}")

    async def stop(self) -> None:
        self._asked.append(f"stop {self._name}")


@pytest.fixture
def settings(tmp_path: Path) -> PlatformSettings:
    SealedFolder.create(tmp_path / "secrets")
    return PlatformSettings(
        nats_url="nats://127.0.0.1:1",
        postgres_url="postgresql://127.0.0.1:1/callfunnel",
        objects_url="http://127.0.0.1:1",
        secrets=f"local:{tmp_path / 'secrets'}",
        issuer="http://127.0.0.1:1/realms/callfunnel",
        public_url="http://127.0.0.1:1",
        spool_dir=tmp_path / "spool",
        run_dir=tmp_path,
        process="media-1",
    )


async def test_everything_of_a_process_comes_in_its_order(settings: PlatformSettings) -> None:
    asked: list[str] = []
    run_file = settings.run_dir / "media-1.json"

    async def opens(context: Context, opened: AsyncExitStack) -> Remembering:
        opened.callback(asked.append, "close what was opened")
        await context.run(Part(asked, "the first"), Part(asked, "the second"))
        return Remembering(asked, run_file)

    host = Host(settings, opens)
    await host.start()
    own = f"http://127.0.0.1:{host.health_port}/readyz"
    assert await asyncio.to_thread(status_of, own) == 200
    leaving = asyncio.create_task(host.stop())
    await asyncio.sleep(0)
    assert await asyncio.to_thread(status_of, own) == 503
    host.hurry()
    await leaving
    assert asked == [
        "start the first",
        "start the second",
        "serve",
        "refuse",
        "leave, draining 7 at ws://here",
        "close what was opened",
        "stop the second",
        "stop the first",
    ]
    assert not run_file.exists()


async def test_what_was_opened_before_a_start_failed_is_closed(settings: PlatformSettings) -> None:
    asked: list[str] = []

    async def opens(context: Context, opened: AsyncExitStack) -> Remembering:
        opened.callback(asked.append, "close what was opened")
        await context.run(Part(asked, "the first"))
        raise UserError("the media port is taken")

    with pytest.raises(UserError):
        await Host(settings, opens).run()
    assert asked == ["start the first", "close what was opened", "stop the first"]
