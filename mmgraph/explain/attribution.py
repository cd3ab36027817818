"""`Attribution`: what every explanation gives, whatever its method: numbers for nodes, edges, relations, modalities."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mmgraph.explain.nodes import NodeRef, destinations, edges_of, find_graph, locate, node_refs
from mmgraph.explain.score import Score
from mmgraph.graph import GraphBatch

if TYPE_CHECKING:
    import pandas

Level = Literal["nodes", "edges", "relations", "modalities"]


class Method(Protocol):
    """A way to explain: a frozen dataclass with its settings, called with model, graphs and score.

    Example:
        >>> from mmgraph.explain import RandomScores
        >>> graphs = GraphBatch.single({"text": torch.rand(2, 3)}, {})
        >>> method: Method = RandomScores(seed=1)
        >>> method(nn.Identity(), graphs, lambda outputs, graph: outputs.sum(1)).nodes.shape
        torch.Size([2])
    """

    def __call__(self, model: nn.Module, graphs: GraphBatch, score: Score) -> "Attribution":
        """The attribution of the score of each graph. The model stays as it is."""
        ...


@dataclass(frozen=True, eq=False)
class Attribution:
    """How much each part of each graph counts for a score of the model's output.

    Larger is more in favour of the score, negative is against it, but what one unit is differs from method to method,
    see `meaning`: compare values within an attribution, and methods by `evaluate`.

    Attributes:
        method: what made it.
        meaning: what a value says.
        graphs: what was explained.
        nodes: a value per node, in the order of `FlatGraph`; None where the method has none.
        edges: a value per edge, likewise.
        relations: a value per graph and relation.
        modalities: a value per graph and modality; 0 for a modality that the graph lacks.

    Raises:
        ValueError: if there is no value at all, or a shape is not that of the graphs.

    Example:
        >>> graphs = GraphBatch.single({"text": torch.rand(2, 3)}, {}, attributes={"text": {"text": ["two", "dogs"]}})
        >>> found = Attribution("by hand", "", graphs, nodes=torch.tensor([0.25, 0.5]))
        >>> [(node.label, value) for node, value in found.top("0", 1)], found.of("text").tolist()
        ([('dogs', 0.5)], [0.25, 0.5])
    """

    method: str
    meaning: str
    graphs: GraphBatch
    nodes: Float[Tensor, " nodes"] | None = None
    edges: Float[Tensor, " edges"] | None = None
    relations: Float[Tensor, "graphs relations"] | None = None
    modalities: Float[Tensor, "graphs modalities"] | None = None

    def __post_init__(self) -> None:
        graphs, schema = self.graphs, self.graphs.schema
        shapes = {
            "nodes": (graphs.num_nodes,),
            "edges": (graphs.num_edges,),
            "relations": (graphs.num_graphs, len(schema.edge_types)),
            "modalities": (graphs.num_graphs, len(schema.modalities)),
        }
        given = {name: getattr(self, name) for name in shapes if getattr(self, name) is not None}
        if not given:
            raise ValueError(f"{self.method} attributes nothing: give {', '.join(shapes)}, or some of them")
        for name, values in given.items():
            if values.shape != shapes[name]:
                raise ValueError(f"{self.method}: {name} are {list(shapes[name])} here, got {list(values.shape)}")

    def level(self, level: Level) -> Tensor:
        """The values of one level. Raises ValueError if the method gives none."""
        if level not in get_args(Level):
            raise ValueError(f"{level=} is not one of {', '.join(get_args(Level))}")
        values = getattr(self, level)
        if values is None:
            has = [name for name in get_args(Level) if getattr(self, name) is not None]
            raise ValueError(f"{self.method} gives no {level}, only {', '.join(has)}; take a method that does")
        return values

    def of(self, modality: str) -> Float[Tensor, " nodes"]:
        """The values of the nodes of one modality, of all graphs. Raises ValueError where there are none."""
        number = self.graphs.schema.modality_id(modality)
        return self.level("nodes").split(self.graphs.flat.num_nodes)[number]

    def modality_sums(self) -> Float[Tensor, "graphs modalities"]:
        """The sum over the nodes of each graph and modality. Raises ValueError where nodes have no values."""
        values, flat = self.level("nodes"), self.graphs.flat
        segment = torch.repeat_interleave(flat.segment.diff())
        sums = values.new_zeros(flat.segment.numel() - 1).index_add_(0, segment, values)
        return sums.view(-1, flat.num_graphs).T

    def relation_sums(self) -> Float[Tensor, "graphs relations"]:
        """The sum over the edges of each graph and relation. Raises ValueError where edges have no values."""
        values, flat = self.level("edges"), self.graphs.flat
        graph, _ = locate(flat, destinations(flat))
        sums = values.new_zeros(flat.num_graphs, len(self.graphs.schema.edge_types))
        return sums.index_put_((graph, flat.relation.long()), values, accumulate=True)

    def top(self, sample: str, number: int = 5, *, modality: str | None = None) -> list[tuple[NodeRef, float]]:
        """The nodes of one sample with the largest values, the largest first; of one modality if given.

        Raises:
            ValueError: if there is no such sample, modality or level.
        """
        graph = find_graph(self.graphs, sample)
        flat, values = self.graphs.flat, self.level("nodes").detach().cpu()
        rows = torch.cat([torch.arange(*pair) for pair in flat.segment.cpu().unfold(0, 2, 1)[graph :: flat.num_graphs]])
        named = list(zip(node_refs(self.graphs[graph]), values[rows].tolist(), strict=True))
        if modality is not None:
            self.graphs.schema.modality_id(modality)
            named = [(node, value) for node, value in named if node.modality == modality]
        return sorted(named, key=lambda pair: -pair[1])[:number]

    def top_edges(self, sample: str, number: int = 5) -> list[tuple[NodeRef, str, NodeRef, float]]:
        """The edges of one sample with the largest values, as source, name of the relation, destination and value.

        Raises:
            ValueError: if there is no such sample, or edges have no values.
        """
        graph = find_graph(self.graphs, sample)
        flat, values = self.graphs.flat, self.level("edges").detach()
        rows = edges_of(flat, graph)
        rows = rows[values[rows].argsort(descending=True, stable=True)[:number]]
        refs = node_refs(self.graphs)
        names = self.graphs.schema.edge_types
        columns = (flat.src[rows], flat.relation[rows], destinations(flat)[rows], values[rows])
        return [
            (refs[src], names[relation][1], refs[dst], value)
            for src, relation, dst, value in zip(*(column.tolist() for column in columns), strict=True)
        ]

    def to_frame(self) -> "pandas.DataFrame":
        """A pandas table with a row per value and the columns method, level, graph, name, index, label, value.

        `name` is the modality or the relation; `index` numbers a node within its graph and modality, an edge within its
        graph, and is 0 for the other levels.

        Raises:
            ImportError: if pandas is not installed.
        """
        from mmgraph.explain.export import attribution_frame

        return attribution_frame(self)
