import dataclasses

import numpy as np
import pytest
import torch

from mmexit_tools.base.errors import ToolError
from mmexit_tools.signals.windows import Picture, Vector, Window
from mmexit_tools.tasks import avmnist
from mmexit_tools.training import weightings
from mmexit_tools.training.options import Options
from mmexit_tools.training.trainer import Trainer, drop_modalities, epoch_stream, train
from mmexit_tools.training.weightings import exit_keys

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


@pytest.mark.parametrize("options", [
    {"method": "sloss"}, {"method": "mmexit"}, {"method": "mmexit-joint"}, {"method": "mmexit", "reading": "signed"},
    {"method": "mmexit", "reading": "shared"}, {"method": "fusion", "fusion": "tf"},
], ids=lambda o: "-".join(o.values()))
def test_every_method_learns_and_resumes(options, network, tmp_path):
    chosen = dataclasses.replace(OPTIONS, epochs=4, rate=1e-2, **options)
    whole = train(TinyTask(network), tmp_path, chosen, tmp_path / "whole", False)
    assert whole.history[-1]["validation"]["fusion.0"] > 0.55  # a guess is right in a third
    (tmp_path / "cut").mkdir()
    cut = Trainer(network, chosen)
    for epoch in range(3):
        cut.run_epoch(epoch_stream(TinyTask(network), network, tmp_path, chosen, epoch))
    cut.save(tmp_path / "cut/checkpoint.pt")
    resumed = train(TinyTask(network), tmp_path, chosen, tmp_path / "cut", True)
    assert all(torch.equal(a, b) for a, b in zip(whole.model.parameters(), resumed.model.parameters(), strict=True))
    assert resumed.gradients == whole.gradients


def test_early_epochs_leave_last_segments_and_fusion_alone(network, tmp_path):
    chosen = dataclasses.replace(OPTIONS, method="mmexit", epochs=2)
    trainer = Trainer(network, chosen)
    before = {k: v.clone() for k, v in trainer.model.state_dict().items()}
    trainer.run_epoch(epoch_stream(TinyTask(network), network, tmp_path, chosen, 0))
    moved = {k for k, v in trainer.model.state_dict().items() if not torch.equal(v, before[k])}
    assert moved and all(k.startswith(("segments.image.0", "exits.image.0")) for k in moved)


def test_one_modality_alone(network, tmp_path):
    chosen = dataclasses.replace(OPTIONS, epochs=4, modalities="image", method="fusion")
    trainer = train(TinyTask(network), tmp_path, chosen, tmp_path / "run", False)
    assert set(trainer.model.segments) == {"image"}
    assert trainer.history[-1]["validation"]["fusion.0"] > 0.55
    with pytest.raises(ToolError, match="tiny has no smell"):
        Trainer(network, dataclasses.replace(OPTIONS, modalities="smell"))


@pytest.mark.parametrize("name", ["method", "fusion", "reading"])
def test_a_wrong_choice_ends_in_one_line(name, network):
    with pytest.raises(ToolError, match=f"--{name} best: choose one of"):
        Trainer(network, dataclasses.replace(OPTIONS, **{name: "best"}))


def test_static_weights_rise_to_fusion(network):
    assert weightings.increasing(network).fixed == {
        ("image", 1): 1 / 3, ("image", 2): 2 / 3, ("vector", 1): 1 / 2, ("fusion", 0): 1.0}
    assert set(weightings.equal(network).fixed.values()) == {1.0}


def test_a_checkpoint_from_before_an_option_resumes(network, tmp_path):
    train(TinyTask(network), tmp_path, OPTIONS, tmp_path / "run", False)
    path = tmp_path / "run/checkpoint.pt"
    state = torch.load(path, weights_only=True)
    del state["options"]["reading"], state["options"]["fusion"]
    torch.save(state, path)
    assert train(TinyTask(network), tmp_path, OPTIONS, tmp_path / "run", True).epoch == OPTIONS.epochs


def test_other_options_do_not_resume(network, tmp_path):
    train(TinyTask(network), tmp_path, OPTIONS, tmp_path / "run", False)
    with pytest.raises(ToolError, match="was trained with"):
        train(TinyTask(network), tmp_path, dataclasses.replace(OPTIONS, rate=1e-3), tmp_path / "run", True)


def test_resuming_with_more_epochs_goes_on(network, tmp_path):
    train(TinyTask(network), tmp_path, OPTIONS, tmp_path / "run", False)
    longer = dataclasses.replace(OPTIONS, epochs=OPTIONS.epochs + 2)
    assert train(TinyTask(network), tmp_path, longer, tmp_path / "run", True).epoch == longer.epochs
    with pytest.raises(ToolError, match="--epochs 5"):
        train(TinyTask(network), tmp_path, OPTIONS, tmp_path / "run", True)


def test_starts_from_single_modalities(network, tmp_path):
    """The strongest modality's encoder and exits begin as trained alone, wait at first, and then move slowly."""
    options = dataclasses.replace(OPTIONS, alone=2, epochs=2, fresh=0.5, slow=0.1)
    trainer = train(TinyTask(network), tmp_path, options, tmp_path / "run", False)
    alone = torch.load(tmp_path / "run/alone-image/checkpoint.pt", weights_only=True)
    assert trainer.strongest in ("image", "vector") and alone["options"]["modalities"] == "image"
    fresh = Trainer(network, options)
    fresh.start_alone({m: tmp_path / f"run/alone-{m}/checkpoint.pt" for m in ("image", "vector")})
    assert torch.equal(fresh.model.segments["image"][0][0].weighted.weight,
                       alone["model"]["segments.image.0.0.weighted.weight"])
    fresh._set_rates(0.25)
    assert {g["begun"]: g["lr"] for g in fresh.optimizer.param_groups if g["begun"]} == {True: 0.0}
    fresh._set_rates(0.6)
    rates = sorted(g["lr"] / fresh.learning_rate(0.6) for g in fresh.optimizer.param_groups)
    assert rates == pytest.approx([0.1, 1.0, 1.0])
    again = train(TinyTask(network), tmp_path, options, tmp_path / "run", True)
    for a, b in zip(again.model.parameters(), trainer.model.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_start_with_other_places_for_its_exits(tmp_path):
    """Layers keep their weights when an encoder is cut elsewhere."""
    two, all_ = avmnist.network(side=28), avmnist.network(exits=0, side=28)
    first = Trainer(two, OPTIONS)
    first.save(tmp_path / "checkpoint.pt")
    second = Trainer(all_, OPTIONS)
    second.start_from(tmp_path / "checkpoint.pt")
    assert torch.equal(first.model.segments["image"][1][0].weighted.weight,
                       second.model.segments["image"][2][0].weighted.weight)
    assert torch.equal(first.model.fusion_logits.weight, second.model.fusion_logits.weight)


def test_a_loss_that_is_no_number_ends_in_one_line(network, tmp_path):
    with pytest.raises(ToolError, match="epoch 1, step 1: the loss is not a number"):
        train(TinyTask(network, spoiled=True), tmp_path, OPTIONS, tmp_path / "run", False)


def test_modality_dropout_leaves_one_modality():
    present = {"a": torch.ones(4000, dtype=torch.bool), "b": torch.arange(4000) % 2 == 0}
    kept = drop_modalities(present, 0.5, torch.Generator().manual_seed(1))
    assert bool((kept["a"] | kept["b"]).all())
    share = 1 - float((kept["a"] & kept["b"])[::2].float().mean())
    assert share == pytest.approx(0.5, abs=0.05)
