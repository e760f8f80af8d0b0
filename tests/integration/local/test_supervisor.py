"""`up` as a user runs it: real processes, real signals, nothing left behind.

Media workers and the off-path host are scaled to none here; the whole product has its own tests.
"""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from callfunnel.local.home.folder import is_running
from callfunnel.local.orders import down
from callfunnel.local.private_stack import PrivateStack
from callfunnel.local.supervision import probes
from callfunnel.local.supervision.spawn import LOG_LIMIT
from tests.integration.local.up import COMMAND, LIMIT_S, SOURCE, Up
from tests.simulators.waiting import eventually

Start = Callable[..., Up]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """One stack that several tests look at and shake."""
    started = Up(tmp_path_factory.mktemp("running"))
    started.wait_ready()
    yield started
    started.end()


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Start]:
    """Starts further ones and ends them after the test."""
    started: list[Up] = []

    def start(*words: str, root: Path = tmp_path, **environment: str) -> Up:
        started.append(Up(root, *words, **environment))
        return started[-1]

    yield start
    for each in started:
        each.end()


@pytest.fixture(scope="module")
def used_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a home whose services ran once and stopped."""
    root = tmp_path_factory.mktemp("used")
    PrivateStack.start(root / "home").stop()
    return root


def test_a_log_that_grows_long_is_put_aside_and_written_on(running: Up) -> None:
    log = running.home.log("issuer")
    issuer = urlsplit(running.wait_ready()["services"]["issuer"])
    with log.open("ab") as flood:
        flood.write(b"x" * (LOG_LIMIT + 1))
    eventually(lambda: log.stat().st_size < LOG_LIMIT, "a short log")
    assert log.with_suffix(".log.1").stat().st_size > LOG_LIMIT
    with socket.create_connection((issuer.hostname, issuer.port), timeout=5) as nonsense:
        nonsense.sendall(b"nonsense\r\n\r\n")
        assert b"400" in nonsense.recv(100)
    eventually(lambda: log.read_bytes().startswith(b"WARNING"), "it is written on from its start")


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_the_ready_file_holds_what_a_program_needs(running: Up) -> None:
    ready = running.wait_ready()
    assert running.ready.stat().st_mode & 0o777 == 0o600
    assert ready["gateway"].startswith("http://127.0.0.1:")
    assert ready["api_token"].count(".") == 2
    assert ready["carrier"]["account_sid"].startswith("AC")
    assert set(ready["carrier"]) == {"account_sid", "auth_token", "number"}
    assert {"nats", "postgres", "objects", "issuer"} <= set(ready["services"])
    assert {each["name"] for each in ready["processes"]} >= {"gateway", "nats", "postgres"}
    assert all(alive(each["pid"]) for each in ready["processes"])


def test_beside_a_running_one_it_says_so_and_exits_2(running: Up) -> None:
    gateway = running.wait_ready()["gateway"]
    second = subprocess.run(
        [*COMMAND, "--home", str(running.home.root)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
    )
    assert second.returncode == 2
    assert f"already runs in {running.home.root} ({gateway})" in second.stderr
    assert second.stderr.count("\n") == 1


def test_two_homes_run_side_by_side(running: Up, up: Start) -> None:
    first, second = running.wait_ready(), up().wait_ready()
    assert first["gateway"] != second["gateway"]
    assert not set(first["services"].values()) & set(second["services"].values())


@pytest.mark.parametrize("name", ["nats", "postgres", "objects", "issuer", "gateway"])
def test_what_dies_is_started_again(running: Up, name: str) -> None:
    before = running.pids()[name]
    os.kill(before, signal.SIGKILL)
    eventually(lambda: running.pids().get(name, before) != before, f"a new {name}", 15)
    assert alive(running.pids()[name])


def test_a_home_lives_through_stops_and_kills(up: Start) -> None:
    first = up()
    before = first.wait_ready()
    pids, started = first.pids(), time.monotonic()
    os.kill(pids["nats"], signal.SIGKILL)
    eventually(
        lambda: first.pids().get("nats", pids["nats"]) != pids["nats"], "a new nats", LIMIT_S
    )
    pids, started = first.pids(), time.monotonic()
    first.process.send_signal(signal.SIGINT)
    said = first.said()
    assert time.monotonic() - started < 5
    assert "nats was killed by signal 9; starting it again in 0.2 s" in said
    assert said.endswith("CallFunnel has stopped; nothing is left running.\n")
    assert first.process.returncode == 0
    assert not [name for name, pid in pids.items() if alive(pid)]

    second = up()
    after = second.wait_ready()
    for kept in ("gateway", "carrier", "services"):
        assert after[kept] == before[kept]
    pids = second.pids()
    second.process.kill()
    second.process.wait()
    eventually(lambda: not [name for name, pid in pids.items() if alive(pid)], "children gone", 5)

    third = up()
    third.wait_ready()
    assert set(third.pids()) == set(pids)
    assert down(third.home)
    assert third.process.wait(5) == 0
    assert not is_running(third.home)
    assert not down(third.home)


def test_a_port_in_use_is_one_clear_line(up: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = up("--port", str(port))
        said = refused.said()
    assert refused.process.returncode == 2
    assert said == f"callfunnel: port {port} is in use; give another one with --port, or --port 0\n"


@pytest.mark.parametrize(
    ("damage", "word"),
    [
        ("secrets/master.key", "is damaged"),
        ("secrets/_platform/postgres/owner.sealed", "is damaged"),
        ("postgres/PG_VERSION", "postgres does not start"),
    ],
)
def test_a_damaged_home_is_one_clear_line(
    up: Start, used_home: Path, damage: str, word: str
) -> None:
    file = used_home / "home" / damage
    whole = file.read_bytes()
    file.write_bytes(b"nonsense")
    try:
        refused = up(root=used_home)
        said = refused.said().splitlines()
    finally:
        file.write_bytes(whole)
    assert refused.process.returncode == 2
    assert word in said[-1]
    assert not is_running(refused.home)


def test_what_hangs_is_ended_and_started_again(up: Start) -> None:
    impatient = up(CALLFUNNEL_HUNG_S="5")
    impatient.wait_ready()
    hanging = {n: pid for n, pid in impatient.pids().items() if n in ("gateway", "nats")}
    for pid in hanging.values():
        os.kill(pid, signal.SIGSTOP)
    for name, pid in hanging.items():
        eventually(lambda n=name, p=pid: impatient.pids().get(n, p) != p, f"a new {name}", LIMIT_S)
    told = impatient.log.read_text()
    for name, pid in hanging.items():
        assert not alive(pid)
        assert f"{name} has not answered for" in told
        assert f"{name} was killed by signal 9; starting it again" in told
    assert "issuer has not" not in told


def test_a_frozen_backend_does_not_keep_a_killed_database_from_coming_back(running: Up) -> None:
    before = running.pids()["postgres"]
    backends = [
        int(pid) for pid in Path(f"/proc/{before}/task/{before}/children").read_text().split()
    ]
    for backend in backends:
        os.kill(backend, signal.SIGSTOP)
    os.kill(before, signal.SIGKILL)
    eventually(lambda: not any(map(alive, backends)), "nothing is left of it", LIMIT_S)
    eventually(
        lambda: running.pids().get("postgres") not in (None, before),
        "another one is started",
        LIMIT_S,
    )
    eventually(lambda: accepts_logins(running), "another database serves", LIMIT_S)


def accepts_logins(running: Up) -> bool:
    ports = json.loads((running.home.root / "ports.json").read_text())
    return probes.accepts_logins(ports["postgres"])


def test_a_supervisor_that_was_frozen_goes_on_where_it_was(running: Up) -> None:
    before = running.pids()["issuer"]
    running.process.send_signal(signal.SIGSTOP)
    os.kill(before, signal.SIGKILL)
    frozen_at = time.monotonic()
    eventually(lambda: time.monotonic() - frozen_at > 2.5, "longer than any of its waits", LIMIT_S)
    running.process.send_signal(signal.SIGCONT)
    eventually(
        lambda: running.pids().get("issuer") not in (None, before),
        "another issuer is started",
        LIMIT_S,
    )
    assert running.process.poll() is None
