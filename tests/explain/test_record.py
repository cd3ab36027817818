import pytest
import torch

from mmgraph.explain import AttentionRecord, LayerAttention, record_attention
from mmgraph.graph import EdgeList, FlatGraph, GraphBatch, GraphSchema


def test_edges_name_the_same_ends_as_the_graph_itself(batch: GraphBatch, record):
    made = record(batch)
    for number, single in enumerate(batch):
        rows = made.edges(number, layer=0)
        for relation in batch.schema.edge_types:
            edges = single.relation(relation)
            mine = sorted((e.source.index, e.destination.index) for e in rows if e.relation == relation)
            assert mine == sorted(zip(edges.src.tolist(), edges.dst.tolist(), strict=True))
        assert all((e.source.modality, e.destination.modality) == (e.relation[0], e.relation[2]) for e in rows)
        assert {e.graph for e in rows} <= {batch.ids[number]}


def test_edges_carry_the_weights_of_their_row_and_graph(batch: GraphBatch, record):
    made = record(batch)
    alone = [AttentionRecord(single, _part(made, number, single), ()) for number, single in enumerate(batch)]
    for number, single in enumerate(alone):
        assert made.edges(number) == single.edges(0)


def _part(record: AttentionRecord, number: int, single: GraphBatch) -> tuple[LayerAttention, ...]:
    from mmgraph.explain.nodes import edges_of

    return tuple(
        LayerAttention(
            layer.name, layer.scope, layer.relations, layer.alpha[edges_of(layer.graph, number)], single.flat
        )
        for layer in record.layers
    )


def test_edges_of_all_layers_come_layer_by_layer(batch: GraphBatch, record):
    made = record(batch, layers=3)
    assert made.edges(0) == [edge for layer in range(3) for edge in made.edges(0, layer)]
    assert made.edges(0, -1) == made.edges(0, 2)


def test_weights_into_a_node_sum_to_one_in_every_head(batch: GraphBatch, record):
    totals: dict[object, torch.Tensor] = {}
    for edge in record(batch, layers=1).edges(0):
        totals[edge.destination] = totals.get(edge.destination, 0) + torch.tensor(edge.alpha)
    assert totals
    for total in totals.values():
        torch.testing.assert_close(total, torch.ones(2))


def test_ends_say_what_they_are(batch: GraphBatch, record):
    edge = next(e for e in record(batch).edges(0) if e.relation == ("text", "with", "image"))
    assert edge.source.text == edge.source.label and edge.source.text in ("two", "dogs", "on")
    assert edge.destination.box is not None and edge.destination.label.startswith("[")
    assert edge.cross_modal and edge.mean == pytest.approx(sum(edge.alpha) / 2)


def test_samples_are_found_by_id(batch: GraphBatch, record):
    assert record(batch).find("no image") == 1
    with pytest.raises(ValueError, match="0 of 3 graphs have the id 'nobody'"):
        record(batch).find("nobody")
    with pytest.raises(ValueError, match="2 of 6 graphs have the id 'all'"):
        record(GraphBatch.concat([batch, batch])).find("all")


def test_what_does_not_exist_is_refused(batch: GraphBatch, record):
    with pytest.raises(ValueError, match=r"no layer 2: the record has \['convs.0', 'convs.1'\]"):
        record(batch).layer(2)
    with pytest.raises(ValueError, match="no graph 3: the batch has 3"):
        record(batch).edges(3)


def test_a_layer_that_saw_other_nodes_cannot_be_traced(batch: GraphBatch, record):
    made = record(batch, layers=1)
    other: FlatGraph = batch[1:].flat
    layer = LayerAttention("late", "node", batch.schema.edge_types, torch.ones(other.src.numel(), 1), other)
    with pytest.raises(ValueError, match="layer 'late' saw 11 nodes, the batch has 20"):
        AttentionRecord(batch, (layer,), made.pools).edges(0)


def test_edges_that_the_model_has_learned_are_named_by_the_conv(graph):
    batch = graph(2, 2, 0, id="s")
    learned = ("text", "learned", "image")
    schema = GraphSchema(batch.schema.modalities, [*batch.schema.edge_types, learned], batch.schema.attributes)
    lists = {relation: batch.relation(relation) for relation in batch.schema.edge_types}
    lists[learned] = EdgeList.sort(torch.zeros(1).long(), torch.tensor([1]), torch.tensor([0]), num_graphs=1)
    seen = GraphBatch.build(schema, batch.nodes, lists, ids=["s"]).flat
    layer = LayerAttention("conv", "node", schema.edge_types, torch.ones(seen.src.numel(), 1), seen)
    edges = AttentionRecord(batch, (layer,), ()).edges(0)
    assert len(edges) == batch.num_edges + 1
    (edge,) = [edge for edge in edges if edge.relation == learned]
    assert (edge.source.label, edge.destination.index) == ("dogs", 0)


def test_the_record_of_one_graph_is_that_of_a_pass_with_it_alone(batch: GraphBatch, model):
    with record_attention(model) as records:
        model(batch, edge_weight=torch.rand(batch.num_edges, 1))
    whole = records[0]
    for number, own in enumerate(batch):
        one = whole.single(number)
        assert one.batch.equal(own) and one.edges(0) == whole.edges(number)
        assert [layer.edge_weight.shape[0] for layer in one.layers] == [own.num_edges] * 2
        torch.testing.assert_close(one.pools[0].alpha.sum(), torch.tensor(float(own.present.sum())))
    with pytest.raises(ValueError, match="no graph 3: the batch has 3"):
        whole.single(3)


def test_weights_are_compared_only_where_one_softmax_spans_them(batch: GraphBatch, record):
    record(batch).layers[0].require_one_softmax()
    several = record(batch, scope="relation").layers[0]
    with pytest.raises(ValueError, match=r"scope='relation'.*build the model with scope='node' and train it anew"):
        several.require_one_softmax()
    one_each = (("image", "near", "image"), ("image", "with", "text"), ("text", "with", "audio"))
    LayerAttention("conv", "relation", one_each, several.alpha, several.graph).require_one_softmax()
