"""Which of the product's programs run and how many of each: plain data and `--scale`. Pure.

`offpath` hosts every feature that is not scaled by itself; a feature that is named runs in
processes of its own, so `offpath=2` means two of every consumer and `redaction=2` two of that one.
`apart` takes the host away: each feature has a process of its own, as a cluster runs them.
Names and their order follow from the table alone: media-1, media-2, redaction-1, redaction-2.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from callfunnel.domain.errors import UserError

MOST = 64
DEPLOYABLES: Mapping[str, tuple[str, ...]] = {
    "workers.conductor": ("rulebooks", "tools", "reaper"),
    "workers.persistence": ("redaction", "timeline", "recordings", "settlement"),
    "workers.billing": ("metering",),
}
FEATURES: tuple[str, ...] = tuple(name for names in DEPLOYABLES.values() for name in names)
SCALABLE = ("media", "offpath", *FEATURES)
_HOST = "callfunnel.infra.service"


@dataclass(frozen=True, slots=True)
class Instance:
    """One process of the product: its name and the module it runs, with arguments.

    `carries_calls`: it ends its calls before it ends itself, and has a spool.
    """

    name: str
    argv: tuple[str, ...]
    carries_calls: bool = False


def lineup(scale: Mapping[str, int], *, apart: bool = False) -> Iterator[Instance]:
    """Every instance, in the order in which they are shown and restarted."""
    yield Instance("gateway", ("gateway",), carries_calls=True)
    for number in range(scale.get("media", 1)):
        yield Instance(f"media-{number + 1}", ("workers.media",), carries_calls=True)
    if not apart:
        yield from _offpath(scale)
    for package, features in DEPLOYABLES.items():
        for feature in features:
            argv = (_HOST, package, "--only", feature)
            if apart and feature not in scale:
                yield Instance(feature, argv)
            for number in range(scale.get(feature, 0)):
                yield Instance(f"{feature}-{number + 1}", argv)


def _offpath(scale: Mapping[str, int]) -> Iterator[Instance]:
    hosted = {
        package: [name for name in names if name not in scale]
        for package, names in DEPLOYABLES.items()
    }
    left = [name for names in hosted.values() for name in names]
    packages = [package for package, names in hosted.items() if names]
    only = ("--only", ",".join(left)) if len(left) < len(FEATURES) else ()
    count = scale.get("offpath", 1) if left else 0
    for number in range(count):
        name = "offpath" if count == 1 else f"offpath-{number + 1}"
        yield Instance(name, (_HOST, *packages, *only))


def parse_scale(words: Iterable[str]) -> dict[str, int]:
    """`["media=2,redaction=2", "timeline=3"]` as a dict. Raises UserError for anything else."""
    scale: dict[str, int] = {}
    for word in (part for given in words for part in given.split(",")):
        name, equals, count = word.partition("=")
        if not (name and equals and count.isascii() and count.isdigit() and int(count) <= MOST):
            raise UserError(
                f"--scale {word} is not understood", f"write for example media=2, at most {MOST}"
            )
        if name not in SCALABLE:
            raise UserError(f"--scale {name} is no program", f"there are: {', '.join(SCALABLE)}")
        if name in scale:
            raise UserError(f"--scale names {name} twice", "say once how many of it run")
        scale[name] = int(count)
    return scale
