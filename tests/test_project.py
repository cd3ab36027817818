"""The project as a whole: its files agree with each other, its doors are light, its wheel is complete."""

import ast
import importlib
import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import mmgraph
import mmgraph.graphs

TOP = Path(__file__).resolve().parents[1]
PYPROJECT = tomllib.loads((TOP / "pyproject.toml").read_text())
# The Python index's name -> conda-forge's name, where they differ.
CONDA_NAMES = {
    "matplotlib": "matplotlib-base",
    "soundfile": "pysoundfile",
    "torch": "pytorch",
    "torch-geometric": "pytorch_geometric",
}
SLOW_PACKAGES = {
    "lightning",
    "lightning_fabric",
    "matplotlib",
    "networkx",
    "numba",
    "soundfile",
    "torch_geometric",
    "torch_scatter",
    "triton",
}
DOORS = sorted((TOP / "mmgraph").rglob("__init__.py"))
LIGHT_ROOMS = [room for room in ("graph", "ops", "nn") if (TOP / "mmgraph" / room / "__init__.py").is_file()]
RECIPES = [path.stem for path in sorted((TOP / "graphs").glob("*.py"))]


def specifiers(lines: list[str]) -> dict[str, SpecifierSet]:
    return {requirement.name: requirement.specifier for requirement in map(Requirement, lines)}


