"""`AttentionFlow`: attention as an attribution, to be measured against the others."""

from dataclasses import dataclass

import torch
from torch import nn

from mmgraph.explain.attribution import Attribution
from mmgraph.explain.copies import Copies, ready
from mmgraph.explain.flow import flow_through_edges, flow_to_output
from mmgraph.explain.recording import record_attention
from mmgraph.explain.score import Score
from mmgraph.graph import GraphBatch


@dataclass(frozen=True)
class AttentionFlow:
    """The attention that reaches the pooled output from each node and through each edge.

    It knows neither the score nor the signs of values: it says where a model looks, for every class the same.

    Args:
        edges: whether edges get values; False for models that learn edges.
        residual: see `flow_to_output`.
        batch_size: graphs per forward pass.

    Raises:
        ValueError: when called, as `flow_through_edges` and `record_attention` do, or if `batch_size` is below 1.

    Example:
        >>> from mmgraph.explain import OutputScore
        >>> from mmgraph.models import GraphFusion
        >>> graphs = GraphBatch.single({"text": torch.rand(2, 3)}, {})
        >>> found = AttentionFlow()(GraphFusion(graphs.schema, 2, hidden_channels=4), graphs, OutputScore(0))
        >>> round(float(found.nodes.sum()), 4)
        1.0
    """

    edges: bool = True
    residual: float = 0.5
    batch_size: int = 256

    def __call__(self, model: nn.Module, graphs: GraphBatch, score: Score) -> Attribution:
        """The attribution of nodes and edges."""
        if self.batch_size < 1:
            raise ValueError(f"batch_size={self.batch_size} is at least 1")
        with ready(model, graphs) as batch, torch.no_grad(), record_attention(model) as records:
            nodes = torch.zeros(batch.num_nodes, dtype=batch.dtype, device=batch.device)
            edges = torch.zeros(batch.num_edges, dtype=batch.dtype, device=batch.device)
            for start in range(0, batch.num_graphs, self.batch_size):
                stop = min(start + self.batch_size, batch.num_graphs)
                copies = Copies.of(batch, torch.arange(start, stop, device=batch.device))
                model(copies.batch)
                record = records.pop()
                nodes[copies.node] = flow_to_output(record, residual=self.residual).to(nodes)
                if self.edges:
                    edges[copies.edge] = flow_through_edges(record, residual=self.residual).to(edges)
        return Attribution(
            "attention flow",
            "attention that reaches the pooled output from the node, or through the edge",
            graphs,
            nodes=nodes.to(graphs.device),
            edges=edges.to(graphs.device) if self.edges else None,
        )
