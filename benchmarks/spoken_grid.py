"""SpokenGrid with synthetic speech: do models find, over the right relations, which digit of a picture counts?

The text names a place of a 2x2 grid of handwritten digits and an operation; the answer is the digit at that place, the
spoken digit, or the larger or smaller of the two. No two modalities suffice (`mmgraph.datasets.ceilings`: at most .55),
chance is .10. Test pictures and test voices occur in no training sample; phrasings do. Samples are composed: picture,
text and sound were not recorded together.

All models read the same graphs through the same node encoders. *GraphFusion* sends messages along the relations,
*ConcatMLP* sees all nodes side by side without relations, *NodeTransformer* relates all nodes of a sample with all.
Each has one set of settings for all seeds, chosen on validation data with seed 0 from settings tried by hand: ten of
ConcatMLP (learning rates from 5e-4 to 2e-2, two widths, two dropouts), seven of GraphFusion (learning rates, batch
sizes, both scopes, GAT and GATv2, regions of 4x4 and 8x8 pixels), two of NodeTransformer. With regions of 4x4 pixels
GraphFusion needs more epochs than this suite gives it (.84 on validation after 8 epochs of 20,000 samples).

    mmgraph bench benchmarks/spoken_grid.py --out bench-out --seeds 3 --jobs 2
"""

from torch import nn

from mmgraph.bench import Candidate, Splits, Suite
from mmgraph.datasets import SpokenGrid
from mmgraph.graph import GraphBatch
from mmgraph.graphs import spoken_grid
from mmgraph.models import ConcatMLP, GraphFusion, NodeTransformer
from mmgraph.tasks import Classification, Task
from mmgraph.training import FitSettings

SIZES = {"train": 16_000, "val": 1_000, "test": 2_000}
DATA_SEED = 0
EPOCHS = {"GraphFusion": 6, "ConcatMLP": 12, "NodeTransformer": 12}
LEARNING_RATES = {"GraphFusion": 2e-3, "ConcatMLP": 1e-2, "NodeTransformer": 2e-3}
BATCH_SIZE = 128


def data() -> Splits:
    """The graphs of all splits; vocabulary and loudness are learned on the first 2,000 training samples."""
    samples = {split: SpokenGrid(split, size, seed=DATA_SEED) for split, size in SIZES.items()}
    builder = spoken_grid.build(size=8).fit(samples["train"][:2_000])
    return Splits(Classification("answer", num_classes=10), **{split: builder(raw) for split, raw in samples.items()})


def graph_fusion(train: GraphBatch, task: Task) -> nn.Module:
    """Two blocks of typed attention along the relations."""
    return GraphFusion(train.schema, task.out_channels, hidden_channels=64, num_layers=2, heads=4, dropout=0.0)


def concat_mlp(train: GraphBatch, task: Task) -> nn.Module:
    """All nodes side by side; as many places per modality as the longest training sample needs."""
    lengths = {modality: int(nodes.counts.max()) for modality, nodes in train.nodes.items()}
    return ConcatMLP(train.schema, task.out_channels, lengths, node_channels=32, hidden_channels=512)


def node_transformer(train: GraphBatch, task: Task) -> nn.Module:
    """Three layers of self-attention over all nodes."""
    return NodeTransformer(train.schema, task.out_channels, hidden_channels=64, num_layers=3, heads=4)


def settings(model: str) -> FitSettings:
    """Of a model's training; epochs are chosen on validation, nothing stops early."""
    return FitSettings(
        epochs=EPOCHS[model],
        batch_size=BATCH_SIZE,
        learning_rate=LEARNING_RATES[model],
        warmup_epochs=1,
        patience=None,
        device="cpu",
    )


suite = Suite(
    "spoken-grid",
    data,
    {
        "GraphFusion": Candidate(graph_fusion, settings("GraphFusion")),
        "ConcatMLP": Candidate(concat_mlp, settings("ConcatMLP")),
        "NodeTransformer": Candidate(node_transformer, settings("NodeTransformer")),
    },
    baseline="NodeTransformer",
    about=__doc__,
)
