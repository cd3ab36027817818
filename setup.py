"""Puts the recipes of the folder graphs/ into the package mmgraph.graphs; everything else stands in pyproject.toml."""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithRecipes(build_py):
    """Copies two folders into one package, which the `package-dir` table cannot say."""

    def find_package_modules(self, package: str, package_dir: str) -> list[tuple[str, str, str]]:
        """List (package, module, file) of every module, for mmgraph.graphs the recipes too."""
        modules = super().find_package_modules(package, package_dir)
        if package == "mmgraph.graphs":
            modules += [(package, recipe.stem, str(recipe)) for recipe in sorted(Path("graphs").glob("*.py"))]
        return modules


setup(cmdclass={"build_py": BuildWithRecipes})
