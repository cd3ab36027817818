"""What a readout spans, and the way from runs to rows and back."""

import pytest
import torch

from mmgraph.graph import GraphBatch
from mmgraph.nn.pool.runs import present, results_of, runs


def test_what_is_present_is_what_the_batch_says(graphs: GraphBatch) -> None:
    assert torch.equal(present(graphs.flat), graphs.present)


@pytest.mark.parametrize("span", ["modality", "graph"])
def test_every_run_holds_the_nodes_that_it_should_and_values_find_back(graphs: GraphBatch, span: str) -> None:
    numbers = torch.arange(float(graphs.num_nodes)).unsqueeze(1)
    parts = runs(numbers, graphs.flat, span)  # type: ignore[arg-type]
    segments = torch.repeat_interleave(graphs.flat.segment.diff())
    per_graph = results_of(graphs.schema, span)  # type: ignore[arg-type]
    assert parts.shape == (len(graphs), per_graph)
    for i in range(len(graphs) * per_graph):
        of = segments if span == "modality" else segments % len(graphs)
        assert torch.equal(parts.rows[parts.ptr[i] : parts.ptr[i + 1], 0].long(), (of == i).nonzero().flatten())
    assert torch.equal(parts.flat(parts.rows), numbers)
