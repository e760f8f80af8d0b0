"""The services as containers, with the same methods as those from the wheels.

NATS, Postgres with pgvector and MinIO, published on this machine's loopback at the ports of a home,
with the roles, rights and secrets that the embedded stack gives them. What MinIO needs beyond that
is a policy for each role; all else is the product's own preparation.
"""

import base64
from collections.abc import Callable
from pathlib import Path

from minio import MinioAdmin
from minio.credentials import StaticProvider
from testcontainers.core.container import DockerContainer

from callfunnel.local.home.credentials import SYSTEM_USER, credential
from callfunnel.local.home.ports import LOOPBACK
from callfunnel.local.private_stack import PrivateStack
from callfunnel.local.processes import Stack
from callfunnel.local.services.nats import KEY_VARIABLE, Place, server_config
from callfunnel.local.services.objects import BUCKET
from callfunnel.local.supervision.probes import is_ready
from callfunnel.local.supervision.process import AcceptsLogins, AnswersHealth, AnswersUrl, Readiness
from tests.containers.images import NATS, OBJECTS, POSTGRES, container
from tests.simulators.waiting import eventually

_LIMIT_S = 60.0
_CONFIG = "/etc/callfunnel-nats.conf"
_READ = ["s3:GetObject", "s3:GetBucketLocation", "s3:ListBucket"]
_RIGHTS = {"gateway": _READ, "persistence": [*_READ, "s3:PutObject", "s3:DeleteObject"]}


class ContainerServices(PrivateStack):
    """The same home, settings and secrets; other programs behind the addresses."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        system = credential(stack.store, f"nats/{SYSTEM_USER}")
        self._running: dict[str, DockerContainer] = {}
        self._ready: dict[str, Readiness] = {
            "nats": AnswersHealth(stack.ports["nats"], system["user"], system["password"]),
            "postgres": AcceptsLogins(stack.ports["postgres"]),
            "objects": AnswersUrl(f"http://{LOOPBACK}:{stack.ports['s3']}/minio/health/ready"),
        }

    def kill(self, name: str) -> None:
        """kill -9 of a container's process; what it stored stays."""
        self._running[name].get_wrapped_container().kill(signal="SIGKILL")

    def restart(self, name: str) -> None:
        """Start a container that was killed; returns when it serves again."""
        self._running[name].get_wrapped_container().start()
        self._wait_for(name)

    def stop(self) -> None:
        """Stops and removes all of them."""
        while self._running:
            self._running.popitem()[1].stop()

    def _start_all(self) -> None:
        self._run("nats", self._nats)
        self._run("postgres", self._postgres)
        self._run("objects", self._objects)
        for name in self._running:
            self._wait_for(name)
        self._grant_objects()

    def _run(self, name: str, make: Callable[[], DockerContainer]) -> None:
        self._running[name] = make()
        self._running[name].start()

    def _wait_for(self, name: str) -> None:
        eventually(lambda: is_ready(self._ready[name], 0), f"{name} serves", _LIMIT_S)

    def _nats(self) -> DockerContainer:
        inside = Place("0.0.0.0", 4222, Path("/data"))  # noqa: S104 - of the container
        config = server_config(inside, self._stack.store)
        made = container(NATS, {4222: self.ports["nats"]})
        made.with_copy_into_container(config.encode(), _CONFIG)
        made.with_env(KEY_VARIABLE, credential(self._stack.store, "jetstream/key")["key"])
        return made.with_command(["-c", _CONFIG])

    def _postgres(self) -> DockerContainer:
        password = credential(self._stack.store, "postgres/superuser")["password"]
        made = container(POSTGRES, {5432: self.ports["postgres"]})
        return made.with_envs(
            POSTGRES_PASSWORD=password, POSTGRES_INITDB_ARGS="--auth-host=scram-sha-256"
        )

    def _objects(self) -> DockerContainer:
        keys = credential(self._stack.store, "objects/owner")
        sealing = bytes.fromhex(credential(self._stack.store, "objects/sse")["kek"])
        made = container(OBJECTS, {9000: self.ports["s3"]})
        made.with_envs(
            MINIO_ROOT_USER=keys["access_key"],
            MINIO_ROOT_PASSWORD=keys["secret_key"],
            MINIO_KMS_SECRET_KEY=f"callfunnel:{base64.b64encode(sealing).decode()}",
        )
        return made.with_command(["server", "/data"])

    def _grant_objects(self) -> None:
        root = credential(self._stack.store, "objects/owner")
        provider = StaticProvider(root["access_key"], root["secret_key"])
        endpoint = f"{LOOPBACK}:{self.ports['s3']}"
        admin = MinioAdmin(endpoint=endpoint, credentials=provider, secure=False)
        for role, actions in _RIGHTS.items():
            keys = credential(self._stack.store, f"objects/{role}")
            admin.user_add(keys["access_key"], keys["secret_key"])
            admin.policy_add(f"callfunnel-{role}", policy=_policy(actions))
            admin.policy_set(f"callfunnel-{role}", user=keys["access_key"])


def _policy(actions: list[str]) -> dict[str, object]:
    where = [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"]
    allowed = {"Effect": "Allow", "Action": actions, "Resource": where}
    return {"Version": "2012-10-17", "Statement": [allowed]}
