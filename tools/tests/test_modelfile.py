import json
from dataclasses import replace

import numpy as np
import pytest
import safetensors.numpy
from conftest import make_batch

from mmexit_tools.base.errors import ToolError
from mmexit_tools.model import graphs
from mmexit_tools.quantize.modelfile import ExitSettings, model_bytes, read_model
from mmexit_tools.quantize.quantization import QuantizedGraph, predict_integer, quantize
from mmexit_tools.quantize.ranges import measure_ranges


@pytest.fixture
def stored(network, trained, tmp_path):
    graph = graphs.lower(trained)
    quantized = quantize(graph, measure_ranges(graph, make_batch(network, 100, 1)))
    settings = {(m, n): ExitSettings(1.25, 0.5, {"a": 0.1}, 0.9, 0.3) for m, n, _ in graph.exit_outputs()}
    content = model_bytes(quantized, settings, {"seed": 1})
    path = tmp_path / "tiny.safetensors"
    path.write_bytes(content)
    return quantized, settings, path


def test_read_back_answers_the_same(network, stored):
    quantized, settings, path = stored
    found = read_model(path)
    batch = make_batch(network, 50, 2)
    before, after = predict_integer(quantized, batch), predict_integer(found.quantized, batch)
    assert all(np.array_equal(before[k], after[k]) for k in before)
    assert dict(found.exits) == settings
    assert found.network.modalities[0].features == network.modalities[0].features
    assert model_bytes(found.quantized, found.exits, found.provenance) == path.read_bytes()


def test_the_file_is_what_the_document_says(stored):
    content = stored[2].read_bytes()
    tensors = safetensors.numpy.load(content)  # an independent reader accepts it
    length = int.from_bytes(content[:8], "little")
    text = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["mmexit"])
    assert text["format"] == 1 and text["fusion"]["inputs"] == ["image.2.linear4", "vector.1.linear1"]
    conv = text["modalities"][0]["segments"][0]["nodes"][0]
    assert conv["op"] == "conv2d" and conv["padding"] == [1, 0, 1, 1] and conv["stride"] == [2, 1]
    assert tensors[conv["weight"]].shape == (4, 3, 3, 1) and tensors[conv["weight"]].dtype == np.int8
    assert tensors[conv["bias"]].dtype == np.int32 and tensors[conv["weight_scale"]].dtype == np.float32
    outputs = {n["output"] for s in text["modalities"][0]["segments"] for n in s["nodes"]}
    assert outputs <= set(text["activations"])
    assert text["modalities"][0]["segments"][0]["exit"]["nodes"][-1]["op"] == "logits"


def rewritten(stored, field, limits, **classes):
    """The stored file with these classes of the network, and this field of the exits named in `limits`."""
    quantized, settings, path = stored
    network = replace(quantized.graph.network, **classes)
    named = QuantizedGraph(replace(quantized.graph, network=network), quantized.activations, quantized.weights)
    exits = {k: replace(s, **{field: limits.get("/".join(map(str, k)))}) for k, s in settings.items()}
    path.write_bytes(model_bytes(named, exits, {"seed": 1}))
    return path


def test_a_class_that_overrides_is_written_and_read(stored):
    quantized, settings, path = stored
    first, *others = list(settings)
    assert first[1] == 1 and b"overrid" not in path.read_bytes()

    def written(overriding, **limits):
        return rewritten(stored, "override_threshold", limits, overriding=overriding)

    found = read_model(written("b", **{f"{first[0]}/1": 0.125}))
    assert found.network.overriding == "b" and found.exits[first].override_threshold == 0.125
    assert all(found.exits[k].override_threshold is None for k in others)
    assert model_bytes(found.quantized, found.exits, found.provenance) == path.read_bytes()
    for overriding, limits, said in (
            ("z", {}, "has to be a class"), (quantized.graph.network.none or "z", {}, "has to be a class"),
            (None, {f"{first[0]}/1": 0.5}, "without an overriding_class"), ("b", {"fusion/0": 0.5}, "first exit"),
            ("b", {f"{first[0]}/2": 0.5}, "first exit"), ("b", {f"{first[0]}/1": 1.5}, "not a probability")):
        with pytest.raises(ValueError, match=said):
            written(overriding, **limits)
    text = path.read_bytes()
    path.write_bytes(text.replace(b'overriding_class\\": \\"b', b'overriding_class\\": \\"z').replace(
        b'overriding_class\\":\\"b', b'overriding_class\\":\\"z'))
    with pytest.raises(ToolError, match="has to be a class"):
        read_model(path)


def test_a_threshold_beside_a_sure_none_is_written_and_read(stored):
    quantized, settings, path = stored
    none = quantized.graph.network.classes[0]
    assert b"beside_none" not in path.read_bytes()

    def written(none, **limits):
        return rewritten(stored, "threshold_beside_none", limits, none=none)

    found = read_model(written(none, **{"image/2": 0.125, "vector/1": 0.0}))
    assert {k: e.threshold_beside_none for k, e in found.exits.items()} == {
        **dict.fromkeys(settings), ("image", 2): 0.125, ("vector", 1): 0.0}
    assert model_bytes(found.quantized, found.exits, found.provenance) == path.read_bytes()
    for named, limits, said in (
            (None, {"image/1": 0.5}, "without a class that means"), (none, {"fusion/0": 0.5}, "a modality's exits"),
            (none, {"image/1": 1.5}, "1.5 is not in"), (none, {"image/1": -0.5}, "-0.5 is not in")):
        with pytest.raises(ValueError, match=said):
            written(named, **limits)
    text = path.read_bytes()
    damaged = text.replace(b'beside_none\\":0.125', b'beside_none\\":1.125')
    assert damaged != text
    path.write_bytes(damaged)
    with pytest.raises(ToolError, match=r"1\.125 is not in"):
        read_model(path)


def test_the_class_that_overrides_is_no_part_of_a_networks_text(network):
    assert repr(replace(network, overriding="b")) == repr(network)


DAMAGES = [lambda b: b[:40], lambda b: b"", lambda b: b[:-9], lambda b: b[:8] + b"x" + b[9:]]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_refused_in_one_line(stored, damage):
    stored[2].write_bytes(damage(stored[2].read_bytes()))
    with pytest.raises(ToolError, match=r"tiny\.safetensors: not a model"):
        read_model(stored[2])
