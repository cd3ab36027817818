"""Nodes and edges of a batch as text."""

import torch

from mmgraph.graph import GraphBatch, GraphSchema, NodeSet, describe


def test_every_modality_and_relation_has_a_line_also_an_empty_one() -> None:
    schema = GraphSchema({"a": 2, "b": 0}, {("a", "to", "b"): ("length", "angle"), ("b", "to", "a"): ()})
    nodes = {"a": NodeSet.of([torch.zeros(2, 2), torch.zeros(1, 2)]), "b": NodeSet.of([torch.zeros(0, 0)] * 2)}
    assert describe(GraphBatch.build(schema, nodes, {})).splitlines() == [
        "2 graphs",
        "    3 nodes of a with 2 features",
        "    0 nodes of b",
        "    0 edges a -> to -> b with length and angle",
        "    0 edges b -> to -> a",
    ]
