import xml.etree.ElementTree as ElementTree

import numpy as np
from conftest import run_command
from folder_set import make_folder

from mmexit_tools.calibrate.calibration import replay
from mmexit_tools.export import exporter as export
from mmexit_tools.export import windows_view
from mmexit_tools.export.window_drawing import Asked, Walk, draw_walks, spectrogram_pixels
from mmexit_tools.export.windows_view import choose_windows
from mmexit_tools.training import trainer as training

PANELS = [("image", np.zeros((4, 6), np.uint8), True), ("audio", np.ones((3, 3), np.uint8), False)]
WALK = Walk("Easy: 1 < 2", PANELS, [
    Asked("image 1", 0.4, 0.2, "a", 0.1, True, False), Asked("image 2", 0.1, 0.3, "b", 0.2, True, True),
    Asked("audio 1", 0.9, None, "c", 0.6, False, False),
])


def test_a_drawing_says_what_was_asked_and_skipped():
    root = ElementTree.fromstring(draw_walks([WALK, WALK], "two"))
    words = [t.text for t in root.iter("{http://www.w3.org/2000/svg}text")]
    assert words.count("0.400 > 0.200: goes on") == 2 and "0.100 ≤ 0.300: answers b" in words
    assert "skipped: 60.0 % of the MACs saved" in words and "audio: never asked" in words
    assert len(list(root.iter("{http://www.w3.org/2000/svg}image"))) == 4


def test_a_spectrogram_has_low_sounds_below():
    values = np.zeros((5, 8), np.float32)
    values[:, 0] = 10
    pixels = spectrogram_pixels(values)
    assert pixels.shape == (8, 5) and (pixels[-1] == 255).all() and (pixels[0] == 0).all()


def test_windows_of_each_kind(tmp_path):
    from test_calibration import recording

    known, _ = recording(600, 1)
    outcome = replay(known, ("cheap", "dear"), {("cheap", 1): 0.2, ("cheap", 2): 0.4, ("dear", 1): 0.3})
    chosen = choose_windows(known, outcome)
    assert outcome.left_at[chosen["easy"]] == 0 and outcome.left_at[chosen["medium"]] == 1
    assert outcome.left_at[chosen["hard"]] == 4 and outcome.right[list(chosen.values())].all()


def test_a_model_that_leaves_nowhere_is_said_in_one_line(tmp_path):
    data = make_folder(tmp_path / "set", each=2)
    run_command(training, "--task", "folder", "--data", data, "--out", tmp_path, "--epochs", 1, "--windows", 64)
    run_command(export, "--task", "folder", "--data", data, "--checkpoint", tmp_path / "checkpoint.pt", "--out",
                tmp_path / "m.safetensors")
    ended = run_command(windows_view, "--task", "folder", "--data", data, "--model", tmp_path / "m.safetensors",
                        "--out", tmp_path / "view")
    assert ended.returncode == 65 and "windows is easy" in ended.stderr and ended.stderr.count("\nerror") <= 1
