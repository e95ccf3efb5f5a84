import numpy as np
import pytest

from mmexit_tools.manifests import recording
from mmexit_tools.signals.features import resize
from mmexit_tools.sources import drawing, pca, speech
from mmexit_tools.tasks import avmnist


@pytest.mark.skipif(not speech.available(), reason="espeak-ng is not installed")
def test_the_recording_is_the_same_bytes_and_small(monkeypatch):
    monkeypatch.setattr(recording, "PLAN", recording.PLAN[8:16])
    one, two = recording.make(4).files, recording.make(4).files
    assert one == two and one != recording.make(5).files
    seconds = len(recording.PLAN) * recording.ITEM_SECONDS
    assert len(one["audio.wav"]) == 44 + 2 * seconds * recording.RATE
    side = 28 * recording.ZOOM
    head = one["image.y4m"].split(b"\n", 1)[0]
    frames = seconds * recording.FRAMES_PER_SECOND
    assert len(one["image.y4m"]) == len(head) + 1 + frames * (6 + side * side)
    assert one["labels.csv"].decode().splitlines()[0] == "start,end,label"
    assert len(one["labels.csv"].splitlines()) == 1 + len(recording.PLAN)


def test_the_image_feature_gives_the_cells_back():
    rng = np.random.default_rng(1)
    small = avmnist.picture(drawing.draw(5, np.random.default_rng(2), 0.7), 0.25).pixels
    shown = recording.picture(5, 0.25, np.random.default_rng(2))
    assert (resize(shown, 28, 28, 1)[:, :, 0] == small).all()
    assert (recording.picture(5, None, rng) == 32).all()


def test_written_digits_differ_and_stay_inside():
    rng = np.random.default_rng(3)
    for digit in range(10):
        pictures = [drawing.draw(digit, rng) for _ in range(20)]
        edges = np.mean([[p[0].mean(), p[-1].mean(), p[:, 0].mean(), p[:, -1].mean()] for p in pictures])
        assert edges < 3 and all(p.max() > 200 for p in pictures)
        assert len({p.tobytes() for p in pictures}) == 20


def test_a_quarter_of_the_energy_is_kept():
    _, _, share = pca.basis()
    for energy in (0.05, 0.25, 0.6):
        assert float((share * pca.weights(energy) ** 2).sum()) == pytest.approx(energy)
    whole = np.random.default_rng(1).integers(0, 256, (3, 28, 28)).astype(np.uint8)
    faint, strong = (pca.keep_energy(whole, e) for e in (0.25, 0.6))
    assert np.abs(strong - faint).max() > 1 and faint.shape == whole.shape
