import pytest

from mmgraph.graph import Field, GraphSchema
from mmgraph.graph.names import require_unique, target_names


def test_targets_bring_the_names_of_their_masks() -> None:
    schema = GraphSchema({"text": 1}, targets={"y": Field(), "tag": Field(of="text")})
    assert target_names(schema, None) == ["y", "y_mask"]
    assert target_names(schema, "text") == ["tag", "tag_mask"]


def test_a_name_that_stands_there_twice_is_refused() -> None:
    require_unique(["x", "y"], "HeteroData", "a graph")
    with pytest.raises(
        ValueError, match="HeteroData cannot hold 'x' of a graph: it keeps something else under this name"
    ):
        require_unique(["x", "y", "x"], "HeteroData", "a graph")
