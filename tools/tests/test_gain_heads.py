"""Gain heads: what they take, what they say, how they are taught, kept and billed."""

import dataclasses

import numpy as np
import pytest
from conftest import make_batch

from mmexit_tools.base.exits import FUSION
from mmexit_tools.calibrate.calibration import Tolerance
from mmexit_tools.calibrate.exit_pool import batch_pool
from mmexit_tools.calibrate.gain_heads import billed, doubts, teach
from mmexit_tools.export.calibrating import calibrate_model
from mmexit_tools.export.exporter import measure_split
from mmexit_tools.model import graphs
from mmexit_tools.quantize.head_codes import look_additions, look_codes, predict_with_codes
from mmexit_tools.quantize.modelfile import model_bytes, read_model
from mmexit_tools.quantize.quantization import predict_integer, quantize
from mmexit_tools.quantize.ranges import measure_ranges
from mmexit_tools.quantize.stored_head import Part, StoredHead, doubt, logit_codes


def test_a_look_is_of_whole_cells_by_column_and_by_sorted_row():
    maps = np.random.default_rng(1).integers(-128, 128, (3, 31, 29, 2))
    found = look_codes(maps)
    # 31 rows make 10 cells of 3, 29 columns 9 cells of 3: the rest is left out.
    assert found.shape == (3, (9 + 10) * 2 * 2)
    cells = maps[:, :30, :27].reshape(3, 10, 3, 9, 3, 2).mean(axis=(2, 4))
    columns = np.stack([cells.mean(axis=1), cells.max(axis=1)], axis=2).reshape(3, -1)
    rows = np.sort(np.stack([cells.mean(axis=2), cells.max(axis=2)], axis=2), axis=1).reshape(3, -1)
    assert np.abs(found - np.concatenate([columns, rows], axis=1)).max() <= 0.5 + 1e-9
    # Nothing changes where the same is heard earlier or later.
    moved = np.roll(maps[:, :30], 9, axis=1)
    assert np.array_equal(look_codes(moved), look_codes(maps[:, :30]))
    assert look_additions((31, 29, 2)) == 30 * 27 * 2


def test_a_part_may_take_the_columns_of_a_look_alone():
    rng = np.random.default_rng(4)
    part = Part(rng.integers(-127, 128, (4, 6)).astype(np.int8), np.ones(4, np.float32))
    codes = rng.integers(-128, 128, (5, 10))
    assert np.array_equal(part.products(codes), part.products(codes[:, :6]))


def test_logits_are_told_in_falling_order():
    logits = np.array([[1.0, 3.0, 2.5], [-90.0, 0.0, 0.0]], np.float32)
    found = logit_codes(logits, 2.0, np.array([0.5, np.inf]))
    # Half of .5 and of 2 in eighths below the largest; 45 below is cut off at 16.
    assert found.tolist() == [[64, -2, -8], [127, 0, -128]]


def head(rng, parts, hidden=4) -> StoredHead:
    def part(count, bias=False):
        weight = rng.integers(-127, 128, (hidden, count)).astype(np.int8)
        scale = rng.uniform(1e-5, 1e-4, hidden).astype(np.float32)
        return Part(weight, scale, rng.normal(size=hidden).astype(np.float32) if bias else None)

    logits, feature, *looks = parts
    return StoredHead(part(logits), part(feature), {m: part(n, True) for m, n in looks},
                      rng.normal(size=hidden).astype(np.float32), rng.normal(size=hidden).astype(np.float32), 0.125)


