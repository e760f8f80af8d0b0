"""What a run in containers stands on, or why it cannot: `python -m tests.containers.engine`.

Exit status 2 and one line when no engine answers or an image can be neither found nor pulled.
"""

import sys

import docker
import docker.errors
from requests.exceptions import RequestException

from tests.containers.images import IMAGES, Image

Trouble = (docker.errors.DockerException, RequestException)


def main() -> int:
    try:
        client = docker.from_env()
        engine = client.version()
    except Trouble:
        print(
            "cf: no container engine answers: start one, or say where it is with DOCKER_HOST",
            file=sys.stderr,
        )
        return 2
    print(f"services from containers: {_named(engine)}, API {engine['ApiVersion']}")
    for image in IMAGES:
        try:
            print(f"  {image.service}: {_found(client, image)}", flush=True)
        except Trouble:
            print(
                f"cf: the image {image.name} is not here and cannot be pulled: name another in "
                f"{image.variable}, or build one with `python -m tests.containers.build`",
                file=sys.stderr,
            )
            return 2
    return 0


def _named(engine: dict[str, str]) -> str:
    return f"{engine.get('Platform', {}).get('Name') or 'engine'} {engine['Version']}"


def _found(client: docker.DockerClient, image: Image) -> str:
    """The image's name and what identifies its content."""
    try:
        found = client.images.get(image.name)
    except docker.errors.ImageNotFound:
        print(f"  pulling {image.name} ...", flush=True)
        found = client.images.pull(image.name)
    digest = (found.attrs.get("RepoDigests") or [found.id])[0]
    return f"{image.name} ({digest.rpartition('@')[2][:19]})"


if __name__ == "__main__":
    sys.exit(main())
