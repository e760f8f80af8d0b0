"""Which images the services run from: the official ones, or what the environment names."""

import os
from dataclasses import dataclass

from testcontainers.core.container import DockerContainer

from callfunnel.local.home.ports import LOOPBACK


@dataclass(frozen=True)
class Image:
    """One service's image: the official one unless the variable names another."""

    service: str
    variable: str
    official: str

    @property
    def name(self) -> str:
        return os.environ.get(self.variable) or self.official


NATS = Image("nats", "CALLFUNNEL_TEST_NATS_IMAGE", "nats:2.15.1-alpine")
POSTGRES = Image("postgres", "CALLFUNNEL_TEST_POSTGRES_IMAGE", "pgvector/pgvector:pg18")
OBJECTS = Image("objects", "CALLFUNNEL_TEST_OBJECTS_IMAGE", "minio/minio:latest")
IMAGES = (NATS, POSTGRES, OBJECTS)


def container(image: Image, ports: dict[int, int]) -> DockerContainer:
    """A container not started yet; `ports`: its own -> that on this machine's loopback."""
    made = DockerContainer(image.name)
    made.ports |= {f"{inside}/tcp": (LOOPBACK, outside) for inside, outside in ports.items()}
    return made
