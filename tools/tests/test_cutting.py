from itertools import pairwise

import pytest

from mmexit_tools.base.errors import ToolError
from mmexit_tools.model.cutting import EXIT_SHARE, layer_macs, layers_of, places, with_exits
from mmexit_tools.model.graphs import exit_costs, lower
from mmexit_tools.model.layers import AveragePool, Depthwise, layer_shape
from mmexit_tools.model.networks import MultiExitNetwork
from mmexit_tools.tasks import avmnist, robot_command


@pytest.mark.parametrize("described", [avmnist.network(), robot_command.network()], ids=["avmnist", "robot-command"])
@pytest.mark.parametrize("exits", [1, 2, 3, 4])
def test_any_number_of_exits_over_the_same_layers(described, exits):
    cut = with_exits(described, exits)
    for before, after in zip(described.modalities, cut.modalities, strict=True):
        assert layers_of(after) == layers_of(before)
        assert len(after.segments) == exits and all(s.layers for s in after.segments)
        for left, right in pairwise(after.segments):
            assert not isinstance(left.layers[-1], Depthwise)
            assert not isinstance(right.layers[0], AveragePool)
    costs = exit_costs(lower(MultiExitNetwork(cut)))
    assert len(costs) == exits * len(cut.modalities) + 1


def test_macs_agree_with_the_graph():
    described = avmnist.network()
    costs = exit_costs(lower(MultiExitNetwork(with_exits(described, 1))))
    for modality in described.modalities:
        total, shape = 0, modality.features.shape
        for layer in layers_of(modality):
            total, shape = total + layer_macs(layer, shape), layer_shape(layer, shape)
        assert costs[(modality.name, 1)].macs == total + shape[0] * 10


def test_cuts_stand_near_equal_shares_of_the_macs():
    costs = exit_costs(lower(MultiExitNetwork(with_exits(robot_command.network(), 3))))
    for name in ("audio", "image"):
        shares = [costs[(name, j)].macs for j in (1, 2, 3)]
        assert max(shares) < 0.5 * sum(shares)


def test_an_exit_costs_less_than_its_share():
    cut = with_exits(avmnist.network(), 4)
    total = sum(c.macs for c in exit_costs(lower(MultiExitNetwork(cut))).values())
    graph = lower(MultiExitNetwork(cut))
    for modality in graph.modalities:
        for segment in modality.segments[:-1]:
            assert segment.exit_nodes[-1].weight.size <= EXIT_SHARE * total


def test_more_exits_than_places_are_refused(network):
    assert len(places(layers_of(network.modalities[1]))) == 0
    with pytest.raises(ToolError, match="--exits 2: vector can be cut in 0 places, so at most 1 exits"):
        with_exits(network, 2)
    with pytest.raises(ToolError, match="at least 1"):
        with_exits(network, -1)


def test_an_exit_behind_every_layer():
    network = with_exits(avmnist.network(side=56), 0)
    assert [len(m.segments) for m in network.modalities] == [4, 5]
    costs = exit_costs(lower(MultiExitNetwork(network)))
    total = sum(c.macs for c in costs.values())
    assert max(c.macs for c in costs.values()) < 0.2 * total
