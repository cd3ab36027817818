"""Recipes: one short module per kind of graph, such as ``mmgraph.graphs.spoken_grid``.

In a checkout the recipes stand in the folder ``graphs/`` at the top, where they are easy to find and to copy; a wheel
holds them beside this file. Either way they are imported as ``mmgraph.graphs.<name>``.
"""

from pathlib import Path

__all__: list[str] = []

_TOP = Path(__file__).resolve().parents[2]
# The marker file tells a checkout from site-packages, where a folder `graphs` would belong to somebody else.
if (_TOP / "pyproject.toml").is_file():
    __path__.append(str(_TOP / "graphs"))
