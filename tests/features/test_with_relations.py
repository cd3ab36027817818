"""What front ends write and rules read: regions that touch, heads of words, speakers."""

import numpy as np
import torch
from skimage.data import astronaut

from mmgraph.features import ParsedWords, Superpixels, Utterances, Video
from mmgraph.relations import RegionAdjacency, Syntax, Window


def test_superpixels_that_share_a_side_are_joined_both_ways_with_the_length_of_the_border() -> None:
    front_end, image = Superpixels(40), np.asarray(astronaut()[::8, ::8])
    nodes, labels = front_end([image]), front_end.labels(image)
    edges = RegionAdjacency(features=("border",))(nodes, nodes)
    sides = np.zeros((nodes.num_nodes, nodes.num_nodes))
    for one, other in ((labels[:, 1:], labels[:, :-1]), (labels[1:], labels[:-1])):
        np.add.at(sides, (one.ravel(), other.ravel()), 1)
    sides = sides + sides.T
    np.fill_diagonal(sides, 0)
    assert edges.features is not None
    found = torch.zeros(sides.shape).index_put_((edges.dst.long(), edges.src.long()), edges.features.squeeze(1))
    assert edges.num_edges == np.count_nonzero(sides)
    assert np.allclose(found.numpy(), sides / 64, atol=1e-6)


def test_regions_of_different_frames_are_not_joined() -> None:
    frames = np.asarray(astronaut()[::16, ::16])[None].repeat(3, 0)
    nodes = Video(Superpixels(10), rate=1)([(frames, 1), (frames[:1], 1)])
    edges = RegionAdjacency()(nodes, nodes)
    frame = nodes.attribute("position")
    first = nodes.ptr[edges.graph]
    assert torch.equal(frame[first + edges.src], frame[first + edges.dst])
    assert edges.ptr[1] == 3 * (edges.ptr[2] - edges.ptr[1])


def test_every_word_but_the_root_hangs_on_its_head() -> None:
    nodes = ParsedWords()(["The dog saw a cat", None, "Cats sleep. Dogs bark."])
    edges = Syntax("head")(nodes, nodes)
    assert edges.ptr.tolist() == [0, 4, 4, 8]
    words = nodes.attributes["text"].tolist()
    found = [f"{words[src]} {words[dst]}" for src, dst in zip(edges.src.tolist(), edges.dst.tolist(), strict=True)]
    assert found[:4] == ["The dog", "dog saw", "cat saw", "a cat"]


def test_utterances_follow_each_other() -> None:
    talk = [{"text": "Ready?", "speaker": "Ann"}, {"text": "Nearly.", "speaker": "Bob"}, "Now!"]
    nodes = Utterances(16).fit([talk])([talk])
    assert Window(1, 0, loops=False)(nodes, nodes).src.tolist() == [0, 1]
