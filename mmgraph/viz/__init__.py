"""Figures of a sample with its regions, tokens and sound and the attention between them, and an interactive page."""

from mmgraph.viz.image import draw_regions
from mmgraph.viz.page import page, write_page
from mmgraph.viz.page_sample import NodeValues, PageSample, page_sample
from mmgraph.viz.sample import draw_sample
from mmgraph.viz.schema import draw_schema
from mmgraph.viz.sound import draw_sound
from mmgraph.viz.tokens import draw_tokens

__all__ = [
    "NodeValues",
    "PageSample",
    "draw_regions",
    "draw_sample",
    "draw_schema",
    "draw_sound",
    "draw_tokens",
    "page",
    "page_sample",
    "write_page",
]
