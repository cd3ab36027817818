import networkx
import pytest

from mmgraph.explain import AttentionRecord
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
    columns = list(frame.columns)
    assert columns[-2:] == ["head", "alpha"]
    assert sorted(rows) == sorted(frame[frame["head"] == 1][columns[:-2]].itertuples(index=False, name=None))
    sums = frame.groupby(["layer", "head", "graph", "dst_modality", "destination"])["alpha"].sum()
    assert (sums - 1).abs().max() < 1e-5


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
