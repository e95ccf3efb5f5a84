import numpy as np
import pytest
from conftest import make_batch

from mmexit_tools.model import graphs
from mmexit_tools.model.graphs import float_step, run
from mmexit_tools.quantize.equalization import MOST, channel_ranges, equalize, readers


def outputs(graph, batch):
    inputs, present = batch.tensors()
    found = run(graph, inputs, float_step, lambda m, t: t * present[m].to(t.dtype).unsqueeze(1))
    return {name: found[name].numpy() for _, _, name in graph.exit_outputs()}


@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_equalizing_keeps_the_function(network, trained, strength):
    graph, batch = graphs.lower(trained), make_batch(network, 100, 1)
    before, after = outputs(graph, batch), outputs(equalize(graph, batch, strength), batch)
    for name in before:
        np.testing.assert_allclose(after[name], before[name], atol=2e-4 * np.abs(before[name]).max())


def test_full_strength_gives_every_channel_the_same_range(network, trained):
    graph, batch = graphs.lower(trained), make_batch(network, 100, 2)
    before = channel_ranges(graph, batch)
    after = channel_ranges(equalize(graph, batch, 1.0), batch)
    assert any(r[r > 0].min() < 0.5 * r.max() for r in before.values())
    for name, r in before.items():
        within = r * MOST >= r.max()
        np.testing.assert_allclose(after[name][within], r.max(), rtol=1e-4)
        assert (after[name][~within] < r.max()).all()


def test_readers_know_which_channel_each_input_is(network, trained):
    graph = graphs.lower(trained)
    for node in graph.nodes():
        if node.weight is None or not node.relu:
            continue
        found = readers(graph, node.output)
        width = graph.shapes[node.output][-1]
        assert found, node.output
        for reader, channels in found.items():
            weight = next(n.weight for n in graph.nodes() if n.output == reader)
            assert len(channels) == weight.shape[-1]
            assert set(channels.tolist()) - {-1} == set(range(width))
