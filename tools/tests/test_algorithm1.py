import math

import pytest
import torch
from conftest import make_batch
from torch.nn import functional

from mmexit_tools.base.exits import FUSION
from mmexit_tools.model.networks import MultiExitNetwork
from mmexit_tools.training.algorithm1 import Algorithm1, balance, logit_gradients, running, shared_gradients

EXITS = {"image": 2, "audio": 3}


def test_equation_16_by_hand():
    found = balance({("image", 1): 0.2, ("audio", 1): 0.4, ("audio", 2): 0.3}, EXITS, 0.5)
    total = math.exp(0.4) + math.exp(0.8) + math.exp(0.6)
    assert found[("image", 1)] == pytest.approx(math.exp(0.4) / (2 * total))
    assert found[("audio", 1)] == pytest.approx(math.exp(0.8) / (3 * total))
    assert found[("audio", 2)] == pytest.approx(math.exp(0.6) / (2 * total))


def test_equation_16_does_not_overflow():
    found = balance({("image", 1): 1000.0, ("audio", 1): -1000.0}, EXITS, 1e-3)
    assert found == {("image", 1): 0.5, ("audio", 1): 0.0}


def test_equation_15_keeps_the_share_alpha():
    assert running(None, 0.7) == 0.7
    assert running(0.5, 1.5, alpha=0.9) == pytest.approx(0.6)


def test_the_stages_alternate_and_the_last_epoch_trains_fusion():
    method = Algorithm1(EXITS, epochs=6)
    odd = [("image", 1), ("audio", 1), ("audio", 2)]
    even = [("image", 2), ("audio", 3), FUSION]
    assert [list(method.stage(e)) for e in range(4)] == [odd, even, odd, even]
    assert FUSION in method.stage(5)
    assert Algorithm1({"image": 1}, 2).stage(0) == (("image", 1), FUSION)


def test_fusion_weighs_one_and_the_temperature_falls():
    method = Algorithm1(EXITS, epochs=5)
    gradients = {("image", 2): 0.9, ("audio", 3): 0.1, FUSION: 5.0}
    early, late = method.weights(1, gradients), method.weights(3, gradients)
    assert early[FUSION] == late[FUSION] == 1.0
    assert late[("image", 2)] > early[("image", 2)] > early[("audio", 3)] > late[("audio", 3)]
    heat = [method.temperature(e) for e in range(5)]
    assert heat == sorted(heat, reverse=True) and heat[0] == 1.0 and heat[-1] == pytest.approx(0.5)


@pytest.mark.parametrize("reading", ["norm", "signed"])
def test_readings_are_gradients_of_the_loss_in_the_logits(reading):
    generator = torch.Generator().manual_seed(3)
    logits = {("image", 1): torch.randn(20, 4, generator=generator), FUSION: torch.randn(20, 4, generator=generator)}
    labels = {k: torch.randint(4, (20,), generator=generator) for k in logits}
    found = logit_gradients(reading, logits, labels)
    for key, values in logits.items():
        leaf = values.clone().requires_grad_()
        functional.cross_entropy(leaf, labels[key], reduction="sum").backward()
        each = leaf.grad.norm(dim=1) if reading == "norm" else leaf.grad[torch.arange(20), labels[key]]
        assert found[key] == pytest.approx(float(each.mean()), abs=1e-6)
    assert (found[FUSION] < 0) == (reading == "signed")


def test_the_shared_reading_is_the_gradient_in_the_first_segment(network):
    torch.manual_seed(0)
    model = MultiExitNetwork(network)
    inputs, present = make_batch(network, 16).tensors()
    labels = torch.arange(16) % 3
    shared = list(model.segments["image"][0].parameters())
    outputs = model(inputs, present)
    losses = {("image", j + 1): functional.cross_entropy(t, labels) for j, t in enumerate(outputs.exits["image"])}
    found = shared_gradients(losses, dict.fromkeys(losses, shared))
    for key, loss in losses.items():
        model.zero_grad()
        loss.backward(retain_graph=True)
        expected = math.sqrt(sum(float(p.grad.square().sum()) for p in shared))
        assert found[key] == pytest.approx(expected, rel=1e-5)
    elsewhere = torch.ones(1, requires_grad=True)
    assert shared_gradients({("a", 1): elsewhere.sum()}, {("a", 1): shared}) == {("a", 1): 0.0}


def test_early_logits_are_those_of_the_whole_network(network):
    model = MultiExitNetwork(network).eval()
    inputs, _ = make_batch(network, 8).tensors()
    early = model.early_logits(inputs)
    assert list(early) == [("image", 1)]
    assert torch.equal(early[("image", 1)], model(inputs).exits["image"][0])


def test_joint_stages_weigh_each_stage_as_if_in_turns():
    turns, joint = Algorithm1(EXITS, 4), Algorithm1(EXITS, 4, joint=True)
    gradients = {k: 0.1 * i for i, k in enumerate(joint.stage(0))}
    assert set(joint.stage(0)) == set(turns.stage(0)) | set(turns.stage(1)) == set(joint.stage(1))
    early = turns.weights(0, gradients)
    assert {k: joint.weights(0, gradients)[k] for k in early} == pytest.approx(early)
    late = turns.weights(1, gradients)
    assert {k: joint.weights(1, gradients)[k] for k in late} == pytest.approx(late)
