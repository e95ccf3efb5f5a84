from dataclasses import replace

import numpy as np
import pytest

from mmexit_tools.base.errors import ToolError
from mmexit_tools.comparison.material import Draw, check_classes, most_groups, stored
from mmexit_tools.signals.windows import Picture, Vector, Window


class Made:
    """Two classes that a vector tells apart; `spoil` changes a window's inputs."""

    CLASSES, NONE, MODALITIES, PROVENANCE = ("a", "b", "c"), None, ("image", "vector"), {}

    def __init__(self, spoil=lambda i, inputs: inputs, label=lambda i: "ab"[i % 2]):
        self.spoil, self.label, self.drawn = spoil, label, 0

    def windows(self, data, split, count, seed):
        rng = np.random.default_rng(seed)
        for i in range(count):
            self.drawn += 1
            inputs = {"image": Picture(rng.integers(0, 256, (8, 9)).astype(np.uint8)),
                      "vector": Vector(rng.normal(i % 2, 0.1, 5).astype(np.float32))}
            yield Window(self.label(i), self.spoil(i, inputs))

    def training_windows(self, data, count, seed):
        return self.windows(data, "train", count, seed)


def kept(tmp_path, network, task, draw=None):
    return stored(tmp_path / "work", "made", task, network, tmp_path, draw or Draw("train", 300), lambda text: None)


def test_windows_are_drawn_once_and_read_again(tmp_path, network):
    task = Made()
    first = kept(tmp_path, network, task)
    again = kept(tmp_path, network, task)
    assert task.drawn == 300 and first.key == again.key
    batch = again.batch(np.array([5, 2]))
    assert batch.inputs["image"].dtype == np.float32 and batch.inputs["image"].shape == (2, 8, 9, 1)
    assert (batch.labels == [1, 0]).all() and (batch.seen["vector"] == batch.labels).all()
    assert batch.inputs["vector"][0].mean() > 0.5 > batch.inputs["vector"][1].mean()
    assert not list((tmp_path / "work/material").glob("part-*"))


def test_other_draws_are_other_windows(tmp_path, network):
    draws = [Draw("train", 40), Draw("train", 40, 1), Draw("test", 40)]
    found = [kept(tmp_path, network, Made(), d) for d in draws]
    assert len({m.key for m in found}) == 3
    assert not np.array_equal(found[0].inputs["vector"], found[1].inputs["vector"])


def test_a_stream_has_every_window_once_in_the_order_of_its_seed(tmp_path, network):
    source = kept(tmp_path, network, Made(), Draw("train", 65))
    sums = [sorted(float(v) for b in source.stream(32, [1, e]) for v in b.inputs["vector"].sum(1)) for e in (0, 1)]
    assert len(sums[0]) == 64  # a rest of one is left out
    first, again = (next(source.stream(32, [1, 0])).inputs["vector"] for _ in range(2))
    assert np.array_equal(first, again)


def test_windows_know_what_they_share(tmp_path, network):
    class Grouped(Made):
        def windows(self, data, split, count, seed):
            for i, w in enumerate(super().windows(data, split, count, seed)):
                yield replace(w, groups={"word": f"w{i % 2}", "picture": f"p{i % 7}"})

    draw = Draw("validation", 20)
    for _ in range(2):  # drawn, then read
        assert kept(tmp_path, network, Grouped(), draw).groups.tolist() == [f"p{i % 7}" for i in range(20)]
    assert kept(tmp_path, network, Made()).groups is None
    assert most_groups([{"a": "1"}, {"b": "1"}]) is None and most_groups([]) is None


def missing(i, inputs):
    return {"vector": inputs["vector"]} if i == 7 else inputs


def no_number(i, inputs):
    return inputs | {"vector": Vector(np.full(5, np.nan, np.float32))} if i == 260 else inputs


@pytest.mark.parametrize(("task", "words"), [
    (Made(spoil=missing), "window 8 has no image"),
    (Made(spoil=no_number), "vector: window 261 holds a value that is not a number"),
    (Made(label=lambda i: "c" if i == 3 else "ab"[i % 2]), "class c has one window only"),
    (Made(label=lambda i: "a"), "all windows are of one class"),
], ids=["missing", "nan", "single", "one-class"])
def test_bad_windows_end_in_one_line(task, words, tmp_path, network):
    with pytest.raises(ToolError, match=words):
        kept(tmp_path, network, task)


def test_a_spoiled_file_is_named(tmp_path, network):
    kept(tmp_path, network, Made())
    file = next((tmp_path / "work/material").glob("*/image.npy"))
    file.write_bytes(b"no array")
    with pytest.raises(ToolError, match=r"not readable .*remove it"):
        kept(tmp_path, network, Made())


def test_classes_that_are_absent_are_no_error(network):
    check_classes(np.array([0, 0, 1, 1]), network, "made")
