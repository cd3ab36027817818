import os
import pickle
import subprocess
import sys
from dataclasses import replace
from io import BytesIO

import joblib
import pytest
import torch
from hypothesis import given
from joblib.externals.loky.backend import reduction

from mmgraph.graph import Field, GraphBatch, GraphSchema, NodeSet
from mmgraph.graph.compare import difference
from tests.strategies import batches, read

NEXT = ("text", "next", "text")
GRAPH = GraphBatch.single(
    {"text": torch.tensor([[0.0], [1.0]])},
    {NEXT: torch.tensor([[0], [1]])},
    edge_features={NEXT: torch.tensor([[0.5]])},
    attributes={"text": {"text": ["a", "b"]}},
    targets={"y": torch.tensor(1)},
    id="cat",
)


@pytest.mark.unchecked
@given(batches())
def test_pickling_keeps_everything(batch: GraphBatch) -> None:
    _ = batch.flat, batch.present
    back = pickle.loads(pickle.dumps(batch))
    assert difference(back, batch) is None
    assert back.flat.src.equal(batch.flat.src)


def test_joblib_takes_batches_to_files_and_to_other_processes() -> None:
    batch = GraphBatch.concat([GRAPH] * 3)[[2, 0]]
    file = BytesIO()
    joblib.dump(batch, file)
    assert difference(joblib.load(BytesIO(file.getvalue())), batch) is None
    sent = reduction.loads(reduction.dumps(lambda: batch))  # as loky sends a task
    assert difference(sent(), batch) is None


def test_a_pickled_slice_does_not_carry_the_whole() -> None:
    batch = GraphBatch.concat([GRAPH] * 500)
    assert len(pickle.dumps(batch[7:9])) < len(pickle.dumps(batch)) / 5
    assert difference(pickle.loads(pickle.dumps(batch[7:9])), batch[[7, 8]]) is None


@pytest.mark.unchecked
@given(batches())
def test_moving_takes_a_flat_view_along_and_shares_what_it_shares(batch: GraphBatch) -> None:
    assert "flat" not in batch.map(torch.clone).__dict__
    flat = batch.flat
    moved = batch.map(torch.clone)
    assert moved.__dict__["flat"].src.equal(flat.src)
    assert moved.flat.relation is moved.edges.relation
    for relation, features in zip(batch.schema.edge_types, moved.flat.features, strict=True):
        assert features is moved.edges.features.get(relation)
    assert difference(moved, batch) is None
    assert difference(batch.to("cpu"), batch) is None


def test_a_batch_can_be_moved_to_a_device_without_values() -> None:
    batch = GraphBatch.concat([GRAPH, GRAPH])
    rowptr = batch.flat.rowptr
    moved = batch.to("meta")
    assert moved.device == torch.device("meta")
    assert moved.flat.rowptr.device == moved.device
    assert moved.flat.rowptr.shape == rowptr.shape


@pytest.mark.skipif(not torch.cuda.is_available(), reason="page-locked memory needs a GPU")
def test_pinned_graphs_are_the_same_and_come_to_a_gpu() -> None:
    batch = GraphBatch.concat([GRAPH] * 3)
    _ = batch.flat
    pinned = batch.pin_memory()
    assert pinned.edges.src.is_pinned()
    moved = pinned.to("cuda", non_blocking=True)
    assert moved.flat.src.is_cuda
    assert difference(moved[[2, 0]].to("cpu"), batch[[2, 0]]) is None
    assert difference(moved, batch) is None


@pytest.mark.unchecked
@given(batches())
def test_counts_follow_from_the_nodes_and_double_changes_features_only(batch: GraphBatch) -> None:
    graphs = read(batch)
    assert batch.num_nodes == sum(len(rows) for graph in graphs for rows in graph["nodes"].values())
    assert batch.num_edges == sum(len(rows) for graph in graphs for rows in graph["edges"].values())
    assert batch.present.tolist() == [[bool(rows) for rows in graph["nodes"].values()] for graph in graphs]
    assert len(list(batch)) == batch.num_graphs == len(graphs)
    double = batch.double()
    assert double.dtype == torch.float64
    assert read(double) == graphs
    assert all(values.dtype == torch.float64 for values in double.edges.features.values())
    assert all(double.targets[name] is target for name, target in batch.targets.items())


def test_a_relation_is_found_by_its_name() -> None:
    assert GRAPH.relation(NEXT).dst.tolist() == [1]
    with pytest.raises(ValueError, match=r"unknown relation \('text', 'near', 'text'\)"):
        GRAPH.relation(("text", "near", "text"))


def test_batches_of_other_schemas_or_dtypes_are_not_concatenated() -> None:
    with pytest.raises(ValueError, match="nothing to concatenate"):
        GraphBatch.concat([])
    other = GraphBatch.single({"text": torch.zeros(1, 1)}, {})
    with pytest.raises(ValueError, match="batch 1 has another schema than batch 0: GraphSchema"):
        GraphBatch.concat([GRAPH, other])
    with pytest.raises(ValueError, match=r"batch 1 has torch.float64 features, batch 0 torch.float32; use .double"):
        GraphBatch.concat([GRAPH, GRAPH.double()])


def test_a_schema_without_relations_is_ordinary() -> None:
    schema = GraphSchema({"text": 1, "image": 2}, targets={"tag": Field("int64", of="text")})
    words = NodeSet.of([torch.zeros(2, 1), torch.ones(1, 1)])
    batch = GraphBatch.build(schema, {"text": words}, {}, {"tag": torch.tensor([3, 4, 5])})
    picked = batch[[1, 0, 1]]
    assert picked.targets["tag"].values.tolist() == [5, 3, 4, 5]
    assert picked.flat.rowptr.tolist() == [0] * 5
    assert picked.flat.features == picked.flat.feature_edges == ()
    assert repr(picked) == "GraphBatch(3 graphs; nodes: text 4x1, image 0x2; edges: none; targets: tag)"


def test_a_batch_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        GRAPH.nodes["image"] = GRAPH.nodes["text"]  # type: ignore[index]
    with pytest.raises(AttributeError):
        GRAPH.schema = GRAPH.schema  # type: ignore[misc]
    assert replace(GRAPH, ids=GRAPH.ids).equal(GRAPH)


def test_the_doors_of_a_batch_lead_to_other_containers_and_back() -> None:
    schema = GRAPH.schema
    assert GraphBatch.from_pyg(GRAPH.to_pyg(), schema).equal(GRAPH)
    assert GraphBatch.from_networkx(GRAPH.to_networkx(), schema).equal(GRAPH)


def test_importing_the_room_needs_torch_numpy_and_jaxtyping_only() -> None:
    code = "import mmgraph.graph, sys; print({'torch_geometric', 'networkx', 'safetensors'} & set(sys.modules))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    # A fresh interpreter: torch itself imports networkx only when it compiles.
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
