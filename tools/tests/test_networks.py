from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import make_batch

from mmexit_tools.export import onnx_export
from mmexit_tools.model import graphs
from mmexit_tools.model.blocks import Block, keep_scales, pool_early
from mmexit_tools.model.layers import Conv, Flatten, GlobalAveragePool, Linear, MaxPool, Segment, layer_shape
from mmexit_tools.model.networks import MultiExitNetwork
from mmexit_tools.quantize.ranges import zero_absent
from mmexit_tools.tasks import avmnist
from mmexit_tools.training.trainer import predict

onnxruntime = pytest.importorskip("onnxruntime")


def test_shapes_and_layers_that_do_not_fit():
    assert layer_shape(Conv(6, (5, 5), (2, 1), (2, 0, 2, 0)), (28, 28, 3)) == (14, 24, 6)
    assert layer_shape(MaxPool(), (7, 7, 2)) == (3, 3, 2)
    with pytest.raises(ValueError, match="flatten or pool"):
        layer_shape(Linear(3), (2, 2, 1))
    with pytest.raises(ValueError, match="does not fit"):
        layer_shape(Conv(1, (9, 9)), (4, 4, 1))
    assert layer_shape(Flatten(), (2, 3, 4)) == (24,)


def test_folded_graph_and_onnx_say_what_torch_says(network, trained):
    batch = make_batch(network, 50, 9)
    wanted = predict(trained, batch)
    graph = graphs.lower(trained)
    inputs, present = batch.tensors()
    with torch.no_grad():
        tensors = graphs.run(graph, inputs, graphs.float_step, zero_absent(present))
    session = onnxruntime.InferenceSession(onnx_export.build(graph).SerializeToString())
    feed = {m: x.numpy() for m, x in inputs.items()}
    feed["present"] = np.stack([present[m].numpy() for m in feed], 1).astype(np.float32)
    for (m, n, name), out in zip(graph.exit_outputs(), session.run(None, feed), strict=True):
        assert np.abs(tensors[name].numpy() - wanted[(m, n)]).max() < 1e-5
        assert np.abs(out - wanted[(m, n)]).max() < 1e-5


def test_costs_of_the_lenet_pair():
    model = graphs.MultiExitNetwork(avmnist.network(Path()))
    graph = graphs.lower(model.eval())
    costs = graphs.exit_costs(graph)
    first = 28 * 28 * 6 * 25 + 14 * 14 * 12 * 54 + 108 * 10
    assert costs[("image", 1)].macs == first
    assert costs[("fusion", 0)].parameters == 240 * 100 + 100 + 100 * 10 + 10
    assert 11e6 < sum(c.macs for c in costs.values()) < 12.5e6
    heads = [s.exit_nodes[-1] for m in graph.modalities for s in m.segments]
    total = sum(c.macs for c in costs.values())
    assert all(graphs.node_macs(h, graph.shapes) < 0.0002 * total for h in heads)  # the method's < 0.02 %


def test_pools_before_normalization_change_no_value(trained, network):
    inputs, present = make_batch(network, 16).tensors()
    model = MultiExitNetwork(with_pooled(network)).train()
    for _ in range(3):
        model(inputs, present)
    model.eval()
    plain = model(inputs, present).named()
    pool_early(model, True)
    blocks = [b for b in model.modules() if isinstance(b, Block) and b.pool is not None]
    assert len(blocks) == 1
    for (_, _, a), (_, _, b) in zip(plain, model(inputs, present).named(), strict=True):
        assert torch.allclose(a, b, atol=1e-5)
    with torch.no_grad():
        blocks[0].norm.weight[0] = -0.5
    pool_early(model, True)
    assert not any(b.pool for b in model.modules() if isinstance(b, Block))


def test_scales_that_a_pool_goes_before_stay_positive(network):
    model = MultiExitNetwork(with_pooled(network))
    pool_early(model, True)
    block = next(b for b in model.modules() if isinstance(b, Block) and b.pool is not None)
    with torch.no_grad():
        block.norm.weight.fill_(-1.0)
    keep_scales(model)
    assert bool((block.norm.weight > 0).all())


def with_pooled(network):
    """The tiny network with a max-pool right behind a convolution."""
    image = network.modalities[0]
    first = Segment((Conv(4, (3, 3), (2, 1), (1, 0, 1, 1)), MaxPool()), (GlobalAveragePool(),))
    return replace(network, modalities=(replace(image, segments=(first, *image.segments[1:])),
                                        *network.modalities[1:]))
