import numpy as np
import pytest
import torch
from conftest import make_batch

from mmexit_tools.model.networks import Outputs
from mmexit_tools.training.separation import Options, margin_to, separation, step_loss
from mmexit_tools.training.trainer import predict


def test_margin_is_to_the_best_other_class():
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(50, 5)).astype(np.float32)
    answer = rng.integers(0, 5, 50)
    wanted = [x[a] - max(np.delete(x, a)) for x, a in zip(logits, answer, strict=True)]
    np.testing.assert_allclose(margin_to(torch.from_numpy(logits), torch.from_numpy(answer)), wanted, rtol=1e-5)


def outputs(logits, other):
    return Outputs({"m": [torch.tensor(logits)]}, torch.tensor(other))


def test_separation_counts_flips_and_ties_and_leaves_out_the_absent():
    present = {"m": torch.tensor([True, False])}
    plain = outputs([[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [1.0, 0.0]])
    sure = outputs([[1.0, 0.0], [9.0, 0.0]], [[1.0, 0.0], [1.0, 0.0]])  # the absent one's flip is nobody's
    tie = outputs([[0.1, 0.0], [0.0, 1.0]], [[1.0, 0.0], [1.0, 0.0]])
    flip = outputs([[0.0, 0.1], [0.0, 1.0]], [[1.0, 0.0], [1.0, 0.0]])
    a, b, c = (float(separation(x, plain, present, 0.1)) for x in (sure, tie, flip))
    assert a < 1e-3 < b < c
    assert a == pytest.approx(2 * np.log1p(np.exp(-10)), rel=1e-3)
    assert b - a == pytest.approx(np.log1p(np.exp(-1.0)), rel=1e-2)


def near_ties(model, batch, below=0.05):
    total = 0.0
    for logits in predict(model, batch).values():
        best = np.sort(logits, axis=1)
        total += float((best[:, -1] - best[:, -2] < below).mean())
    return total


def test_a_few_steps_move_windows_off_the_ties(network, trained):
    """Labels that nothing tells: cross-entropy alone pulls all logits together, separation keeps a class to fall
    back on."""
    held_out, counts = make_batch(network, 500, 99), {}
    start = {k: v.clone() for k, v in trained.state_dict().items()}
    for push in (0.0, 0.5):
        trained.load_state_dict(start)
        trained.train()
        optimizer = torch.optim.Adam(trained.parameters(), lr=5e-3)
        generator = torch.Generator().manual_seed(1)
        for seed in range(150):
            loss = step_loss(trained, make_batch(network, 64, seed), Options(push=push), generator)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        counts[push] = near_ties(trained, held_out)
    assert counts[0.5] < 0.5 * counts[0.0]
