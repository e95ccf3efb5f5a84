import numpy as np
import pytest
import torch
from conftest import make_batch

from mmexit_tools import graphs, onnx_export
from mmexit_tools.networks import set_rounding
from mmexit_tools.quantization import (
    RANGES,
    affine,
    correct_biases,
    measure_ranges,
    predict_integer,
    quantize,
    quantize_best,
)
from mmexit_tools.training import predict

onnxruntime = pytest.importorskip("onnxruntime")


@pytest.fixture
def quantized(network, trained):
    graph = graphs.lower(trained)
    return quantize(graph, measure_ranges(graph, make_batch(network, 200, 1)))


def test_onnx_runtime_gives_the_same_bits_on_the_qdq_graph(network, quantized):
    batch = make_batch(network, 300, 2)
    ours = predict_integer(quantized, batch)
    session = onnxruntime.InferenceSession(onnx_export.build(quantized.graph, quantized).SerializeToString())
    inputs, present = batch.tensors()
    feed = {m: x.numpy() for m, x in inputs.items()}
    feed["present"] = np.stack([present[m].numpy() for m in feed], 1).astype(np.float32)
    for (m, n, _), theirs in zip(quantized.graph.exit_outputs(), session.run(None, feed), strict=True):
        assert (ours[(m, n)] == theirs).mean() > 0.995  # a sum that falls on a rounding edge may differ
        assert np.abs(ours[(m, n)] - theirs).max() < 0.02


def test_int8_stays_near_float(network, trained, quantized):
    batch = make_batch(network, 300, 3)
    plain, int8 = predict(trained, batch), predict_integer(quantized, batch)
    for key in plain:
        spread = plain[key].std()
        assert np.abs(plain[key] - int8[key]).mean() < 0.05 * spread


def test_weights_biases_and_zero(quantized):
    for name, w in quantized.weights.items():
        assert w.values.min() >= -127, name
        assert w.bias.dtype == np.int32 and (w.scale > 0).all()
    for node in quantized.graph.nodes():
        if node.relu:
            assert quantized.activations[node.output].zero_point == -128
    a = affine(-1.0, 3.0)
    assert abs((-128 - a.zero_point) * a.scale + 1.0) < a.scale
    assert affine(0.0, 0.0).zero_point == -128


def test_biases_make_up_for_what_rounding_weights_takes(network, trained):
    graph, batch = graphs.lower(trained), make_batch(network, 300, 5)
    plain = quantize(graph, measure_ranges(graph, batch))
    fixed = correct_biases(plain, batch)
    wanted = predict(trained, batch)[("vector", 1)].mean(0)
    gap = [np.abs(predict_integer(q, batch)[("vector", 1)].mean(0) - wanted).max() for q in (plain, fixed)]
    assert gap[1] < gap[0]


def test_rounding_while_training_is_int8s(network, trained):
    """The float network with `set_rounding` says what the int8 graph says, but for the ranges of its batch."""
    batch = make_batch(network, 300, 6)
    batch.present["image"][:] = True
    plain = predict(trained, batch)
    set_rounding(trained, True)
    with torch.no_grad():
        rounded = trained(batch.tensors()[0])
    for m, n, logits in rounded.named():
        gap = np.abs(logits.numpy() - plain[(m, n)]).mean()
        assert 0 < gap < 0.05 * plain[(m, n)].std()


def test_the_best_ranges_are_one_way_that_was_tried(network, trained):
    graph, batch = graphs.lower(trained), make_batch(network, 100, 4)
    best, way = quantize_best(graph, batch, predict(trained, batch))
    assert way in RANGES
    assert set(best.weights) == {n.output for n in graph.nodes() if n.weight is not None}
