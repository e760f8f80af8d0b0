"""`./cf chaos pressure [NAME...]`: every scenario in full length, and the page about them."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.chaos.pressure import troubles
from tests.chaos.pressure.held_programs import doors
from tests.chaos.pressure.playing import Plan, Result, play
from tests.chaos.pressure.report import page
from tests.simulators.running_stack import SOURCE, RunningStack

OUTAGE_S = 60.0
PAGE = SOURCE / "docs" / "back_pressure.md"
ROW_S = 0.01
"""A row of the timeline costs a tenth of a millisecond; this is a hundred times as much."""
PLANS = {
    "postgres": Plan("Postgres down", (troubles.down("postgres"),), OUTAGE_S, 3),
    "s3": Plan("S3 down", (troubles.down("objects"),), OUTAGE_S, 3),
    "raw": Plan("RAW full", (troubles.full("RAW"),), OUTAGE_S, 3),
    "calls": Plan("CALLS full", (troubles.full("CALLS"),), OUTAGE_S, 3),
    "audio": Plan("AUDIO full", (troubles.full("AUDIO"),), OUTAGE_S, 3),
    "usage": Plan("USAGE full", (troubles.full("USAGE"),), OUTAGE_S, 3),
    "disk": Plan("the worker's disk full", (troubles.full_disk,), OUTAGE_S, 3),
    "slow": Plan("timeline 100 times slower", (troubles.slow_timeline(ROW_S),), OUTAGE_S, 3, 300),
}


def main(names: list[str]) -> int:
    """Plays the named scenarios, or all and writes the page; 1 when something was lost."""
    if unknown := set(names) - set(PLANS):
        print(
            f"there is no {', '.join(sorted(unknown))}; there are {', '.join(PLANS)}",
            file=sys.stderr,
        )
        return 2
    results = run([PLANS[name] for name in names or PLANS])
    text = page(results)
    if names:
        print(text)
    else:
        PAGE.write_text(text)
        print(f"{PAGE} is written")
    return int(any(each.lost or each.problems or each.complaints for each in results))


def run(plans: list[Plan]) -> list[Result]:
    """All of them on one stack, one after the other."""
    results = []
    with tempfile.TemporaryDirectory(prefix="callfunnel-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # Postgres runs as nobody in particular
        with troubles.small_disk(folder / "home"):
            stack = RunningStack.start(folder, **doors(folder))
            try:
                for plan in plans:
                    print(f"{plan.name} ...", flush=True)
                    results.append(play(stack, plan))
                    print(
                        f"... lost {results[-1].lost}, drained {results[-1].drained_s:.0f} s",
                        flush=True,
                    )
            finally:
                stack.stop()
    return results


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
