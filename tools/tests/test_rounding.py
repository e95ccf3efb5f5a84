import numpy as np
from conftest import make_batch

from mmexit_tools.export.rounding import everything, nothing, predict_rounded, sources
from mmexit_tools.model import graphs
from mmexit_tools.quantize.quantization import correct_biases, predict_integer, quantize
from mmexit_tools.quantize.ranges import measure_ranges
from mmexit_tools.training.trainer import predict


def test_no_rounding_is_float_and_all_rounding_is_the_integers(network, trained):
    graph, batch = graphs.lower(trained), make_batch(network, 200, 1)
    quantized = correct_biases(quantize(graph, measure_ranges(graph, batch)), batch)
    plain, integers = predict(trained, batch), predict_integer(quantized, batch)
    none, both = (predict_rounded(quantized, batch, c, c) for c in (nothing, everything))
    for key in plain:
        np.testing.assert_allclose(none[key], plain[key], atol=1e-4)
        change = np.abs(plain[key] - integers[key]).mean()
        assert np.abs(both[key] - integers[key]).mean() < 0.05 * change  # but for sums on a rounding edge


def test_one_source_touches_only_what_comes_after_it(network, trained):
    graph, batch = graphs.lower(trained), make_batch(network, 100, 2)
    quantized = quantize(graph, measure_ranges(graph, batch))
    plain = predict_rounded(quantized, batch, nothing, nothing)
    activations, weights = sources(graph)
    assert "image.in" in activations and len(weights) == sum(n.weight is not None for n in graph.nodes())
    found = predict_rounded(quantized, batch, "vector.in".__eq__, nothing)
    assert (found[("image", 1)] == plain[("image", 1)]).all()
    assert (found[("vector", 1)] != plain[("vector", 1)]).any()
