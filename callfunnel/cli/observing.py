"""`targets`: where Prometheus finds the metrics of what runs."""

from __future__ import annotations

from callfunnel.cli import options


def targets(*, home: options.Home = None) -> None:
    """Print where the metrics are, as Prometheus' file_sd_configs reads it."""
    from callfunnel.cli.output import show_json
    from callfunnel.cli.stack import running
    from callfunnel.local.targets import targets as targets_of

    stack = running(home)
    show_json(list(targets_of(stack.home, stack.state)))
