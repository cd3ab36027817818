"""Relation rules (who is connected with whom) and `GraphBuilder`, which turns raw samples into graphs."""

from mmgraph.relations.builder import FrontEnd, GraphBuilder
from mmgraph.relations.complete import Complete
from mmgraph.relations.custom import Custom, PairEnd
from mmgraph.relations.extra_nodes import GlobalNodes, NodeMaker, UnitNodes, star_relations
from mmgraph.relations.grid import Grid
from mmgraph.relations.limit import Limit
from mmgraph.relations.measured import Measured
from mmgraph.relations.nearest import Nearest
from mmgraph.relations.nearest_in_time import NearestInTime
from mmgraph.relations.pointers import Pointers
from mmgraph.relations.pseudo_alignment import PseudoAlignment, alignment_relations
from mmgraph.relations.random_edges import Random
from mmgraph.relations.region_adjacency import RegionAdjacency
from mmgraph.relations.reverse import Reverse
from mmgraph.relations.rule import Rule
from mmgraph.relations.same_unit import SameUnit
from mmgraph.relations.scrambled import Scrambled
from mmgraph.relations.self_loops import SelfLoops
from mmgraph.relations.set_rules import Difference, Intersection, Union
from mmgraph.relations.similar import Similar
from mmgraph.relations.spatial_class import SPATIAL_CLASSES, SpatialClass, spatial_relations
from mmgraph.relations.speakers import Speakers, speaker_relations
from mmgraph.relations.symmetric import Symmetric
from mmgraph.relations.syntax import Syntax, syntax_relations
from mmgraph.relations.time_class import TimeClass, time_relations
from mmgraph.relations.time_overlap import TimeOverlap
from mmgraph.relations.window import Window, window_relations

__all__ = [
    "SPATIAL_CLASSES",
    "Complete",
    "Custom",
    "Difference",
    "FrontEnd",
    "GlobalNodes",
    "GraphBuilder",
    "Grid",
    "Intersection",
    "Limit",
    "Measured",
    "Nearest",
    "NearestInTime",
    "NodeMaker",
    "PairEnd",
    "Pointers",
    "PseudoAlignment",
    "Random",
    "RegionAdjacency",
    "Reverse",
    "Rule",
    "SameUnit",
    "Scrambled",
    "SelfLoops",
    "Similar",
    "SpatialClass",
    "Speakers",
    "Symmetric",
    "Syntax",
    "TimeClass",
    "TimeOverlap",
    "Union",
    "UnitNodes",
    "Window",
    "alignment_relations",
    "spatial_relations",
    "speaker_relations",
    "star_relations",
    "syntax_relations",
    "time_relations",
    "window_relations",
]
