"""`./cf check`: every rule of the house at once; exit 1 and what to do when one is broken."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

from tools.rules import dead, imports, places, purity, sizes, subjects, tenancy
from tools.tree import ROOT, files, sources

EVERYWHERE = ("callfunnel", "workers", "gateway", "tests", "tools", "bench")

# import-linter has a script of that name, which a moved environment cannot start.
RUFF, CONCISE = ("-m", "ruff"), ("--output-format", "concise")
LINT_IMPORTS = "from importlinter.cli import lint_imports_command as run; run()"


@dataclass(frozen=True)
class Check:
    """One line of the result. `look` returns the breaches; `cure` says what mends them."""

    name: str
    look: Callable[[], list[str]]
    cure: str


@dataclass(frozen=True)
class Result:
    check: Check
    problems: list[str]
    seconds: float


def tool(*command: str) -> Callable[[], list[str]]:
    """A program whose exit status is the verdict and whose output is the explanation."""

    def look() -> list[str]:
        done = subprocess.run(
            [sys.executable, *command],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        output = (done.stdout + done.stderr).strip()
        return [] if done.returncode == 0 else (output or "failed silently").splitlines()

    return look


def vendors() -> list[str]:
    return imports.problems(sources(), imports.vendors())


# The slowest first: the rest runs beside it.
CHECKS = (
    Check("types", tool("-m", "mypy"), "mend the types; `# type: ignore[code]` needs its reason"),
    Check("dead code", dead.problems, "delete it, or explain it in tools/allowed_unused.py"),
    Check(
        "layers", tool("-c", LINT_IMPORTS, "--no-logo"), "turn the import round, or move the type"
    ),
    Check(
        "generated", tool("-m", "callfunnel.events.generator", "--check"), "run it without --check"
    ),
    Check(
        "api document", tool("-m", "gateway.openapi", "--check"), "run `python -m gateway.openapi`"
    ),
    Check("settings", tool("-m", "tools.settings", "--check"), "run `python -m tools.settings`"),
    Check("metrics", tool("-m", "tools.metrics", "--check"), "run `python -m tools.metrics`"),
    Check("lint", tool(*RUFF, "check", *CONCISE, "."), "`ruff check --fix .` mends most of it"),
    Check("format", tool(*RUFF, "format", "--check", *CONCISE, "."), "run `ruff format .`"),
    Check("vendors", vendors, "go through the module that owns the vendor"),
    Check("purity", lambda: purity.problems(sources()), "let the shell do it, hand the value in"),
    Check("tenancy", lambda: tenancy.problems(sources()), "name the tenant first"),
    Check("subjects", lambda: subjects.problems(sources()), "build it from the catalogue"),
    Check("sizes", lambda: sizes.problems(sources(*EVERYWHERE)), "split by idea, not by length"),
    Check("places", lambda: places.problems(files()), "take the address or path out"),
)


def run(check: Check) -> Result:
    began = time.monotonic()
    return Result(check, check.look(), time.monotonic() - began)


def show(result: Result) -> None:
    verdict = "ok  " if not result.problems else "FAIL"
    print(f"{verdict} {result.check.name:<10} {result.seconds:5.1f} s", flush=True)


def main(wanted: list[str]) -> int:
    """Runs all checks, or those named. Returns the exit status."""
    if {"-h", "--help"} & set(wanted):
        print(f"./cf check [NAME...]: all checks, or some of: {', '.join(x.name for x in CHECKS)}")
        return 0
    unknown = set(wanted) - {check.name for check in CHECKS}
    if unknown:
        print(f"no such check: {', '.join(unknown)}; there are:", file=sys.stderr)
        print("  " + ", ".join(check.name for check in CHECKS), file=sys.stderr)
        return 2
    chosen = [check for check in CHECKS if not wanted or check.name in wanted]
    broken = []
    with ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 2)) as pool:
        for done in as_completed([pool.submit(run, check) for check in chosen]):
            show(done.result())
            if done.result().problems:
                broken.append(done.result())
    for result in broken:
        print(f"\n{result.check.name}: {result.check.cure}")
        print("\n".join(f"  {problem}" for problem in result.problems))
    print(f"\n{len(chosen) - len(broken)} of {len(chosen)} checks hold; {sizes.count(sources())}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
