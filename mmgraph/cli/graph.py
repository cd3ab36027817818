"""`mmgraph graph`: the recipes, and the graph that each makes of its sample: as text, as a file, as a drawing."""

import importlib
import json
import pkgutil
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import mmgraph.graphs
from mmgraph.graph import GraphBatch, describe

if TYPE_CHECKING:
    from networkx import MultiDiGraph

FORMATS = (".graphml", ".gexf", ".json")


def names() -> list[str]:
    """The recipes, in alphabetical order.

    Example:
        >>> "mtag" in names()
        True
    """
    return sorted(module.name for module in pkgutil.iter_modules(mmgraph.graphs.__path__))


def recipe(name: str) -> ModuleType:
    """A recipe's module.

    Raises:
        ValueError: if there is no such recipe.
    """
    if name not in names():
        raise ValueError(f"{name!r} is no recipe: {', '.join(names())}")
    return importlib.import_module(f"mmgraph.graphs.{name}")


def listing() -> str:
    """A line per recipe."""
    width = max(map(len, names()))
    return "\n".join(f"{name:{width}s}  {_title(name)}" for name in names())


def sample_graph(name: str) -> GraphBatch:
    """The graph of a recipe's sample."""
    module = recipe(name)
    raw = module.sample()
    return module.build().fit([raw])([raw])


def run_graph(name: str, *, out: Path | None = None, draw: Path | None = None) -> str:
    """What a recipe makes, as text; writes its graph to `out` and a drawing of its schema to `draw`.

    Raises:
        ValueError: on an unknown recipe, or a file that is none of `FORMATS`.
    """
    if out is not None and out.suffix not in FORMATS:
        raise ValueError(f"{out.name}: the graph is written as {', '.join(FORMATS)}")
    graph = sample_graph(name)
    lines = [_title(name), "", describe(graph)]
    if out is not None:
        write(graph, out)
        lines.append(f"wrote {out}")
    if draw is not None:
        from matplotlib import pyplot as plt

        from mmgraph.viz import draw_schema

        figure, ax = plt.subplots(figsize=(8, 6), layout="constrained")
        draw_schema(graph.schema, ax=ax)
        figure.savefig(draw, dpi=150)
        plt.close(figure)
        lines.append(f"wrote {draw}")
    return "\n".join(lines)


def write(graph: GraphBatch, path: Path) -> None:
    """Writes one graph as GraphML, GEXF or JSON (node-link); lists are JSON text in the first two."""
    import networkx as nx

    network = graph.to_networkx()[0]
    if path.suffix == ".json":
        text = json.dumps(nx.node_link_data(_named(network, flat=False), edges="edges"), indent=1)
        path.write_text(text + "\n", encoding="utf-8")
    elif path.suffix == ".gexf":
        nx.write_gexf(_named(network, flat=True), path)
    else:
        nx.write_graphml(_named(network, flat=True), path)


def _named(network: "MultiDiGraph", *, flat: bool) -> "MultiDiGraph":
    """The same network with names for nodes, "image 3", and only values that a file can hold."""
    import networkx as nx

    graph = nx.MultiDiGraph()
    name = {node: " ".join(map(str, node)) if isinstance(node, tuple) else str(node) for node in network}
    for node, data in network.nodes(data=True):
        graph.add_node(name[node], **_plain(data, flat=flat))
    for src, dst, data in network.edges(data=True):
        graph.add_edge(name[src], name[dst], **_plain(data, flat=flat))
    return graph


def _plain(data: Mapping[str, Any], *, flat: bool) -> dict[str, Any]:
    values = {key: value for key, value in data.items() if value is not None}
    if not flat:
        return values
    scalar = (str, int, float, bool)
    return {key: value if isinstance(value, scalar) else json.dumps(value) for key, value in values.items()}


def _title(name: str) -> str:
    return (recipe(name).__doc__ or name).splitlines()[0]
