import networkx
import pytest
import torch

from mmgraph.explain import AttentionRecord, Attribution, Estimate, Evaluation, LayerAttention, Measures
from mmgraph.graph import GraphBatch


def test_the_table_has_a_row_per_layer_edge_and_head(batch: GraphBatch, record):
    made = record(batch)
    frame = made.to_frame()
    assert len(frame) == 2 * 2 * batch.num_edges
    rows = [
        (
            e.layer,
            e.scope,
            e.graph,
            *e.relation,
            e.source.index,
            e.source.label,
            e.destination.index,
            e.destination.label,
        )
        for number in range(3)
        for e in made.edges(number)
    ]
    columns = ["layer", "scope", "graph", "src_modality", "relation", "dst_modality"]
    columns += ["source", "source_label", "destination", "destination_label"]
    assert list(frame.columns)[-2:] == ["head", "alpha"]
    assert sorted(rows) == sorted(frame[frame["head"] == 1][columns].itertuples(index=False, name=None))
    sums = frame.groupby(["layer", "head", "graph", "dst_modality", "destination"])["alpha"].sum()
    assert (sums - 1).abs().max() < 1e-5


def test_the_table_says_text_box_and_time_of_both_ends(batch: GraphBatch, record):
    made = record(batch, layers=1)
    frame = made.to_frame()
    frame = frame[frame["head"] == 0]
    edges = [edge for number in range(3) for edge in made.edges(number)]
    assert len(edges) == len(frame)
    for modality, columns in (("image", ["x1", "y1", "x2", "y2"]), ("audio", ["start", "end"])):
        for end in ("source", "destination"):
            own = frame["src_modality" if end == "source" else "dst_modality"] == modality
            given = frame[[f"{end}_{column}" for column in columns]]
            assert given[own].notna().all(axis=None) and given[~own].isna().all(axis=None)
            places = [getattr(edge, end) for edge in edges if getattr(edge, end).modality == modality]
            expected = sorted(place.box or place.span for place in places)
            assert sorted(given[own].itertuples(index=False, name=None)) == expected
    words = frame[frame["src_modality"] == "text"]
    assert (words["source_text"] == words["source_label"]).all()


def test_a_table_needs_a_layer(batch: GraphBatch):
    with pytest.raises(ValueError, match="no conv with attention"):
        AttentionRecord(batch, (), ()).to_frame()


def test_without_pandas_the_message_says_how_to_get_it(batch: GraphBatch, record, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(ImportError, match=r"pip install 'mmgraph\[pandas\]'"):
        record(batch).to_frame()


def test_networkx_keeps_every_edge_and_its_weights(batch: GraphBatch, record):
    made = record(batch)
    network = made.to_networkx(0, layer=0)
    assert network.number_of_nodes() == 9
    expected = sorted((e.source.label, e.destination.label, e.relation[1], e.mean, *e.alpha) for e in made.edges(0, 0))
    labels = network.nodes(data="label")
    assert expected == sorted(
        (labels[a], labels[b], d["relation"], d["weight"], d["head_0"], d["head_1"])
        for a, b, d in network.edges(data=True)
    )
    assert network.nodes["audio 1"]["start"] == pytest.approx(0.1)
    assert network.nodes["image 0"]["y2"] == 1.0


@pytest.mark.parametrize("write", [networkx.write_gexf, networkx.write_graphml])
def test_networkx_graphs_can_be_written_for_other_tools(batch: GraphBatch, record, write, tmp_path):
    write(record(batch).to_networkx(2), tmp_path / "graph.xml")
    assert "text 0" in (tmp_path / "graph.xml").read_text()


def test_a_record_is_written_as_its_ending_says_even_with_tokens_that_xml_cannot_hold(tmp_path):
    batch = GraphBatch.single(
        {"text": torch.zeros(2, 1)},
        {("text", "next", "text"): torch.tensor([[0], [1]])},
        attributes={"text": {"text": ["bell\a", "<&>"]}},
        id="odd\x01",
    )
    layer = LayerAttention("conv", "node", batch.schema.edge_types, torch.tensor([[0.5]]), batch.flat)
    made = AttentionRecord(batch, (layer,), ())
    for name, read in (("a.gexf", networkx.read_gexf), ("a.graphml", networkx.read_graphml)):
        made.write(tmp_path / name, 0)
        back = read(tmp_path / name)
        labels = {key: back.nodes[key]["label"] for key in back.nodes}
        assert labels == {"text 0": "bell\ufffd", "text 1": "<&>"}
        assert [data["weight"] for *_, data in back.edges(data=True)] == [0.5]
    with pytest.raises(ValueError, match=r"'a.dot' ends neither in .gexf nor in .graphml"):
        made.write(tmp_path / "a.dot", 0)


def test_an_attribution_has_a_row_per_value(batch: GraphBatch):
    values = {
        "nodes": torch.arange(batch.num_nodes).float(),
        "edges": torch.arange(batch.num_edges).float(),
        "relations": torch.arange(12).view(3, 4).float(),
        "modalities": torch.arange(9).view(3, 3).float(),
    }
    frame = Attribution("by hand", "", batch, **values).to_frame()
    for level, given in values.items():
        rows = frame[frame["level"] == level]
        assert rows["value"].tolist() == given.flatten().tolist()
    nodes = frame[frame["level"] == "nodes"]
    assert nodes[nodes["graph"] == "no image"]["label"].tolist()[:2] == ["two", "dogs"]
    edges = frame[(frame["level"] == "edges") & (frame["graph"] == "all")]
    assert edges["index"].tolist() == list(range(batch[0].num_edges))
    assert set(edges["name"]) <= {"-".join(relation) for relation in batch.schema.edge_types}
    assert frame[frame["level"] == "modalities"]["label"].tolist() == ["image", "text", "audio"] * 3


def test_an_evaluation_has_a_row_per_method_and_measure():
    values = {name: Estimate.of(torch.tensor([low, low + 0.5])) for name, low in (("mine", 0.5), ("random", 0.25))}
    estimates = {name: {"sparsity": value} for name, value in values.items()}
    frame = Evaluation(estimates, {"mine": 1.0, "random": 0.0}, Measures(), 2).to_frame()
    assert frame["method"].tolist() == ["mine", "random"]
    assert frame["mean"].tolist() == [0.75, 0.5] and frame["above_random"].tolist() == [0.25, 0.0]