def test_a_head_says_what_its_numbers_say():
    rng = np.random.default_rng(2)
    found = head(rng, (3, 5, ("sound", 6)))
    logits, feature, sound = (rng.integers(-128, 128, (7, n)) for n in (3, 5, 6))
    seen = np.arange(7) % 2 == 0
    for i, gain in enumerate(found.predict(logits, feature, {"sound": sound}, {"sound": seen})):
        hidden = found.bias.astype(np.float64)
        for part, codes in ((found.logits, logits), (found.feature, feature)):
            hidden = hidden + part.scale * (part.weight.astype(int) @ codes[i])
        if seen[i]:
            part = found.looks["sound"]
            hidden = hidden + part.scale * (part.weight.astype(int) @ sound[i]) + part.bias
        assert gain == pytest.approx(np.clip(0.125 + found.output @ np.maximum(hidden, 0), -1, 1), abs=1e-5)
    assert found.macs == 4 * (3 + 5 + 6 + 1) and found.parameters == 4 * (3 + 5 + 6 + 3) + 1
    assert doubt(np.array([-1, 0, 1], np.float32)).tolist() == [0, 0.5, 1]


@pytest.fixture
def pool(network, trained):
    graph = graphs.lower(trained)
    batch = make_batch(network, 900, 4)
    quantized = quantize(graph, measure_ranges(graph, batch))
    logits, codes = predict_with_codes(quantized, batch)
    plain = predict_integer(quantized, batch)
    assert all(np.array_equal(logits[k], plain[k]) for k in plain)
    groups = {"who": np.array([f"p{i % 30}" for i in range(900)])}
    macs = {k: c.macs for k, c in graphs.exit_costs(graph).items()}
    return quantized, batch_pool(batch, logits, groups, macs), codes


def test_heads_learn_who_is_right(pool):
    _, known, codes = pool
    # Labels that fusion gets right, and the picture's first exit where the vector's look-alike feature is high.
    high = codes.features[("vector", 1)][:, 0] > np.median(codes.features[("vector", 1)][:, 0])
    known = dataclasses.replace(known, labels=known.logits[FUSION].argmax(axis=1))
    first = np.where(high[:, None], known.logits[FUSION], np.roll(known.logits[FUSION], 1, axis=1))
    known = dataclasses.replace(known, logits={**known.logits, ("vector", 1): first})
    temperatures = dict.fromkeys(known.logits, 1.0)
    taught = teach(known, codes, temperatures)
    vector = taught[("vector", 1)]
    assert vector.error < 0.5 * vector.variance
    assert vector.doubt[high].mean() < vector.doubt[~high].mean() - 0.2
    # A second time the same heads.
    again = teach(known, codes, temperatures)[("vector", 1)]
    assert np.array_equal(again.head.logits.weight, vector.head.logits.weight)
    said = doubts({k: t.head for k, t in taught.items()}, known, codes, temperatures)
    away = ~known.present["image"]
    assert np.isinf(said[("image", 1)][away]).all() and np.isinf(taught[("image", 1)].doubt[away]).all()


def test_heads_and_looks_are_billed_once(network, pool):
    quantized, _, _ = pool
    rng = np.random.default_rng(3)
    costs = graphs.exit_costs(quantized.graph)
    heads = {("vector", 1): head(rng, (3, 8, ("image", 4))), ("image", 2): head(rng, (3, 7))}
    found = billed(costs, heads, network)
    assert found[("image", 1)] == costs[("image", 1)]
    assert found[("image", 2)].macs == costs[("image", 2)].macs + heads[("image", 2)].macs
    extra = heads[("vector", 1)].macs + look_additions(network.modalities[0].features.shape)
    assert found[("vector", 1)].macs == costs[("vector", 1)].macs + extra


def test_a_model_keeps_its_heads(network, trained, tmp_path):
    batch = make_batch(network, 300, 5)
    # Fusion knows little more than chance here: any loss may be allowed.
    calibrated, _ = calibrate_model(trained, batch, Tolerance(1.0, 0.0), None, {}, gain=True)
    if not calibrated.heads:
        pytest.skip("entropy saves as much on these random windows")
    path = tmp_path / "m.safetensors"
    path.write_bytes(model_bytes(calibrated.quantized, calibrated.settings(), {"seed": 1}))
    found = read_model(path)
    assert {k for k, s in found.exits.items() if s.gain} == set(calibrated.heads)
    assert model_bytes(found.quantized, found.exits, found.provenance) == path.read_bytes()
    report = measure_split("test", trained, batch, calibrated)
    total = sum(c.macs for c in calibrated.costs.values())
    assert report.mean_macs <= total
