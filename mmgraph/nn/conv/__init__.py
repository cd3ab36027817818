"""Message passing over typed edges, one layer per file, each equal to a layer of the literature."""

from mmgraph.nn.conv.gat import GATConv
from mmgraph.nn.conv.gatv2 import GATv2Conv
from mmgraph.nn.conv.gcn import GCNConv
from mmgraph.nn.conv.gcn2 import GCN2Conv
from mmgraph.nn.conv.hgt import HGTConv
from mmgraph.nn.conv.max_relative import MaxRelativeConv
from mmgraph.nn.conv.mtgat import MTGATConv
from mmgraph.nn.conv.rgat import RGATConv
from mmgraph.nn.conv.rgcn import RGCNConv
from mmgraph.nn.conv.sage import SAGEConv
from mmgraph.nn.conv.transformer import TransformerConv

__all__ = [
    "GATConv",
    "GATv2Conv",
    "GCN2Conv",
    "GCNConv",
    "HGTConv",
    "MTGATConv",
    "MaxRelativeConv",
    "RGATConv",
    "RGCNConv",
    "SAGEConv",
    "TransformerConv",
]
