"""The harness: what a figure says, how repetitions join, and that the page is the kept figures."""

import itertools
import os
import subprocess
from pathlib import Path

import msgspec
import pytest

from bench.__main__ import main
from bench.harness import compare, cores, kept, plots
from bench.harness.figures import Figure, Plot, Point, percentile, reached, slope, told
from bench.harness.machine import Machine
from bench.harness.run import Bench, Record, Run, measured
from bench.registry import BENCHES

GROWTH = Plot(name="growth", title="Growth", x="calls", y="ms", grows="linear")
MACHINE = Machine(cores=2, model="CPU", memory_mb=2048, kernel="Linux 6", python="3.11.7")
VALUES = itertools.cycle([3.0, 9.0, 5.0])


def measure(run: Run) -> None:
    """A bench: three repetitions measure 3, 9 and 5."""
    value = next(VALUES)
    run.figure("latency", value, "ms", reach="< 6")
    run.point(GROWTH, 10, value)
    run.text("Profile", "where it went")


@pytest.fixture
def record() -> Record:
    bench = Bench("made_up", "Made up", f"{__name__}:measure", seconds=1)
    return measured(bench, Run, 3, "./cf bench made_up")


@pytest.mark.parametrize(
    ("reach", "value", "verdict"),
    [("", 9, True), ("< 5", 4.9, True), ("< 5", 5, False), (">= 1,000", 1000, True)],
)
def test_a_reach_is_read_as_it_is_written(reach: str, value: float, verdict: bool) -> None:
    assert reached(reach, value) is verdict


def test_a_reach_that_says_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no reach"):
        reached("fast", 1)


def test_a_percentile_is_a_measured_value() -> None:
    values = [5.0, 1.0, 4.0, 2.0, 3.0]
    assert [percentile(values, share) for share in (0.0, 0.5, 0.99, 1.0)] == [1, 3, 5, 5]


def test_growth_is_a_slope() -> None:
    assert slope([(0, 1), (10, 6), (20, 11)]) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("value", "text"), [(25000.0, "25,000"), (0.04567, "0.0457"), (1234.5, "1,234"), (99.96, "100")]
)
def test_a_value_is_told_with_the_digits_that_matter(value: float, text: str) -> None:
    assert told(value) == text


def test_a_figure_is_the_median_of_its_repetitions(record: Record) -> None:
    (latency,) = record.figures
    assert latency.values == [3.0, 9.0, 5.0]
    assert latency.value == 5.0
    assert latency.reached
    assert record.points == [Point(GROWTH, "", 10, 5.0)]


def test_of_what_must_not_happen_the_worst_repetition_counts() -> None:
    late = Figure(what="late frames", unit="", reach="<= 0", values=[0.0, 3.0, 0.0])
    assert (late.value, late.reached) == (3.0, False)


def test_the_page_shows_reach_range_verdict_plot_and_text(record: Record) -> None:
    page = kept.page([record])
    assert "| latency | < 6 ms | 5 ms (3 to 9) | reached |" in page
    assert "![growth](plots/growth.svg)" in page
    assert "where it went" in page


def test_a_missed_figure_is_loud(record: Record) -> None:
    record.figures[0].values[:] = [7.0]
    assert "**missed**" in kept.page([record])


def test_a_comparison_says_how_the_two_relate(record: Record) -> None:
    (latency,) = record.figures
    slower = Record(
        bench="made_up",
        title="",
        command="",
        at="",
        commit="",
        machine=MACHINE,
        seconds=1,
        figures=[type(latency)(what="latency", unit="ms", reach="", values=[10.0])],
    )
    assert "| latency | 10 | 5 | 0.50 | 0.50 |" in compare.table("v1", [slower], [record])


def test_the_results_page_is_what_was_kept() -> None:
    assert kept.PAGE.read_text() == kept.page(kept.records(BENCHES))


def test_an_option_is_the_command_lines_or_the_quick_ones_or_its_own() -> None:
    assert Run(options={"calls": "7"}).option("calls", 100, quick=1) == 7
    assert Run(quick=True).option("calls", 100, quick=1) == 1
    assert Run().option("calls", 100, quick=1) == 100


def test_the_same_points_draw_the_same_picture(
    record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plots, "PLOTS", tmp_path)
    drawn = []
    for _ in range(2):
        plots.draw([record])
        drawn.append((tmp_path / "growth.svg").read_bytes())
    assert drawn[0].startswith(b"<?xml")
    assert drawn[0] == drawn[1]


def test_the_cores_are_given_back_after_a_bench() -> None:
    before = os.sched_getaffinity(0)
    with cores.apart() as core:
        assert os.sched_getaffinity(0) == {cores.CORES[0]}
        assert core == cores.CORES[-1]
    assert os.sched_getaffinity(0) == before


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["nobody"], "no bench nobody"),
        (["compare"], "required"),
        (["compare", "no-such-commit", "media"], "no-such-commit names no commit"),
        (["compare", "HEAD", "nobody"], "nobody"),
    ],
)
def test_a_wrong_word_is_a_mistake_and_nothing_is_measured(
    words: list[str], part: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert part in capsys.readouterr().err


def test_a_version_that_misses_a_figure_is_compared_all_the_same(
    record: Record, tmp_path: Path
) -> None:
    folder = tmp_path / "bench"
    folder.mkdir()
    missed = msgspec.json.encode(record).decode()
    (folder / "__main__.py").write_text(
        f"import pathlib, sys\npathlib.Path(sys.argv[-1]).write_text({missed!r})\nsys.exit(1)\n"
    )
    assert compare.measured_by(tmp_path, ["made_up"]) == record


def breaks(_run: Run) -> None:
    """A bench that does not get far."""
    raise RuntimeError("a role of the bench\nended with 1")


def test_a_bench_that_fails_is_told_in_a_line_and_the_others_are_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [each.__name__ for each in (breaks, measure)]
    rows = [Bench(name, name, f"{__name__}:{name}", seconds=1) for name in names]
    monkeypatch.setattr("bench.__main__.BENCHES", {row.name: row for row in rows})
    assert main(["--quick"]) == 1
    told = capsys.readouterr().out
    assert "latency:" in told
    assert "\nfailed: breaks: RuntimeError: a role of the bench ended with 1 (test_harness" in told


def test_benches_that_work_end_well(monkeypatch: pytest.MonkeyPatch) -> None:
    row = Bench("measure", "measure", f"{__name__}:measure", seconds=1)
    monkeypatch.setattr("bench.__main__.BENCHES", {row.name: row})
    assert main(["--quick"]) == 0


def git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=bench", "-c", "user.email=bench@example.org")
    subprocess.run(["git", *who, "-C", str(folder), *words], check=True)


def test_a_version_that_this_bench_does_not_know_is_measured_by_its_own(
    record: Record,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    writes = (
        f"import pathlib, sys\n"
        f"pathlib.Path(sys.argv[-1]).write_text({msgspec.json.encode(record).decode()!r})\n"
    )
    for name in ("bench", "tests"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__main__.py").write_text(writes)
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "as it was")
    (tmp_path / "product.py").touch()
    (tmp_path / "bench" / "__main__.py").write_text(f"import product\n{writes}")
    monkeypatch.setattr(compare, "ROOT", tmp_path)
    assert "| latency | 5 | 5 | 1.00 | 1.00 1.00 |" in compare.compare("HEAD", ["made_up"], 2)
    assert capfd.readouterr().out.count("does not run at HEAD") == 1
