"""The commands as a user types them."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from typer.testing import CliRunner

from mmgraph import __version__
from mmgraph.cli import app

TOP = Path(__file__).resolve().parents[2]
TINY = TOP / "tests" / "bench" / "tiny_suite.py"
LIGHT = """
import sys
from mmgraph.cli import app
try:
    app({arguments!r})
except SystemExit as end:
    assert not end.code, end.code
sys.stderr.write(" ".join(sorted({{name.partition(".")[0] for name in sys.modules}})))
"""
SLOW = {
    "torch",
    "numpy",
    "scipy",
    "joblib",
    "numba",
    "matplotlib",
    "lightning_fabric",
    "torch_geometric",
    "sklearn",
    "rich",
}


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def demo_calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """What `mmgraph.cli.demo.run_demo` is called with, in place of running it."""
    calls: list[dict[str, Any]] = []
    module = ModuleType("mmgraph.cli.demo")
    vars(module)["run_demo"] = lambda **arguments: calls.append(arguments)
    monkeypatch.setitem(sys.modules, "mmgraph.cli.demo", module)
    yield calls


@pytest.mark.parametrize(
    "arguments", [["--help"], ["bench", "--help"], ["demo", "--help"], ["--version"]], ids=" ".join
)
def test_help_imports_nothing_slow(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIGHT.format(arguments=arguments)], cwd=TOP, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout and not SLOW.intersection(done.stderr.split())


def test_help_lists_the_commands() -> None:
    result = run("--help")
    assert result.exit_code == 0
    assert all(f"\n  {command} " in result.stdout for command in ("demo", "bench", "info"))


def test_without_a_command_the_help_is_shown() -> None:
    assert "Usage: mmgraph" in run().output


def test_the_version_is_that_of_the_package() -> None:
    assert run("--version").stdout == f"mmgraph {__version__}\n"


def test_the_script_of_the_package_is_this_app() -> None:
    assert 'mmgraph = "mmgraph.cli:app"' in (TOP / "pyproject.toml").read_text()


def test_bench_runs_a_suite_from_its_file(tmp_path: Path) -> None:
    result = run("bench", TINY, "--out", tmp_path / "out", "--seeds", 1)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0] == "tiny: wide, narrow; seeds 0; 1 at a time"
    assert result.stdout.splitlines()[-1] == f"report: {tmp_path / 'out' / 'report.md'}"
    assert (tmp_path / "out" / "report.md").read_text().startswith("# Suite tiny\n")
    assert sorted(path.name for path in (tmp_path / "out" / "runs").iterdir()) == ["narrow-0.json", "wide-0.json"]


def test_bench_runs_the_seeds_of_the_suite_unless_told_otherwise_and_keeps_what_is_finished(tmp_path: Path) -> None:
    run("bench", TINY, "--out", tmp_path, "--seeds", 1)
    lines = run("bench", TINY, "--out", tmp_path).stdout.splitlines()[1:-1]
    assert [line.partition(":")[0] for line in lines] == [
        "[1/4] wide, seed 0",
        "[2/4] narrow, seed 0",
        "[3/4] wide, seed 1",
        "[4/4] narrow, seed 1",
    ]
    assert ["kept" in line for line in lines] == [True, True, False, False]


def test_bench_ends_with_1_when_a_run_failed(tmp_path: Path) -> None:
    text = "from mmgraph.bench import Candidate, load_suite\nfrom dataclasses import replace\n"
    text += f"tiny = load_suite({str(TINY)!r})\n"
    text += "def wrong(train, task):\n    raise KeyError('layer')\n"
    text += "suite = replace(tiny, models={**tiny.models, 'wrong': Candidate(wrong)}, seeds=(0,))\n"
    (tmp_path / "suite.py").write_text(text)
    result = run("bench", tmp_path / "suite.py", "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "[3/3] wrong, seed 0: FAILED, KeyError: 'layer'\n" in result.stdout
    assert "| wrong | 0 |" in (tmp_path / "out" / "report.md").read_text()


def test_a_mistake_is_one_line_and_code_2(tmp_path: Path) -> None:
    result = run("bench", tmp_path / "missing.py", "--out", tmp_path)
    assert result.exit_code == 2 and result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith(f"mmgraph: {tmp_path / 'missing.py'} is not a Python file")


def test_debug_raises_the_error_with_its_traceback(tmp_path: Path) -> None:
    result = run("bench", tmp_path / "missing.py", "--out", tmp_path, "--debug")
    assert result.exit_code == 1 and isinstance(result.exception, ValueError)


@pytest.mark.parametrize("option", ["--seeds", "--jobs"])
def test_numbers_below_one_are_refused(tmp_path: Path, option: str) -> None:
    result = run("bench", TINY, "--out", tmp_path, option, 0)
    assert result.exit_code == 2 and option in result.stderr


def test_a_command_without_out_says_so() -> None:
    result = run("bench", TINY)
    assert result.exit_code == 2 and "--out" in result.stderr


def test_demo_hands_its_options_on(tmp_path: Path, demo_calls: list[dict[str, Any]]) -> None:
    assert run("demo", "--out", tmp_path).exit_code == 0
    assert run("demo", "--out", tmp_path, "--seed", 3, "--full").exit_code == 0
    assert demo_calls == [
        {"out": tmp_path, "seed": 0, "full": False},
        {"out": tmp_path, "seed": 3, "full": True},
    ]


def test_info_names_versions_back_ends_devices_and_recordings() -> None:
    result = run("info")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"mmgraph           {__version__}\n")
    assert all(f"\n{part}:\n" in result.stdout for part in ("back-ends", "devices", "recordings of speech"))
