"""The command line `mmgraph`."""

from mmgraph.cli.main import app

__all__ = ["app"]
