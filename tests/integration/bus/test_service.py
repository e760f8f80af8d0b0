"""The host of features as a process: ready, probed, told to stop, without the bus."""

import asyncio
import json
import os
import signal
import sys
import urllib.request
from pathlib import Path

import pytest

from callfunnel.infra.settings import PlatformSettings
from tests.simulators.waiting import until

ROOT = Path(__file__).parents[3]
FEATURE = """
import asyncio
from callfunnel.infra.context import Context

class Part:
    def __init__(self, folder) -> None:
        self.folder = folder

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        (self.folder / "stopped").write_text("yes")

class Counting:
    name = "counting"

    def __init__(self, context: Context) -> None:
        self.context = context

    async def start(self) -> None:
        await self.context.bus("billing")
        await self.context.run(Part(self.context.settings.run_dir))

FEATURES = {"counting": Counting}
"""


@pytest.fixture
def deployable(tmp_path: Path) -> Path:
    package = tmp_path / "deployables" / "some_deployable"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "service.py").write_text(FEATURE)
    return package.parent


async def started(
    platform: PlatformSettings, deployable: Path, run_dir: Path, *arguments: str
) -> asyncio.subprocess.Process:
    await asyncio.to_thread(run_dir.mkdir, exist_ok=True)
    path = os.pathsep.join((str(ROOT), str(deployable)))
    env = {**os.environ, **platform.to_env(), "PYTHONPATH": path}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "callfunnel.infra.service",
        *arguments,
        env=env | {"CALLFUNNEL_RUN_DIR": str(run_dir), "CALLFUNNEL_PROCESS": "offpath"},
        stderr=asyncio.subprocess.PIPE,
    )


def get(url: str) -> tuple[int, bytes]:
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - our own loopback probe
        return answer.status, answer.read()


async def test_a_host_says_it_is_ready_answers_probes_and_stops_when_told(
    platform: PlatformSettings, deployable: Path, tmp_path: Path
) -> None:
    run_dir = tmp_path / "run"
    process = await started(platform, deployable, run_dir, "some_deployable")
    ready = run_dir / "offpath.json"
    await until(ready.exists, "the ready file", 20)
    facts = json.loads(ready.read_text())
    base = f"http://127.0.0.1:{facts['http_port']}"
    assert facts["pid"] == process.pid
    assert facts["features"] == ["counting"]
    status, body = await asyncio.to_thread(get, f"{base}/readyz")
    assert (status, json.loads(body)["checks"]) == (200, {"bus_billing": True, "open": True})
    assert (await asyncio.to_thread(get, f"{base}/healthz"))[0] == 200
    assert b"process_cpu_seconds_total" in (await asyncio.to_thread(get, f"{base}/metrics"))[1]

    process.send_signal(signal.SIGTERM)
    _, errors = await asyncio.wait_for(process.communicate(), 10)

    assert process.returncode == 0
    assert not ready.exists()
    assert (run_dir / "stopped").exists()
    lines = [json.loads(line) for line in errors.decode().splitlines()]
    assert [line["message"] for line in lines] == ["ready"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("some_deployable", "--only", "nonsense"), "no feature named nonsense"),
        ((), "no deployable named"),
    ],
)
async def test_a_mistake_is_one_line_and_exit_code_2(
    platform: PlatformSettings,
    deployable: Path,
    tmp_path: Path,
    arguments: tuple[str, ...],
    said: str,
) -> None:
    process = await started(platform, deployable, tmp_path / "run", *arguments)
    _, errors = await asyncio.wait_for(process.communicate(), 10)

    assert process.returncode == 2
    assert said in errors.decode()
    assert len(errors.decode().splitlines()) == 1
