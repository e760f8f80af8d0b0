"""What the doctor found, and how it is told: what is so, and what to do where it is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from callfunnel.cli.output import plain, show_json

Verdict = Literal["ok", "warn", "bad"]


@dataclass(frozen=True)
class Finding:
    """`fix` says what to do; it is empty when all is well."""

    what: str
    verdict: Verdict
    detail: str
    fix: str = ""


def ok(what: str, detail: str) -> Finding:
    return Finding(what, "ok", detail)


def warn(what: str, detail: str, fix: str) -> Finding:
    return Finding(what, "warn", detail, fix)


def bad(what: str, detail: str, fix: str) -> Finding:
    return Finding(what, "bad", detail, fix)


def show(findings: Sequence[Finding], as_json: bool) -> bool:
    """Prints all of them. Returns whether nothing is bad."""
    if as_json:
        show_json([asdict(each) for each in findings])
    else:
        for each in findings:
            print(plain(f"{each.verdict:<5}{each.what:<12} {each.detail}"))
            if each.fix:
                print(f"{'':<18}-> {each.fix}")
    return all(each.verdict != "bad" for each in findings)
