"""The bus of one home: a nats-server from its wheel, with JetStream in the home.

Streams are encrypted at rest with a key that reaches the server only through its environment.
Each role has its own user, which may do what its work needs and no more (`bus_rights`). Who looks
after the server has another, in the server's own account: it reads its health and no message.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from callfunnel.domain.errors import UserError
from callfunnel.infra.sealed import SealedFolder, write_private
from callfunnel.local.home.credentials import NATS_ROLES, SYSTEM_USER, credential
from callfunnel.local.home.folder import Home
from callfunnel.local.home.ports import LOOPBACK
from callfunnel.local.services.bus_rights import permissions
from callfunnel.local.services.programs import program, service_environment
from callfunnel.local.supervision.bus_probe import health
from callfunnel.local.supervision.process import AnswersHealth, Process

KEY_VARIABLE = "CALLFUNNEL_JETSTREAM_KEY"
_MAX_PAYLOAD = 1024 * 1024
_MAX_STORE_BYTES = 8 * 1024**3


def nats_process(home: Home, ports: Mapping[str, int], store: SealedFolder) -> Process:
    """Write `nats.conf` and say how to run it. Raises UserError when the program is missing."""
    config = home.root / "nats" / "nats.conf"
    place = Place(LOOPBACK, ports["nats"], home.root / "nats" / "jetstream")
    system = credential(store, f"nats/{SYSTEM_USER}")
    write_private(config, server_config(place, store).encode())
    return Process(
        name="nats",
        argv=(program("nats-server"), "-c", str(config)),
        env={**service_environment(), KEY_VARIABLE: credential(store, "jetstream/key")["key"]},
        ready=AnswersHealth(ports["nats"], system["user"], system["password"]),
        log=home.log("nats"),
        service=True,
        orphan=signal.SIGTERM,
        address=f"nats://{LOOPBACK}:{ports['nats']}",
        stores_in=place.store,
    )


def stores_all(home: Home, address: str) -> bool:
    """Whether no stream of the running server is known to refuse what it is told."""
    system = credential(SealedFolder.open(home.secrets), f"nats/{SYSTEM_USER}")
    port = int(address.rpartition(":")[2])
    return health(port, system["user"], system["password"], all_streams=True).stores


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server listens and keeps its streams."""

    host: str
    port: int
    store: Path


def server_config(place: Place, store: SealedFolder) -> str:
    """The text of `nats.conf`; the key of its streams is read from `KEY_VARIABLE`."""
    users = [_user(role, credential(store, f"nats/{role}")) for role in NATS_ROLES]
    system = credential(store, f"nats/{SYSTEM_USER}")
    return "\n".join(
        (
            f"listen: {place.host}:{place.port}",
            "server_name: callfunnel",
            f"max_payload: {_MAX_PAYLOAD}",
            'write_deadline: "5s"',
            'ping_interval: "10s"',
            "ping_max: 3",
            "max_connections: 1000",
            "jetstream {",
            f"  store_dir: {_quoted(place.store)}",
            "  max_memory_store: 67108864",
            f"  max_file_store: {_MAX_STORE_BYTES}",
            f"  cipher: aes, key: ${KEY_VARIABLE}",
            "}",
            f"authorization {{ users: {json.dumps(users)} }}",
            f"accounts {{ SYSTEM: {{ users: [{json.dumps(system)}] }} }}",
            "system_account: SYSTEM",
            "",
        )
    )


def _user(role: str, secret: Mapping[str, str]) -> dict[str, object]:
    user: dict[str, object] = {"user": secret["user"], "password": secret["password"]}
    granted = permissions(role)
    return user if granted is None else user | {"permissions": granted}


def _quoted(path: Path) -> str:
    if '"' in str(path) or "\n" in str(path):
        raise UserError(f"the home folder {path} has a quote in its name", "give another --home")
    return f'"{path}"'
