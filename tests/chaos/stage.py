"""The stage of the kill matrix: one running stack with everything apart, its processes in reach."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg

from callfunnel.cli.following import account_of
from callfunnel.cli.stack import DEMO, Running
from callfunnel.domain.ids import PLATFORM
from callfunnel.infra.sealed import SealedFolder
from callfunnel.local.home.folder import Home, read_state
from callfunnel.local.lineup import FEATURES
from callfunnel.local.services.postgres import data_folder
from tests.simulators.callers import Party
from tests.simulators.running_stack import RunningStack

WORDS = ("--apart", "--scale", "media=2")
DISK = "1g"
SERVERS = {"nats", "postgres", "objects", "issuer"}
PROCESSES = {"gateway", "media-1", "media-2", *FEATURES, *SERVERS}
PATIENCE_S = "60"
"""The supervisor leaves the frozen alone: that they come back is what is hard."""
RULEBOOK = "home-internet"


@dataclass
class Stage:
    """A stack for strikes. Every strike leaves it whole again."""

    folder: Path
    up: RunningStack
    disks: dict[str, list[Path]] = field(default_factory=dict)

    @classmethod
    def open(cls, folder: Path, *, disks: bool = False) -> Stage:
        """Starts the stack. `disks`: its folders become disks that can be filled, where mounting
        is allowed here."""
        (folder / "clocks").mkdir()
        stage = cls(folder, _start(folder))
        stage._simple_manners()
        if disks:
            stage.up.stop()
            stage.disks = _mounted(Home(folder / "home"))
            stage.start_again()
        return stage

    def close(self) -> None:
        self.party.close()
        try:
            self.up.stop()
        finally:
            for disk in {disk for disks in self.disks.values() for disk in disks}:
                subprocess.run(["umount", "-l", str(disk)], check=False)

    def start_again(self) -> None:
        """After the supervisor was killed: `up`, as a user would type it."""
        (self.folder / "ready.json").unlink(missing_ok=True)
        self.up = _start(self.folder)
        if "party" in vars(self):
            self.party.account = account_of(self.running)  # another port

    @property
    def running(self) -> Running:
        home = Home(self.up.home)
        return Running(home, read_state(home))

    @cached_property
    def party(self) -> Party:
        """The callers."""
        return Party(account_of(self.running))

    def pids(self, victim: str) -> list[int]:
        """Every process of the victim that runs now."""
        if victim == "supervisor":
            return [self.up.process.pid]
        names = ("media-1", "media-2") if victim == "media" else (victim,)
        return [pid for pid in map(self.up.pid, names) if pid]

    def whole(self) -> bool:
        """Whether every process runs and says that it is ready."""
        state = read_state(Home(self.up.home))
        pids = {each["name"]: each["pid"] for each in state.get("processes", [])}
        ready = all(pids.get(name) == self._ready_pid(name, pids) for name in PROCESSES)
        return set(pids) >= PROCESSES and ready and self.up.get("/v1/calls?limit=1") is not None

    def _ready_pid(self, name: str, pids: dict[str, int]) -> int:
        try:
            left = json.loads((self.up.home / "run" / f"{name}.json").read_text())
        except (OSError, ValueError):
            return pids.get(name, 0) if name in SERVERS else -1
        return int(left["pid"])

    @contextlib.contextmanager
    def database(self) -> Iterator[psycopg.Connection[Any]]:
        """As the owner of the tables, seeing the demo tenant."""
        secrets = SealedFolder.open(self.up.home / "secrets")
        credentials = secrets.get(PLATFORM, "postgres/owner")
        with psycopg.connect(
            self.running.platform.postgres_url,
            user=credentials["user"],
            password=credentials["password"],
            connect_timeout=5,
        ) as connection:
            connection.execute("select set_config('callfunnel.tenant', %s, false)", (DEMO,))
            yield connection

    def _simple_manners(self) -> None:
        """A rule book in which what the matrix needs is one sentence away."""
        book = self.up.run("rulebook", "get", RULEBOOK)
        greeting = (
            "Hello, this is Nova from Brightline, an automated agent. How can I help you today?"
        )
        asks = (
            '- {do: say, text: "I am sorry to hear that. Before you go: I could ask for 25 percent'
            ' off for a whole year. Would you like me to ask?"}\n'
            "      - {do: goto, state: big_offer}"
        )
        at_once = (
            "- do: tool\n        name: offer_discount\n"
            "        arguments: {percent: 25, months: 12}\n"
            "        then: {pending: waiting, approved: main, refused: main, expired: main}"
        )
        assert greeting in book
        assert asks in book
        edited = self.folder / "rulebook.yaml"
        edited.write_text(book.replace(greeting, "Hello.").replace(asks, at_once))
        self.up.run("rulebook", "put", RULEBOOK, str(edited))


def _start(folder: Path) -> RunningStack:
    told = {"CALLFUNNEL_CLOCK_DIR": str(folder / "clocks"), "CALLFUNNEL_HUNG_S": PATIENCE_S}
    return RunningStack.start(folder, *WORDS, **told)


def _mounted(home: Home) -> dict[str, list[Path]]:
    """Disks of their own for those who write, by victim; none where mounting is not allowed."""
    folders = {
        "media": [home.spool / "media-1", home.spool / "media-2"],
        "gateway": [home.spool / "gateway"],
        "nats": [home.root / "nats"],
        "postgres": [data_folder(home)],
        "objects": [home.root / "objects"],
        "supervisor": [home.run],
    }
    each_once = [folder for victim in folders.values() for folder in victim]
    aside = home.root.parent / "aside"
    aside.mkdir()
    mounted = [_mount(folder, aside) for folder in each_once]
    return folders if all(mounted) else {}


def _mount(folder: Path, aside_in: Path) -> bool:
    """Puts a disk in memory under the folder, with what was in it."""
    aside = aside_in / folder.name
    folder.rename(aside)
    folder.mkdir(mode=0o700)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=700", "callfunnel", str(folder)]
    mounted = subprocess.run(mount, check=False, capture_output=True).returncode == 0
    subprocess.run(["cp", "-a", f"{aside}/.", str(folder)], check=True)
    return mounted


class Blocked:
    """A table that nobody may write while the block lasts: what does, waits in its transaction."""

    def __init__(self, stage: Stage, table: str) -> None:
        self._stack = contextlib.ExitStack()
        self._connection = self._stack.enter_context(stage.database())
        self._watch = self._stack.enter_context(stage.database())
        self._table = table
        self._connection.execute(f"lock table {table} in exclusive mode")

    def waiting(self) -> bool:
        """Whether somebody waits for it."""
        found = self._watch.execute(
            "select count(*) from pg_locks where relation = %s::regclass and not granted",
            (self._table,),
        ).fetchone()
        self._watch.commit()
        return bool(found and found[0])

    def lift(self) -> None:
        """Also when the database is gone: then so is the lock."""
        for connection in (self._connection, self._watch):
            with contextlib.suppress(psycopg.Error):
                connection.rollback()
        with contextlib.suppress(psycopg.Error):
            self._stack.close()


def send(pids: list[int], how: signal.Signals) -> None:
    """To the processes and all their descendants; the gone are passed over."""
    for pid in [each for root in pids for each in _family(root)]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, how)


def _family(root: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError):
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
                parents.setdefault(parent, []).append(int(entry.name))
    found, rest = [], [root]
    while rest:
        found.append(rest.pop())
        rest += parents.get(found[-1], [])
    return found
