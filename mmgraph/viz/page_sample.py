"""`PageSample`: what the attention page shows of one sample under one model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from mmgraph.explain import AttentionRecord, LayerAttention, flow_to_output
from mmgraph.graph import GraphBatch

FLOW = (
    "Attention flow to the output: the attention that reaches the pooled output from each node, composed through all "
    "layers (attention rollout, residual share one half). Each panel has its own scale. It says where attention goes, "
    "not what the prediction was made of."
)


@dataclass(frozen=True, eq=False)
class NodeValues:
    """A number per node, such as an attribution.

    Attributes:
        name: of the method.
        values: per modality one number per node of the sample; a modality that is not given is drawn without values.
        meaning: a sentence that says what a value is; shown below the picture.

    Example:
        >>> NodeValues("gradient", {"text": torch.tensor([0.5, -0.25])}, "in favour of the prediction").name
        'gradient'
    """

    name: str
    values: Mapping[str, Float[Tensor, " _"]]
    meaning: str = ""


@dataclass(frozen=True, eq=False)
class PageSample:
    """One sample as the page shows it; made by `page_sample`.

    Attributes:
        id: of the sample; the page finds it by this and `model`.
        graph: the graph of this sample alone, on the CPU.
        raw: per modality what is drawn behind its nodes: an image, a sound, or None.
        layers: attention over the links of this graph, in the order in which the layers ran; empty without any.
        flow: the attention flow to the output, or None.
        attributions: shown one at a time.
        prediction: in words, or None.
        truth: in words, or None.
        right: whether the prediction is right; None where that is not a matter of yes or no.
        model: name of the model, where a page shows several.

    Example:
        >>> PageSample("s", GraphBatch.single({"text": torch.rand(2, 3)}, {})).title
        's'
    """

    id: str
    graph: GraphBatch
    raw: Mapping[str, Any] = field(default_factory=dict)
    layers: tuple[LayerAttention, ...] = ()
    flow: NodeValues | None = None
    attributions: tuple[NodeValues, ...] = ()
    prediction: str | None = None
    truth: str | None = None
    right: bool | None = None
    model: str = ""

    def __post_init__(self) -> None:
        for values in (*self.attributions, *([self.flow] if self.flow else [])):
            _check_values(values, self.graph)

    @property
    def title(self) -> str:
        """The id, and the model where it is named."""
        return f"{self.id} · {self.model}" if self.model else self.id


def page_sample(
    sample: Mapping[str, Any],
    graphs: GraphBatch,
    record: AttentionRecord | None = None,
    *,
    flow: bool = True,
    attributions: Sequence[NodeValues] = (),
    prediction: object = None,
    truth: object = None,
    right: bool | None = None,
    model: str = "",
    inputs: Mapping[str, str] | None = None,
) -> PageSample:
    """A sample for `page`: its raw inputs, its graph, and what a model's attention was on it.

    Args:
        sample: the raw sample; its `id` is looked up in `graphs` and in `record`.
        graphs: a batch that holds the sample's graph.
        record: of a forward pass that the sample took part in; None shows the sample without attention.
        flow: whether to add `flow_to_output`.
        attributions: numbers per node, of any method.
        prediction: shown if given.
        truth: likewise.
        right: whether the prediction is right. If not given: whether it equals the truth, unless one is a float.
        model: the name of the model, needed where a page shows one sample under several.
        inputs: per modality the key of its raw input in `sample`, where that is not the modality's name.

    Raises:
        ValueError: if a batch lacks the sample, if values are not one finite number per node of a known modality, or
            as `flow_to_output` does.

    Example:
        >>> graph = GraphBatch.single({"text": torch.rand(2, 3)}, {}, attributes={"text": {"text": ["two", "dogs"]}})
        >>> shown = page_sample({"id": "0", "text": "two dogs"}, graph, prediction=3, truth=2)
        >>> shown.prediction, shown.right
        ('3', False)
    """
    graph = _only(sample["id"], graphs)
    layers: tuple[LayerAttention, ...] = ()
    scores = None
    if record is not None:
        one = record.single(record.find(sample["id"]))
        layers = tuple(one.layer(i) for i in range(len(one.layers)))
        scores = _flow(one) if flow else None
    if right is None and None not in (prediction, truth) and not any(isinstance(v, float) for v in (prediction, truth)):
        right = prediction == truth
    return PageSample(
        id=sample["id"],
        graph=graph,
        raw={modality: sample.get((inputs or {}).get(modality, modality)) for modality in graph.schema.modalities},
        layers=layers,
        flow=scores,
        attributions=tuple(attributions),
        prediction=None if prediction is None else str(prediction),
        truth=None if truth is None else str(truth),
        right=None if right is None else bool(right),
        model=model,
    )


def _only(sample: str, graphs: GraphBatch) -> GraphBatch:
    places = [i for i, name in enumerate(graphs.ids.tolist()) if name == sample]
    if len(places) != 1:
        raise ValueError(f"{len(places)} graphs of the batch have the id {sample!r} of the sample; one is needed")
    return graphs[places[0]].to("cpu")


def _flow(record: AttentionRecord) -> NodeValues:
    try:
        flow = flow_to_output(record).cpu()
    except ValueError as error:
        error.add_note("flow=False shows the links without the attention flow")
        raise
    parts = flow.split(record.batch.flat.num_nodes)
    return NodeValues("attention flow", dict(zip(record.batch.schema.modalities, parts, strict=True)), FLOW)


def _check_values(values: NodeValues, graph: GraphBatch) -> None:
    for modality, given in values.values.items():
        graph.schema.modality_id(modality)
        row, nodes = torch.as_tensor(given), graph.nodes[modality].num_nodes
        if row.shape != (nodes,) or not bool(torch.isfinite(row.double()).all()):
            raise ValueError(
                f"{values.name!r}: {modality!r} has {nodes} nodes here; give one finite number for each, "
                f"got {tuple(row.shape)}"
            )
