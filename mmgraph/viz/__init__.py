"""Figures of samples and the attention over them, of schemas, training and results, and an interactive page."""

from mmgraph.viz.confusion import draw_confusion
from mmgraph.viz.flow import draw_flow, draw_flow_matrix
from mmgraph.viz.focus import Focus, draw_focus, focus
from mmgraph.viz.heads import draw_heads
from mmgraph.viz.history import draw_history
from mmgraph.viz.image import draw_regions
from mmgraph.viz.network import draw_attention_graph
from mmgraph.viz.page import page, write_page
from mmgraph.viz.page_sample import NodeValues, PageSample, page_sample
from mmgraph.viz.sample import draw_sample
from mmgraph.viz.schema import draw_schema
from mmgraph.viz.scores import draw_missing, draw_robustness
from mmgraph.viz.sound import draw_sound
from mmgraph.viz.tokens import draw_tokens

__all__ = [
    "Focus",
    "NodeValues",
    "PageSample",
    "draw_attention_graph",
    "draw_confusion",
    "draw_flow",
    "draw_flow_matrix",
    "draw_focus",
    "draw_heads",
    "draw_history",
    "draw_missing",
    "draw_regions",
    "draw_robustness",
    "draw_sample",
    "draw_schema",
    "draw_sound",
    "draw_tokens",
    "focus",
    "page",
    "page_sample",
    "write_page",
]
