"""The engine with a class that overrides, and with thresholds beside a sure `none`, against this side's gate:
`mmexitctl evaluate --audit` replayed."""

import json
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from test_engine_gains import manifest  # noqa: F401 (a fixture)

from mmexit_tools.base.exits import FUSION
from mmexit_tools.calibrate.calibration import softmax
from mmexit_tools.calibrate.gate import REASONS, Conditions, GatePolicy, Readings
from mmexit_tools.calibrate.walk import walk
from mmexit_tools.manifests.windowfiles import read_manifest
from mmexit_tools.model import graphs
from mmexit_tools.model.datasets import collect
from mmexit_tools.quantize.modelfile import ExitSettings, model_bytes
from mmexit_tools.quantize.quantization import QuantizedGraph, predict_integer, quantize
from mmexit_tools.quantize.ranges import measure_ranges

TEMPERATURE, OVERRIDING = 0.75, 1
KEYS = [("image", 1), ("image", 2), ("vector", 1), FUSION]


def float32(values) -> np.ndarray:
    """As the engine has them, in float64."""
    return np.array(values, np.float32).astype(np.float64)


# The picture's first exit names class 0 only, the vector's mostly 2.
@pytest.mark.parametrize(("first", "none", "beside"), [("image", None, None), ("vector", None, None),
                                                       ("vector", 0, None), ("image", 0, 0.4)])
def test_the_tools_override_as_the_engine_does(first, none, beside, network, trained, manifest, mmexitctl, tmp_path):  # noqa: F811
    graph = graphs.lower(trained)
    batch = collect(read_manifest(manifest, network), network)
    plain = quantize(graph, measure_ranges(graph, batch))
    logits = predict_integer(plain, batch)
    said = {k: softmax(logits[k], TEMPERATURE) for k in KEYS}
    entropy = {k: -(p * np.log(p)).sum(axis=1) / np.log(3) for k, p in said.items()}
    limits = {k: float(np.float32(np.quantile(entropy[k], 0.8 if beside else 0.5))) for k in KEYS[:-1]}
    overrides = {k: float(np.float32(np.quantile(said[k][:, OVERRIDING], 0.6))) for k in (KEYS[0], KEYS[2])}
    standing = {} if beside is None else {k: float(np.float32(np.quantile(entropy[k], beside))) for k in KEYS[1:-1]}
    named = replace(network, none=None if none is None else network.classes[none],
                    overriding=network.classes[OVERRIDING])
    quantized = QuantizedGraph(replace(plain.graph, network=named), plain.activations, plain.weights)
    settings = {k: ExitSettings(TEMPERATURE, limits.get(k), {}, 0.8, None if k == FUSION else 0.3,
                                override_threshold=overrides.get(k), threshold_beside_none=standing.get(k))
                for k in KEYS}
    path = tmp_path / "model.safetensors"
    path.write_bytes(model_bytes(quantized, settings, {"seed": 1}))

    command = [mmexitctl, "evaluate", "--model", path, "--manifest", manifest, "--audit", "--json", "--policy",
               f"first:{first}"]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    windows = told["windows"]
    silent = {"entropy": np.nan, "answer": "a", "certainty": 0, "overriding": np.nan}
    rows = [{FUSION: w["fusion"], **{(e["modality"], e["exit"]): e for e in w["exits"]}} for w in windows]
    column = {k: [row.get(k, silent) for row in rows] for k in KEYS}
    present = {m: np.array([(m, 1) in row for row in rows]) for m in ("image", "vector")}
    for key in overrides:
        seen = present[key[0]]
        np.testing.assert_allclose(np.array([c["overriding"] for c in column[key]])[seen],
                                   said[key][seen, OVERRIDING], atol=1e-5)
    steps = [k for m in told["order"] for k in KEYS if k[0] == m]
    macs = {k: c.macs for k, c in graphs.exit_costs(graph).items()}
    policy = GatePolicy(steps, lambda k, label: np.full(len(label), limits.get(k, np.nan)), none, 3,
                        overriding=OVERRIDING, overrides=overrides, beside_none=standing)
    readings = Readings({k: float32([c["entropy"] for c in column[k]]) for k in KEYS},
                        {k: np.array([network.classes.index(c["answer"]) for c in column[k]]) for k in KEYS},
                        {k: float32([c["certainty"] for c in column[k]]) for k in KEYS}, macs,
                        {k: float32([c["overriding"] for c in column[k]]) for k in overrides})
    found = walk(policy, readings, Conditions(present))
    for i, window in enumerate(windows):
        key = found.keys[found.exit[i]]
        wanted = "fusion" if key == FUSION else {"modality": key[0], "exit": key[1]}
        assert window["exit"] == wanted and window["macs"] == found.macs[i], i
        assert window["answer"] == network.classes[found.answer[i]]

    if beside is not None:
        # Commands stand beside a sure `none`, and others are not sure enough for it.
        before = walk(replace(policy, beside_none={}), readings, Conditions(present))
        stood, fused = found.exit != before.exit, found.reason != REASONS.index("sure")
        contradicted = fused & (readings.answer[KEYS[0]] == none) & (readings.entropy[KEYS[0]] <= limits[KEYS[0]])
        assert stood.sum() > 5 and contradicted.sum() > 5 and (found.macs < before.macs)[stood].all()
        return
    # Answers stand after a question, and are overridden.
    before = walk(replace(policy, overriding=None), readings, Conditions(present))
    stood = sum(found.unopposing.values()) > 0
    overridden = (before.reason == REASONS.index("sure")) & (found.exit != before.exit)
    assert stood.sum() > 10 and overridden.sum() > 10
    assert (found.exit == before.exit)[stood].all() and (found.macs > before.macs)[stood].all()
    assert (found.exit[overridden] == found.keys.index(FUSION)).all()
