"""Every bench, in the order of the results page. A new one: its function, and its row here."""

from typing import Final

from bench.harness.run import Bench

_ALL: Final = (
    Bench("first_call", "The first call", "bench.first_call:measure", seconds=75),
    Bench("frames", "One call's audio, no sockets", "bench.frames:measure", seconds=15),
    Bench("media", "A media worker under calls", "bench.media.ladder:measure", seconds=90),
    Bench("workers", "One worker or two", "bench.media.pair:measure", seconds=50),
    Bench("emit", "Telling under load", "bench.media.emit:measure", seconds=12),
    Bench("profile", "Where a worker's time goes", "bench.media.profile:measure", seconds=35),
    Bench(
        "growth", "Calls coming and going", "bench.media.growth:measure", seconds=1800, alone=True
    ),
    Bench("relay", "The gateway's media relay", "bench.relay:measure", seconds=8),
    Bench("bus", "The bus", "bench.bus:measure", seconds=15),
    Bench("webhook", "A call is offered", "bench.webhook:measure", seconds=90),
    Bench("lag", "From a fact to its row", "bench.lag:measure", seconds=45),
    Bench("backlog", "After an outage", "bench.backlog:measure", seconds=150),
    Bench("segments", "Recordings after an outage", "bench.segments:measure", seconds=60),
    Bench("lost", "A media worker vanishes", "bench.lost:measure", seconds=30),
    Bench("tracing", "Tracing and metrics", "bench.tracing:measure", seconds=30),
    Bench("feed", "A feed read from its beginning", "bench.backlog:feed", seconds=15),
    Bench("patience", "A tool beside a backlog", "bench.patience:measure", seconds=30),
    Bench("offpath", "Behind the call", "bench.offpath:measure", seconds=5),
    Bench("ears", "The offline agent's ears", "bench.ears:measure", seconds=60, alone=True),
)
BENCHES: Final = {each.name: each for each in _ALL}
