"""Figures: a sample with its regions, tokens and sound, and the attention between them."""

from mmgraph.viz.image import draw_regions
from mmgraph.viz.sample import draw_sample
from mmgraph.viz.sound import draw_sound
from mmgraph.viz.tokens import draw_tokens

__all__ = ["draw_regions", "draw_sample", "draw_sound", "draw_tokens"]
