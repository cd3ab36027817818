"""mmgraph: graph-based multimodal fusion on PyTorch.

Each sample becomes a heterogeneous graph: its nodes are image regions, text tokens, audio frames or any modality a
user names, its edges are relations found by a rule or learned by the model. Graph layers and pooling over sparse
kernels give the predictions, and their attention can be read across modalities and drawn over the real image, text and
sound.

A data set, a mini-batch and a single graph are all one type, `mmgraph.graph.GraphBatch`. This module imports nothing,
so that ``import mmgraph`` costs nothing; take names from the rooms: ``from mmgraph.graph import GraphBatch``.
"""

__all__ = ["__version__"]

__version__ = "0.1.0"
