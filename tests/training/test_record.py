"""Records name what decides a result, digests see every change."""

import json
import shlex
import sys
from collections.abc import Callable
from dataclasses import asdict, replace

import pytest
import torch
from torch import nn

from mmgraph.graph import GraphBatch, NodeSet
from mmgraph.tasks import Classification
from mmgraph.training import FitSettings, RunRecord, data_digest
from mmgraph.training.record import describe_model, environment

CPU = torch.device("cpu")


def test_the_digest_is_that_of_the_content(data: Callable[..., GraphBatch]) -> None:
    graphs = data(5)
    same = [data(5), graphs[:], GraphBatch.concat(list(graphs)), graphs[[0, 1, 2, 3, 4]]]
    assert {data_digest(other) for other in same} == {data_digest(graphs)}


def test_the_digest_sees_every_change(
    data: Callable[..., GraphBatch], masked: Callable[[GraphBatch, list[int]], GraphBatch]
) -> None:
    graphs = data(5)
    x = graphs.nodes["text"].x.clone()
    x[0, 0] += 1e-6
    text = graphs.nodes["text"]
    nodes = {**graphs.nodes, "text": NodeSet(x, text.ptr, text.attributes)}
    position = {**text.attributes, "position": text.attribute("position") + 1}
    others = [
        GraphBatch(graphs.schema, graphs.ids, nodes, graphs.edges, graphs.targets),
        GraphBatch(
            graphs.schema,
            graphs.ids,
            {**graphs.nodes, "text": NodeSet(text.x, text.ptr, position)},
            graphs.edges,
            graphs.targets,
        ),
        graphs[[1, 0, 2, 3, 4]],
        graphs[:4],
        masked(graphs, [2]),
        data(5, seed=1),
        graphs.double(),
    ]
    assert len({data_digest(other) for other in [graphs, *others]}) == len(others) + 1


def record(data: Callable[..., GraphBatch], **settings: float) -> RunRecord:
    graphs = data(4)
    sets = {"train": graphs, "val": graphs[:2]}
    return RunRecord.of(nn.Dropout(0.5), Classification("label", 2), sets, FitSettings(**settings), CPU)  # type: ignore[arg-type]


def test_a_record_is_plain_json_with_seed_digests_versions_threads_and_command(data: Callable[..., GraphBatch]) -> None:
    content = json.loads(json.dumps(asdict(record(data, seed=7))))
    assert content["settings"]["seed"] == 7
    assert content["schema"] == data(4).schema.digest
    assert content["data"] == {"train": data_digest(data(4)), "val": data_digest(data(4)[:2])}
    assert torch.__version__.startswith(content["environment"]["torch"].split("+")[0])
    assert content["environment"]["threads"] == torch.get_num_threads()
    assert {"python", "numpy", "mmgraph", "lightning-fabric", "device"} <= set(content["environment"])
    assert content["command"] == shlex.join(sys.orig_argv)


def test_two_starts_of_the_same_run_do_not_differ(data: Callable[..., GraphBatch]) -> None:
    assert record(data).difference(replace(record(data), started="long ago", command="other")) is None
    assert record(data).environment_difference(record(data)) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": "0"}, "schema was 0, is now"),
        ({"data": {"train": "0", "val": "1"}}, "data.train was 0, is now"),
        ({"task": "other"}, "task was other, is now mmgraph.tasks.classification:Classification"),
        ({"model": {}}, r"model. was None, is now torch.nn.modules.dropout:Dropout\(p=0.5"),
    ],
)
def test_the_first_difference_is_named(
    data: Callable[..., GraphBatch], change: dict[str, object], message: str
) -> None:
    found = record(data).difference(replace(record(data), **change))  # type: ignore[arg-type]
    assert found is not None
    with pytest.raises(ValueError, match=message):
        raise ValueError(found)


def test_a_setting_that_differs_is_named_with_both_values(data: Callable[..., GraphBatch]) -> None:
    found = record(data, learning_rate=0.1).difference(record(data, learning_rate=0.2))
    assert found == "settings.learning_rate was 0.2, is now 0.1"


def test_another_number_of_threads_is_another_environment(data: Callable[..., GraphBatch]) -> None:
    one = record(data)
    other = replace(one, environment={**one.environment, "threads": 64})
    assert one.difference(other) is None
    assert one.environment_difference(other) == "environment.threads was 64, is now 1"


def test_a_models_description_shows_what_no_weight_shows() -> None:
    assert describe_model(nn.Dropout(0.1)) != describe_model(nn.Dropout(0.2))


def test_a_models_description_has_no_addresses() -> None:
    class Apply(nn.Module):
        def extra_repr(self) -> str:
            return repr(test_a_models_description_has_no_addresses)

    assert " at 0x" not in str(describe_model(Apply()))


def test_what_only_an_attribute_of_the_model_says_is_a_difference(data: Callable[..., GraphBatch]) -> None:
    def of(**attributes: object) -> RunRecord:
        model = nn.Sequential(nn.ReLU())
        vars(model[0]).update(attributes)
        model.train(bool(attributes))  # modes are what training sets them to
        return RunRecord.of(model, Classification("label", 2), {"train": data(2)}, FitSettings(), CPU)

    assert of(scope="node").difference(of(scope="node")) is None
    assert of(scope="relation").difference(of(scope="node")) == "options.0.scope was 'node', is now 'relation'"
    assert of(lengths={"a": 3, "b": 2}).difference(of(lengths={"a": 2, "b": 3})) is not None
    assert of(function=len).difference(of(function=print)) is None  # may print another address in every process
    assert of(scope="node").difference(replace(of(scope="relation"), options={})) is None  # of an earlier version


def test_the_environment_names_only_packages_that_are_there() -> None:
    assert None not in environment(CPU).values()