def run_python(code: str, cwd: Path = TOP, path: Path = TOP) -> str:
    """Runs a fresh interpreter that sees the package under `path` and nothing of this test run."""
    environment = {**os.environ, "PYTHONPATH": str(path)}
    done = subprocess.run([sys.executable, "-c", code], cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def project_files() -> Iterator[Path]:
    folders = [TOP / name for name in (".ci", "benchmarks", "graphs", "mmgraph", "tests")]
    yield from (path for path in TOP.iterdir() if path.is_file())
    yield from (path for folder in folders for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")


def test_the_conda_environment_has_the_names_and_floors_of_pyproject() -> None:
    environment = yaml.safe_load((TOP / "environment.yml").read_text())
    listed = [line for line in environment["dependencies"] if isinstance(line, str)]
    from_pip = [line for entry in environment["dependencies"] if isinstance(entry, dict) for line in entry["pip"]]
    expected = {
        CONDA_NAMES.get(name, name): floor for name, floor in specifiers(PYPROJECT["project"]["dependencies"]).items()
    }
    expected |= {"python": SpecifierSet(PYPROJECT["project"]["requires-python"]), "pip": SpecifierSet()}
    assert specifiers(listed + from_pip) == expected
    assert environment["channels"][0] == "conda-forge"


def test_every_dependency_is_pinned_to_a_version_that_pyproject_allows() -> None:
    lines = [line.partition("#")[0].strip() for line in (TOP / "constraints.txt").read_text().splitlines()]
    pins = dict(line.split("==") for line in lines if "==" in line)
    extras = PYPROJECT["project"]["optional-dependencies"]
    wanted = specifiers([*PYPROJECT["project"]["dependencies"], *extras["dev"], *extras["scatter"]])
    del wanted["triton"]  # torch chooses its triton
    assert [name for name, specifier in wanted.items() if pins.get(name, "0") not in specifier] == []
    assert pins["torch"] == "2.13.0"


def test_the_malicious_lightning_releases_are_excluded() -> None:
    allowed = specifiers(PYPROJECT["project"]["dependencies"])["lightning-fabric"]
    assert [version for version in ("2.6.1", "2.6.2", "2.6.3", "2.6.4") if version in allowed] == ["2.6.1", "2.6.4"]


def test_the_licence_is_mit_and_named_in_pyproject() -> None:
    assert (TOP / "LICENSE").read_text().startswith("MIT License\n")
    assert PYPROJECT["project"]["license"] == "MIT"


def test_the_changelog_has_a_section_for_the_current_version() -> None:
    assert re.search(rf"^## \[{re.escape(mmgraph.__version__)}\]", (TOP / "CHANGELOG.md").read_text(), re.MULTILINE)


def test_contributing_says_how_to_add_each_kind_of_part() -> None:
    rows = re.findall(r"^\| \*\*(.+?)\*\* \|.+\|.+\|$", (TOP / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    parts = "modality, front end, relation rule, conv, pool, model, task, data set, recipe, benchmark suite, figure"
    assert {*parts.split(", "), "operator back-end"} <= set(rows)


@pytest.mark.parametrize("target", ["demo", "test", "lint", "bench", "scatter"])
def test_the_makefile_has_the_target(target: str) -> None:
    assert re.search(rf"^{target}:", (TOP / "Makefile").read_text(), re.MULTILINE)


def test_the_ci_script_can_be_run() -> None:
    assert os.access(TOP / ".ci" / "run", os.X_OK)


def test_no_file_holds_a_path_of_one_machine() -> None:
    machine_path = re.compile(rb"(?<![\w.])/(home|work|root)/")
    contents = {str(path.relative_to(TOP)): path.read_bytes() for path in project_files()}
    texts = {path: content for path, content in contents.items() if b"\0" not in content}
    assert {path for path, text in texts.items() if machine_path.search(text)} == set()


@pytest.mark.parametrize("door", DOORS, ids=lambda door: str(door.relative_to(TOP)))
def test_every_room_has_a_docstring_and_lists_names_that_exist(door: Path) -> None:
    module = importlib.import_module(".".join(door.relative_to(TOP).parent.parts))
    assert module.__doc__
    assert [name for name in module.__all__ if not hasattr(module, name)] == []


def test_importing_the_package_imports_nothing_slow() -> None:
    loaded = run_python("import mmgraph, sys; print(*sys.modules)").split()
    assert SLOW_PACKAGES.union({"torch", "numpy"}).intersection(loaded) == set()


def test_graph_ops_and_nn_need_torch_and_numpy_only() -> None:
    code = f"import sys; sys.modules.update(dict.fromkeys({sorted(SLOW_PACKAGES)}))\n"  # None: importing it is an error
    run_python(code + "\n".join(f"import mmgraph.{room}" for room in LIGHT_ROOMS))


def test_only_the_command_line_imports_recipes() -> None:
    importers = set()
    for path in (TOP / "mmgraph").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            if any(f"{name}.".startswith("mmgraph.graphs.") for name in names):
                importers.add(path.relative_to(TOP / "mmgraph").parts[0])
    assert importers <= {"cli", "cli.py"}


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_checkout_finds_the_recipe(recipe: str) -> None:
    module = importlib.import_module(f"mmgraph.graphs.{recipe}")
    assert Path(str(module.__file__)) == TOP / "graphs" / f"{recipe}.py"


def test_a_wheel_holds_the_recipes_and_data_and_finds_them(tmp_path: Path) -> None:
    """Builds the modules as a wheel holds them, elsewhere, and imports every recipe from there."""
    build = [sys.executable, "setup.py", "--quiet", "build_py", "--build-lib", str(tmp_path)]
    done = subprocess.run(build, cwd=TOP, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    kinds = {".py", ".typed", ".flac", ".json", ".html", ".css", ".js"}
    source = {path for path in (TOP / "mmgraph").rglob("*") if path.suffix in kinds}
    expected = {path.relative_to(TOP) for path in source} | {Path(f"mmgraph/graphs/{recipe}.py") for recipe in RECIPES}
    assert {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()} == expected
    names = ["mmgraph.graphs", *(f"mmgraph.graphs.{recipe}" for recipe in RECIPES)]
    code = f"import importlib\nfor name in {names}: print(importlib.import_module(name).__file__)"
    found = run_python(code, cwd=tmp_path, path=tmp_path).split()
    assert {Path(file).parent for file in found} == {tmp_path / "mmgraph" / "graphs"}


def test_torch_scatter_is_there_where_it_is_required() -> None:
    """CI builds it and sets the variable, so that the tests of its back-end cannot be left out unseen."""
    if os.environ.get("MMGRAPH_REQUIRE_SCATTER") == "1":
        assert importlib.util.find_spec("torch_scatter") is not None, "run `make scatter`"
        assert hasattr(importlib.import_module("torch_scatter"), "segment_csr")


def test_shapes_are_checked_exactly_when_the_run_asks_for_it(pytestconfig: pytest.Config) -> None:
    asked = bool(pytestconfig.getoption("--jaxtyping-packages"))
    assert type(mmgraph.graphs.__loader__).__module__.startswith("jaxtyping") == asked


@pytest.mark.unchecked
def test_the_unchecked_part_runs_the_package_as_it_ships(pytestconfig: pytest.Config) -> None:
    assert not pytestconfig.getoption("--jaxtyping-packages")
    assert not type(mmgraph.graphs.__loader__).__module__.startswith("jaxtyping")
