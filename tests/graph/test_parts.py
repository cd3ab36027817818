import pytest
from hypothesis import given

from mmgraph.graph import GraphBatch
from mmgraph.graph.compare import difference
from mmgraph.graph.parts import put_together, take_apart
from tests.strategies import batches


@pytest.mark.unchecked
@given(batches())
def test_a_batch_is_put_together_again_from_its_tensors(batch: GraphBatch) -> None:
    parts = take_apart(batch)
    assert difference(put_together(batch.schema, parts), batch) is None
    for missing in parts:
        with pytest.raises(KeyError):
            put_together(batch.schema, {path: value for path, value in parts.items() if path != missing})
