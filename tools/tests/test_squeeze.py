"""Channels weighed by what the whole map holds: in training, in the graph, in int8, in the file, in ONNX and back."""

import numpy as np
import onnxruntime
import pytest
import torch
from conftest import check_as_trained, check_equalized, check_near_in_int8, graph_logits, make_batch, seen

from mmexit_tools.base.errors import ToolError
from mmexit_tools.export import onnx_export
from mmexit_tools.model import graphs
from mmexit_tools.model.blocks import set_rounding
from mmexit_tools.model.cutting import layer_macs, layers_of, places
from mmexit_tools.model.layers import (
    Add,
    Conv,
    Depthwise,
    GlobalAveragePool,
    Linear,
    Modality,
    Network,
    Segment,
    SqueezeExcite,
    chain_shape,
)
from mmexit_tools.model.networks import MultiExitNetwork
from mmexit_tools.quantize.equalization import is_combined
from mmexit_tools.quantize.modelfile import ExitSettings, model_bytes, read_model
from mmexit_tools.quantize.quantization import predict_integer, quantize
from mmexit_tools.quantize.ranges import measure_ranges
from mmexit_tools.signals.features import ImageFeatures
from mmexit_tools.training.restoring import restore

POINT = (1, 1)
PLAIN = (Depthwise(), Conv(6, POINT, padding=(0, 0, 0, 0), relu=False), SqueezeExcite(4))
ADDED = (Depthwise(), Conv(6, POINT, padding=(0, 0, 0, 0), relu=False), SqueezeExcite(4, relu=False), Add(3))


def fresh() -> MultiExitNetwork:
    network = Network("tiny", ("a", "b", "c"), None, (
        Modality("image", ImageFeatures(9, 8, 1, (0.5,), (0.25,)), (
            Segment((Conv(6, stride=(2, 2)), *PLAIN, *ADDED), (GlobalAveragePool(),)),
            Segment((Conv(6), *ADDED, *PLAIN, Conv(5), GlobalAveragePool())),
        )),
    ), (Linear(6),))
    return MultiExitNetwork(network)


@pytest.fixture
def model() -> MultiExitNetwork:
    torch.manual_seed(0)
    model = fresh()
    with torch.no_grad():  # shares from 0 to beyond 1
        for block in model.modules():
            if hasattr(block, "excite"):
                block.excite.weight.mul_(20)
    return seen(model)


def test_the_graph_is_what_was_trained(model):
    batch = make_batch(model.network, 50, 1)
    graph = check_as_trained(model, batch)
    assert [n.relu for n in graph.nodes() if n.op == "multiply"] == [True, False, False, True]
    tensors = graphs.run(graph, batch.tensors()[0], graphs.float_step)
    shares = np.concatenate([tensors[n.output].ravel() for n in graph.nodes() if n.top is not None])
    assert shares.min() == 0 and shares.max() == 1 and ((shares > 0) & (shares < 1)).mean() > 0.2


def test_equalizing_leaves_what_is_multiplied(model):
    graph = graphs.lower(model)
    ranges = check_equalized(graph, make_batch(model.network, 100, 2))
    shares = [n.output for n in graph.nodes() if n.top is not None]
    assert len(shares) == 4 and all(is_combined(graph, name) for name in shares)
    for name in shares:
        np.testing.assert_array_equal(*ranges[name])


def test_int8_is_near_the_float_graph_and_ends_at_one(model):
    quantized = check_near_in_int8(graphs.lower(model), make_batch(model.network, 200, 3))
    for node in quantized.graph.nodes():
        if node.top is not None:
            share = quantized.activations[node.output]
            assert share.scale * (127 - share.zero_point) == pytest.approx(1.0, rel=1e-6)


def test_a_file_gives_the_network_back(model, tmp_path):
    graph, batch = graphs.lower(model), make_batch(model.network, 200, 4)
    quantized = quantize(graph, measure_ranges(graph, batch))
    settings = {(m, n): ExitSettings(1.0, 0.5) for m, n, _ in graph.exit_outputs()}
    (tmp_path / "m").write_bytes(model_bytes(quantized, settings, {}))
    stored = read_model(tmp_path / "m").quantized
    assert [n.top for n in stored.graph.nodes()] == pytest.approx([n.top for n in graph.nodes()])
    for key, values in predict_integer(quantized, batch).items():
        np.testing.assert_array_equal(predict_integer(stored, batch)[key], values)
    back = fresh()
    restore(back, stored.graph)
    wanted = graph_logits(stored.graph, batch)
    with torch.no_grad():
        for m, n, values in back.eval()(*batch.tensors()).named():
            np.testing.assert_allclose(values.numpy(), wanted[(m, n)], atol=1e-4 * np.abs(wanted[(m, n)]).max())


def test_a_file_without_shares_is_another_network(model):
    network = model.network.modalities[0]
    without = Segment(tuple(la for la in network.segments[0].layers if not isinstance(la, SqueezeExcite | Add)),
                      (GlobalAveragePool(),))
    other = MultiExitNetwork(Network("tiny", ("a", "b", "c"), None, (
        Modality("image", network.features, (without, network.segments[1])),), (Linear(6),)))
    with pytest.raises(ToolError, match="layers are not those"):
        restore(other, graphs.lower(model))


def test_onnx_runtime_says_the_same(model):
    graph, batch = graphs.lower(model), make_batch(model.network, 50, 5)
    quantized = quantize(graph, measure_ranges(graph, batch))
    wanted = [graph_logits(graph, batch), predict_integer(quantized, batch)]
    for proto, said in zip([onnx_export.build(graph), onnx_export.build(graph, quantized)], wanted, strict=True):
        session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
        given = {"image": batch.inputs["image"].transpose(0, 3, 1, 2), "present": np.ones((50, 1), np.float32)}
        found = session.run([name for _, _, name in graph.exit_outputs()], given)
        for (m, n, _), values in zip(graph.exit_outputs(), found, strict=True):
            assert np.abs(values - said[(m, n)]).max() < 0.1 * np.abs(said[(m, n)]).max(), (m, n)


def test_rounded_training_learns(model):
    set_rounding(model, True)
    outputs = model.train()(*make_batch(model.network, 64, 6).tensors())
    sum(t.square().mean() for _, _, t in outputs.named()).backward()
    grads = [b.excite.weight.grad for b in model.modules() if hasattr(b, "excite")]
    assert len(grads) == 4 and all(g is not None and g.abs().sum() > 0 for g in grads)


def test_what_it_costs_and_where_an_encoder_is_cut(model):
    assert layer_macs(SqueezeExcite(4), (5, 4, 6)) == 48
    layers = layers_of(model.network.modalities[0])
    for i in places(layers):
        assert not isinstance(layers[i], SqueezeExcite)
    total = sum(c.macs for c in graphs.exit_costs(graphs.lower(model)).values())
    assert total == sum(graphs.node_macs(n, graphs.lower(model).shapes) for n in graphs.lower(model).nodes())


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="needs a map"):
        chain_shape((GlobalAveragePool(), SqueezeExcite(4)), (8, 8, 1))
