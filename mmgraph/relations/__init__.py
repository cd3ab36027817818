"""Relation rules (who is connected with whom) and `GraphBuilder`, which turns raw samples into graphs."""

from mmgraph.relations.builder import FrontEnd, GraphBuilder, Rule
from mmgraph.relations.complete import Complete
from mmgraph.relations.grid import Grid
from mmgraph.relations.nearest import Nearest
from mmgraph.relations.time_overlap import TimeOverlap
from mmgraph.relations.window import Window

__all__ = ["Complete", "FrontEnd", "GraphBuilder", "Grid", "Nearest", "Rule", "TimeOverlap", "Window"]
