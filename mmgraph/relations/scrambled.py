"""`Scrambled`: a control that keeps the form of a rule and forgets which node is which."""

from dataclasses import dataclass

import torch

from mmgraph.graph import EdgeList, NodeSet
from mmgraph.relations.chance import drawn
from mmgraph.relations.edge_sets import rows_of
from mmgraph.relations.pairs import edges_from_rows, order_in_graphs, pair_keys, rows_of_keys
from mmgraph.relations.rule import Rule


@dataclass(frozen=True)
class Scrambled:
    """Gives the edges of a rule to other nodes of the same graph: the same form, with its nodes changed about.

    Within a modality both ends of every edge are renamed alike, so a chain stays a chain and loops stay loops; across
    modalities the sources are, so every destination keeps as many edges as it had::

        a - b - c - d   becomes, say,   c - a - d - b

    A control: what a model reaches with it, it owes to how many edges there are and not to which. Edges between all
    nodes stay what they are. Each sample is scrambled in its own way, see `Random`. Edge features go with their edges.

    Args:
        rule: any rule.
        seed: another seed scrambles otherwise.

    Raises:
        ValueError: when called, if nodes have no attribute `sample`, which `GraphBuilder` lends.

    Example:
        >>> from mmgraph.relations import Window
        >>> nodes = NodeSet.of([torch.zeros(4, 1)], sample=[torch.zeros(4).long()])
        >>> edges = Scrambled(Window(1, -1))(nodes, nodes)
        >>> list(zip(edges.src.tolist(), edges.dst.tolist()))  # a chain still: 1, 2, 0, 3
        [(2, 0), (1, 2), (0, 3)]
    """

    rule: Rule
    seed: int = 0

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the edge features, those of `rule`."""
        return self.rule.feature_names

    def __call__(self, src: NodeSet, dst: NodeSet) -> EdgeList:
        """The edges; `src is dst` within a modality."""
        rows = torch.arange(src.num_nodes)
        place = rows - src.ptr[src.graph]
        renamed = order_in_graphs(src, drawn(self, src, rows, self.seed, place))
        edges = self.rule(src, dst)
        src_row, dst_row = rows_of(edges, src, dst)
        dst_row = renamed[dst_row] if src is dst else dst_row
        keys, order = pair_keys(src, renamed[src_row], dst_row).sort(stable=True)
        features = None if edges.features is None else edges.features[order]
        return edges_from_rows(src, dst, *rows_of_keys(src, keys), features)
