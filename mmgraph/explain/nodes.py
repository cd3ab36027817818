"""`NodeRef`: what a node of the flat graph is in its sample, a region, a token, a frame."""

from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from mmgraph.graph import FlatGraph, GraphBatch, NodeSet, Texts
from mmgraph.graph.ragged import gather_rows, to_ptr


@dataclass(frozen=True)
class NodeRef:
    """One node, as a reader knows it.

    Attributes:
        modality: its modality.
        index: its number within its graph and modality.
        text: the text of a token, or None.
        box: x1, y1, x2, y2 of a region in 0..1, or None.
        span: start and end in seconds, or None.

    Example:
        >>> NodeRef("image", 3, box=(0.0, 0.5, 0.25, 1.0)).label, NodeRef("audio", 0, span=(0.0, 0.08)).label
        ('[0.00 0.50 0.25 1.00]', '0.00-0.08 s')
        >>> NodeRef("text", 1, text="left").label, NodeRef("gaze", 2).label
        ('left', 'gaze 2')
    """

    modality: str
    index: int
    text: str | None = None
    box: tuple[float, ...] | None = None
    span: tuple[float, ...] | None = None

    @property
    def label(self) -> str:
        """The token's text, else the region's box, else the time, else modality and number."""
        if self.text is not None:
            return self.text
        if self.box is not None:
            return "[" + " ".join(f"{value:.2f}" for value in self.box) + "]"
        if self.span is not None:
            return f"{self.span[0]:.2f}-{self.span[1]:.2f} s"
        return f"{self.modality} {self.index}"


def node_refs(batch: GraphBatch) -> list[NodeRef]:
    """A `NodeRef` per node of all graphs of `batch`, in the order of `FlatGraph`.

    Example:
        >>> batch = GraphBatch.single({"text": torch.rand(2, 3)}, {}, attributes={"text": {"text": ["two", "dogs"]}})
        >>> [node.label for node in node_refs(batch)]
        ['two', 'dogs']
    """
    return [ref for modality, nodes in batch.nodes.items() for ref in _refs(modality, nodes)]


def find_graph(batch: GraphBatch, sample: str) -> int:
    """The number of the graph with this id. Raises ValueError if there is none, or several.

    Example:
        >>> find_graph(GraphBatch.single({"text": torch.rand(2, 3)}, {}, id="s1"), "s1")
        0
    """
    places = [i for i, name in enumerate(batch.ids.tolist()) if name == sample]
    if len(places) != 1:
        raise ValueError(f"{len(places)} of {batch.num_graphs} graphs have the id {sample!r}; exactly one is needed")
    return places[0]


def locate(graph: FlatGraph, nodes: Int[Tensor, " rows"]) -> tuple[Int[Tensor, " rows"], Int[Tensor, " rows"]]:
    """The graph of each of the given flat nodes, and its number within that graph and its modality.

    Example:
        >>> batch = GraphBatch.single({"image": torch.rand(2, 3), "text": torch.rand(1, 3)}, {})
        >>> of, index = locate(GraphBatch.concat([batch, batch]).flat, torch.tensor([1, 2, 5]))
        >>> of.tolist(), index.tolist()
        ([0, 1, 1], [1, 0, 0])
    """
    # Empty segments share their start with the next one: the last segment that starts at or before a node holds it.
    segment = torch.searchsorted(graph.segment[:-1], nodes.to(graph.segment.dtype), right=True) - 1
    return segment % graph.num_graphs, nodes - graph.segment[segment]


def destinations(graph: FlatGraph) -> Int[Tensor, " edges"]:
    """The flat destination node of each edge, int64.

    Example:
        >>> batch = GraphBatch.single({"image": torch.rand(2, 3), "text": torch.rand(1, 3)},
        ...                           {("image", "with", "text"): torch.tensor([[0, 1], [0, 0]])})
        >>> destinations(batch.flat).tolist()
        [2, 2]
    """
    nodes = torch.arange(graph.rowptr.numel() - 1, device=graph.rowptr.device)
    return nodes.repeat_interleave(graph.rowptr.diff(), output_size=graph.src.numel())


def edges_of(graph: FlatGraph, index: int) -> Int[Tensor, " graph_edges"]:
    """The rows of all edges of one graph.

    Example:
        >>> batch = GraphBatch.single({"text": torch.rand(2, 3)}, {("text", "next", "text"): torch.tensor([[0], [1]])})
        >>> edges_of(GraphBatch.concat([batch, batch]).flat, 1).tolist()
        [1]
    """
    segments = range(index, graph.segment.numel() - 1, graph.num_graphs)
    bounds = [(int(graph.rowptr[graph.segment[s]]), int(graph.rowptr[graph.segment[s + 1]])) for s in segments]
    return torch.cat([torch.arange(start, stop, device=graph.src.device) for start, stop in bounds])


@dataclass(frozen=True, eq=False)
class SingleGraph:
    """One graph of a flat batch, and where its nodes and edges were.

    Attributes:
        graph: the graph alone, without edge features.
        nodes: the row that each of its nodes has in the batch.
        edges: the row that each of its edges has in the batch.

    Example:
        >>> batch = GraphBatch.single({"text": torch.rand(2, 3)}, {("text", "next", "text"): torch.tensor([[0], [1]])})
        >>> one = SingleGraph.of(GraphBatch.concat([batch, batch]).flat, 1)
        >>> one.graph.src.tolist(), one.nodes.tolist(), one.edges.tolist()
        ([0], [2, 3], [1])
    """

    graph: FlatGraph
    nodes: Int[Tensor, " graph_nodes"]
    edges: Int[Tensor, " graph_edges"]

    @classmethod
    def of(cls, batch: FlatGraph, index: int) -> "SingleGraph":
        """The graph with that number."""
        starts, ends = batch.segment[:-1][index :: batch.num_graphs], batch.segment[1:][index :: batch.num_graphs]
        nodes, segment = gather_rows(starts, ends - starts)
        edges = edges_of(batch, index)
        place = torch.zeros(batch.rowptr.numel() - 1, dtype=torch.int32, device=nodes.device)
        place[nodes] = torch.arange(nodes.numel(), dtype=torch.int32, device=nodes.device)
        none = (None,) * len(batch.features)
        rowptr = to_ptr(batch.rowptr.diff()[nodes])
        counts = tuple((ends - starts).tolist())
        src, relation = place[batch.src[edges].long()], batch.relation[edges]
        return cls(FlatGraph(counts, 1, segment, rowptr, src, relation, none, none), nodes, edges)


def _refs(modality: str, nodes: NodeSet) -> list[NodeRef]:
    values = nodes.attributes
    texts, boxes, spans = values.get("text"), values.get("box"), values.get("span")
    text = texts.tolist() if isinstance(texts, Texts) else [None] * nodes.num_nodes
    box = [tuple(row) for row in boxes.tolist()] if isinstance(boxes, Tensor) else [None] * nodes.num_nodes
    span = [tuple(row) for row in spans.tolist()] if isinstance(spans, Tensor) else [None] * nodes.num_nodes
    index = [i for count in nodes.counts.tolist() for i in range(count)]
    return [NodeRef(modality, *row) for row in zip(index, text, box, span, strict=True)]
