"""Residual connections: in training, in the graph, in int8, in the file, and where an encoder is cut."""

import numpy as np
import pytest
import torch
from conftest import check_as_trained, check_equalized, check_near_in_int8, make_batch, seen

from mmexit_tools.model import graphs
from mmexit_tools.model.cutting import layers_of, places
from mmexit_tools.model.layers import (
    Add,
    Conv,
    Depthwise,
    GlobalAveragePool,
    Linear,
    Modality,
    Network,
    Segment,
    chain_shape,
)
from mmexit_tools.model.networks import MultiExitNetwork
from mmexit_tools.quantize.equalization import is_combined
from mmexit_tools.signals.features import ImageFeatures

INSIDE = (Depthwise(), Conv(6, (1, 1), padding=(0, 0, 0, 0), relu=False), Add(2))


@pytest.fixture
def model() -> MultiExitNetwork:
    network = Network("tiny", ("a", "b", "c"), None, (
        Modality("image", ImageFeatures(9, 8, 1, (0.5,), (0.25,)), (
            Segment((Conv(6, stride=(2, 2)), *INSIDE, *INSIDE), (GlobalAveragePool(),)),
            Segment((Conv(6), *INSIDE, Conv(5), GlobalAveragePool())),
        )),
    ), (Linear(6),))
    torch.manual_seed(0)
    return seen(MultiExitNetwork(network))


def test_the_graph_is_what_was_trained(model):
    graph = check_as_trained(model, make_batch(model.network, 50, 1))
    assert sum(n.op == "add" for n in graph.nodes()) == 3
    assert all(len(n.inputs) == 2 and n.relu for n in graph.nodes() if n.op == "add")


def test_equalizing_leaves_the_terms_of_a_sum(model):
    graph = graphs.lower(model)
    ranges = check_equalized(graph, make_batch(model.network, 100, 2))
    added = [name for name in ranges if is_combined(graph, name)]
    assert added and len(added) < len(ranges)
    for name in added:
        np.testing.assert_allclose(*ranges[name], rtol=1e-4)


def test_int8_is_near_the_float_graph(model):
    check_near_in_int8(graphs.lower(model), make_batch(model.network, 200, 3))


def test_an_encoder_is_not_cut_within_one(model):
    layers = layers_of(model.network.modalities[0])
    for i in places(layers):
        for end, layer in enumerate(layers):
            assert not (isinstance(layer, Add) and end - layer.over < i <= end), i
    assert len(places(layers)) == 5


@pytest.mark.parametrize("layers", [
    (Add(1),), (Conv(2), Add(2)), (Conv(2, stride=(2, 2)), Add(1)), (Conv(2), Add(0)),
])
def test_what_does_not_fit_is_refused(layers):
    with pytest.raises(ValueError, match="Add"):
        chain_shape(layers, (8, 8, 1))
