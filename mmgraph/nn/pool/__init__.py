"""From nodes to graphs."""

from mmgraph.nn.pool.attention import AttentionPool

__all__ = ["AttentionPool"]
