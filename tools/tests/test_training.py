import dataclasses

import numpy as np
import pytest
import torch

from mmexit_tools.errors import ToolError
from mmexit_tools.tasks import Picture, Vector, Window
from mmexit_tools.training import Options, drop_modalities, train
from mmexit_tools.weightings import exit_keys

OPTIONS = Options(epochs=3, windows=256, batch=32, rate=5e-3, validation=100, seed=3)


class TinyTask:
    """Class a is a bright picture, b a dark one, c a large vector; the other modality is noise."""

    CLASSES, NONE, MODALITIES, PROVENANCE = ("a", "b", "c"), None, ("image", "vector"), {"data": {}}

    def __init__(self, network, spoiled: bool = False) -> None:
        self.description, self.spoiled = network, spoiled

    def network(self, data, exits=2):
        return self.description

    def windows(self, data, split, count, seed):
        rng = np.random.default_rng([seed, 1])
        for _ in range(count):
            label = int(rng.integers(3))
            level = {0: 220, 1: 30, 2: 128}[label]
            pixels = np.clip(rng.normal(level, 20, (8, 9)), 0, 255).astype(np.uint8)
            vector = rng.normal(3.0 if label == 2 else 0.0, 0.5, 5).astype(np.float32)
            if self.spoiled:
                vector[0] = np.nan
            yield Window(self.CLASSES[label], {"image": Picture(pixels), "vector": Vector(vector)})

    def training_windows(self, data, count, seed):
        return self.windows(data, "train", count, seed)


def test_it_learns_at_every_exit(network, tmp_path):
    trainer = train(TinyTask(network), tmp_path, dataclasses.replace(OPTIONS, epochs=4), tmp_path / "run", False)
    last = trainer.history[-1]["validation"]
    assert last["fusion.0"] > 0.95 and last["image.2"] > 0.6
    assert last["vector.1"] > 0.5  # it can tell c only
    assert set(trainer.gradients) == set(exit_keys(network))


def test_a_killed_run_resumes_with_the_same_result(network, tmp_path):
    whole = train(TinyTask(network), tmp_path, OPTIONS, tmp_path / "whole", False)

    class Killed(TinyTask):
        def training_windows(self, data, count, seed):
            if seed == OPTIONS.seed * 1000 + 2:
                raise KeyboardInterrupt
            return super().training_windows(data, count, seed)

    with pytest.raises(KeyboardInterrupt):
        train(Killed(network), tmp_path, OPTIONS, tmp_path / "cut", False)
    resumed = train(TinyTask(network), tmp_path, OPTIONS, tmp_path / "cut", True)
    for a, b in zip(whole.model.parameters(), resumed.model.parameters(), strict=True):
        assert torch.equal(a, b)
    assert [h["loss"] for h in whole.history] == [h["loss"] for h in resumed.history]


def test_other_options_do_not_resume(network, tmp_path):
    train(TinyTask(network), tmp_path, OPTIONS, tmp_path / "run", False)
    with pytest.raises(ToolError, match="other options"):
        train(TinyTask(network), tmp_path, dataclasses.replace(OPTIONS, rate=1e-3), tmp_path / "run", True)


def test_a_loss_that_is_no_number_ends_in_one_line(network, tmp_path):
    with pytest.raises(ToolError, match="epoch 1, step 1: the loss is not a number"):
        train(TinyTask(network, spoiled=True), tmp_path, OPTIONS, tmp_path / "run", False)


def test_modality_dropout_leaves_one_modality():
    present = {"a": torch.ones(4000, dtype=torch.bool), "b": torch.arange(4000) % 2 == 0}
    kept = drop_modalities(present, 0.5, torch.Generator().manual_seed(1))
    assert bool((kept["a"] | kept["b"]).all())
    share = 1 - float((kept["a"] & kept["b"])[::2].float().mean())
    assert share == pytest.approx(0.5, abs=0.05)
