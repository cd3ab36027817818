"""Front ends: raw image, text and sound to nodes with features, place and time."""

from mmgraph.features.log_mel import LogMel
from mmgraph.features.patches import Patches
from mmgraph.features.words import Words

__all__ = ["LogMel", "Patches", "Words"]
