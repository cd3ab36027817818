import pytest
import torch

from mmgraph.explain import AttentionFlow, OutputScore, flow_through_edges, flow_to_output, record_attention
from mmgraph.graph import GraphBatch


@pytest.mark.parametrize("batch_size", [1, 3, 256])
def test_it_is_the_flow_to_the_output_whatever_the_batch_size(batch_size: int, typed: GraphBatch, fusion):
    found = AttentionFlow(residual=0.3, batch_size=batch_size)(fusion, typed, OutputScore(0))
    with record_attention(fusion.eval()) as records, torch.no_grad():
        fusion(typed)
    torch.testing.assert_close(found.nodes, flow_to_output(records[0], residual=0.3), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(found.edges, flow_through_edges(records[0], residual=0.3), atol=1e-5, rtol=1e-4)


def test_an_empty_pass_is_refused(typed: GraphBatch, fusion):
    with pytest.raises(ValueError, match="batch_size=0 is at least 1"):
        AttentionFlow(batch_size=0)(fusion, typed, OutputScore(0))
