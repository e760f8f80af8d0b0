"""The object store of one home: SeaweedFS in its small form, S3 on loopback.

Objects are encrypted with a key from the sealed store. Its inner parts (master, filer, volumes,
admin) listen too, and as they come they let anybody on this machine list, write and delete what is
stored: what they say to each other needs a certificate that only they have, master and filer speak
no HTTP, and signing keys and a password close the rest.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Mapping
from pathlib import Path

from callfunnel.infra.sealed import SealedFolder, write_private
from callfunnel.local.home.credentials import credential
from callfunnel.local.home.folder import Home
from callfunnel.local.home.ports import ADMIN_GRPC_OFFSET, LOOPBACK
from callfunnel.local.services.programs import program, service_environment
from callfunnel.local.supervision.process import AnswersUrl, Process

BUCKET = "callfunnel"
_ACTIONS = {
    "owner": ["Admin", "Read", "Write", "List", "Tagging"],
    "gateway": [f"Read:{BUCKET}"],
    "persistence": [f"Read:{BUCKET}", f"Write:{BUCKET}"],
}
_PORT_FLAGS = {
    "s3.port": "s3",
    "s3.port.grpc": "s3_grpc",
    "master.port": "master",
    "master.port.grpc": "master_grpc",
    "volume.port": "volume",
    "volume.port.grpc": "volume_grpc",
    "filer.port": "filer",
    "filer.port.grpc": "filer_grpc",
    "admin.port": "admin",
}
_PARTS = ("MASTER", "VOLUME", "FILER", "S3", "ADMIN", "WORKER", "CLIENT")
_FLAGS = (
    f"-ip={LOOPBACK}",
    f"-ip.bind={LOOPBACK}",
    "-disableHttp",
    "-master.telemetry=false",
    "-master.resumeState=false",  # resuming, it now and then has no volumes for 5 to 20 s
    "-webdav=false",
    "-admin.ui=false",
    "-s3.iam=false",
    "-s3.allowDeleteBucketNotEmpty=false",
    "-s3.autoCreateBucket=false",
    "-s3.port.iceberg=0",
    "-s3.port.lance=0",
    "-s3.localSocket=s3.sock",  # relative: a socket's path may have 107 characters
    "-filer.localSocket=filer.sock",
    "-filer.disableDirListing",
    "-volume.preStopSeconds=0",
)


def objects_process(home: Home, ports: Mapping[str, int], store: SealedFolder) -> Process:
    """Write the identities and say how to run the store."""
    folder = home.root / "objects"
    write_private(folder / "identities.json", _identities(store))
    for part, text in credential(store, "objects/tls").items():
        write_private(folder / f"{part}.pem", text.encode())
    for stale in ("mini.options", "s3.sock", "filer.sock"):
        (folder / stale).unlink(missing_ok=True)
    (folder / "master").mkdir(mode=0o700, exist_ok=True)
    listening = [f"-{flag}={ports[name]}" for flag, name in _PORT_FLAGS.items()]
    return Process(
        name="objects",
        argv=(
            program("weed"),
            "-logtostderr=true",
            "mini",
            f"-dir={folder}",
            f"-master.dir={folder / 'master'}",
            f"-s3.config={folder / 'identities.json'}",
            f"-admin.port.grpc={ports['admin'] + ADMIN_GRPC_OFFSET}",
            *listening,
            *_FLAGS,
        ),
        env={**service_environment(), **_environment(store), **_among_parts(folder)},
        ready=AnswersUrl(f"http://{LOOPBACK}:{ports['s3']}/healthz"),
        log=home.log("objects"),
        service=True,
        orphan=signal.SIGTERM,
        cwd=folder,
        address=f"http://{LOOPBACK}:{ports['s3']}",
    )


def _identities(store: SealedFolder) -> bytes:
    identities = []
    for role, actions in _ACTIONS.items():
        keys = credential(store, f"objects/{role}")
        credentials = [{"accessKey": keys["access_key"], "secretKey": keys["secret_key"]}]
        identities.append({"name": role, "credentials": credentials, "actions": actions})
    return json.dumps({"identities": identities}).encode()


def _environment(store: SealedFolder) -> dict[str, str]:
    sse, inside = credential(store, "objects/sse"), credential(store, "objects/inside")
    return {
        # Collects garbage sooner, but stays above its 231 MB of mostly untouched live heap: below
        # that it collects without end and takes a tenth of a core doing nothing.
        "GOMEMLIMIT": "272MiB",
        "WEED_S3_SSE_KEK": sse["kek"],
        "WEED_S3_SSE_KEK_PASSPHRASE": sse["passphrase"],
        "WEED_JWT_SIGNING_KEY": inside["volume"],
        "WEED_JWT_SIGNING_READ_KEY": inside["volume"][::-1],
        "WEED_JWT_FILER_SIGNING_KEY": inside["filer"],
        "WEED_JWT_FILER_SIGNING_READ_KEY": inside["filer"][::-1],
        "WEED_ADMIN_PASSWORD": inside["admin"],
    }


def _among_parts(folder: Path) -> dict[str, str]:
    """Where each part finds the one certificate that it shows and believes."""
    certificate, key = str(folder / "certificate.pem"), str(folder / "key.pem")
    shown = {f"WEED_GRPC_{part}_CERT": certificate for part in _PARTS}
    kept = {f"WEED_GRPC_{part}_KEY": key for part in _PARTS}
    return {"WEED_GRPC_CA": certificate, **shown, **kept}
