import dataclasses

import numpy as np
import pytest
import torch
from conftest import make_batch

from mmexit_tools.export import onnx_export
from mmexit_tools.model import graphs
from mmexit_tools.model.blocks import set_rounding
from mmexit_tools.quantize.quantization import (
    RANGES,
    correct_biases,
    picture_levels,
    predict_integer,
    quantize,
    quantize_best,
    run_integer,
)
from mmexit_tools.quantize.ranges import affine, measure_ranges
from mmexit_tools.signals.features import ImageFeatures
from mmexit_tools.training.trainer import predict

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


def test_a_pictures_levels_are_kept_exactly():
    for mean, std in ((0.25, 0.2), (0.45, 0.25), (0.0, 1.0)):
        features = ImageFeatures(16, 16, 1, (mean,), (std,))
        levels = features.compute([np.arange(256, dtype=np.uint8).reshape(16, 16)]).reshape(-1)
        a = picture_levels(features)
        q = np.clip(np.rint(levels / a.scale) + a.zero_point, -128, 127)
        assert (q == np.arange(-128, 128)).all()  # nothing is merged or clipped: one shift is all that is lost
    assert picture_levels(ImageFeatures(4, 4, 3, (0.4, 0.45, 0.45), (0.2, 0.2, 0.2))) is None
    assert picture_levels(ImageFeatures(4, 4, 1, (0.5,), (0.2,))) is None  # every level would lie on an edge


def test_biases_take_back_the_shift_of_a_pictures_levels(network, trained):
    """The first layer's mean is float's although every pixel is a quarter of a level off."""
    features = ImageFeatures(9, 8, 1, (0.25,), (0.2,))
    modalities = (dataclasses.replace(network.modalities[0], features=features), *network.modalities[1:])
    graph = dataclasses.replace(graphs.lower(trained), network=dataclasses.replace(network, modalities=modalities))
    batch = make_batch(network, 200, 7)
    batch.inputs["image"] = features.compute(list(np.random.default_rng(7).integers(0, 256, (200, 8, 9), np.uint8)))
    fixed = correct_biases(quantize(graph, measure_ranges(graph, batch)), batch)
    inputs = batch.tensors()[0]
    name = graph.modalities[0].segments[0].nodes[0].output
    found, wanted = run_integer(fixed, inputs)[name], graphs.run(graph, inputs, graphs.float_step)[name]
    a = fixed.activations[name]
    gap = (found - a.zero_point).mean((0, 2, 3)) * float(a.scale) - wanted.mean((0, 2, 3))
    assert gap.abs().max() < 0.3 * float(a.scale)


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
    assert way.split(",")[0] in RANGES
    assert set(best.weights) == {n.output for n in graph.nodes() if n.weight is not None}
