"""A NATS server of its own for one test, in a container: the twin of `NatsProcess`."""

import json
import socket
from pathlib import Path

from docker.models.containers import Container

from callfunnel.local.home.ports import LOOPBACK
from callfunnel.local.supervision.probes import answers
from tests.containers.images import NATS, container
from tests.integration.bus.nats_process import NatsProcess
from tests.simulators.waiting import eventually

_CONFIG = "/etc/callfunnel-nats.conf"


class NatsContainer(NatsProcess):
    """One server with its own store. After a kill it comes back on the same port and store."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.port, self._http = _free_ports()
        self._made = container(NATS, {4222: self.port, 8222: self._http})
        self._running: Container | None = None

    def start(self) -> None:
        """Returns once the server takes connections with JetStream enabled."""
        if self._running is None:
            self._create()
        else:
            self._made.copy_into_container(self._config(), _CONFIG)
            self._running.start()
        eventually(
            lambda: answers(f"http://{LOOPBACK}:{self._http}/healthz?js-enabled-only=true"),
            "the server serves",
        )

    def kill(self) -> None:
        """SIGKILL, as a crash."""
        assert self._running is not None
        self._running.kill(signal="SIGKILL")
        self._running.wait()

    def stop(self) -> None:
        if self._running is not None:
            self._made.stop()
            self._running = None

    def _create(self) -> None:
        self._made.with_command(["-c", _CONFIG])
        self._made.with_copy_into_container(self._config(), _CONFIG)
        self._running = self._made.start().get_wrapped_container()

    def _config(self) -> bytes:
        users = f"authorization {{ users: {json.dumps(self.users)} }}\n" if self.users else ""
        return (
            users + 'listen: "0.0.0.0:4222"\nhttp: "0.0.0.0:8222"\n'
            'jetstream { store_dir: "/data", max_file_store: 2GB }\n'
        ).encode()


def _free_ports() -> tuple[int, int]:
    with socket.socket() as first, socket.socket() as second:
        for each in (first, second):
            each.bind((LOOPBACK, 0))
        return first.getsockname()[1], second.getsockname()[1]
