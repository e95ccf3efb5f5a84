from dataclasses import replace

import numpy as np
import pytest

from mmexit_tools.quantize.modelfile import read_features
from mmexit_tools.signals.features import ImageFeatures, SpectrogramFeatures, fit_window, hann, mel_weights, resize


def spectrogram(**changes) -> SpectrogramFeatures:
    values = dict(sample_rate=8000, window=8000, frame=256, hop=69, fft=256, frames=112, bands=112, floor=1e-4,
                  mean=0.0, std=2.5, center=True)
    return SpectrogramFeatures(**(values | changes))


def test_a_tone_peaks_in_its_bin():
    tone = (10000 * np.sin(2 * np.pi * 1000 / 8000 * np.arange(8000))).astype(np.int16)
    x = spectrogram().compute([tone])
    assert x.shape == (1, 112, 112, 1)
    assert (x[0, :, :, 0].argmax(axis=1) == 32).all()  # 1000 Hz / (8000 / 256)


def test_power_is_the_definition_written_out():
    pcm = np.random.default_rng(1).integers(-20000, 20000, 8000).astype(np.int16)
    x = spectrogram(center=False, mean=1.5).compute([pcm])[0, 7, :, 0]
    frame = pcm[7 * 69 : 7 * 69 + 256] / 32768 * (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(256) / 256))
    k = np.arange(112)[:, None]
    power = np.abs((frame * np.exp(-2j * np.pi * k * np.arange(256) / 256)).sum(axis=1)) ** 2
    assert np.allclose(x, (np.log(power + 1e-4) - 1.5) / 2.5, atol=1e-4)


def test_centred_features_do_not_hear_the_gain():
    pcm = np.random.default_rng(2).integers(-4000, 4000, 8000)
    quiet, loud = spectrogram(floor=1e-9).compute([pcm.astype(np.int16), (pcm * 8).astype(np.int16)])
    assert np.abs(quiet - loud).max() < 0.01
    assert abs(float(quiet.mean())) < 1e-4


def test_mel_triangles_share_every_frequency_between_two_bands():
    w = mel_weights(16000, 512, 20, 100.0, 7000.0)
    inside = w[20:180].sum(axis=1)  # between the first and the last centre
    assert np.allclose(inside, 1, atol=1e-5)
    assert hann(4).tolist() == [0.0, 0.5, 1.0, 0.5]


def test_windows_are_centred_or_cut_around_the_middle():
    assert fit_window(np.array([1, 2, 3], np.int16), 6).tolist() == [0, 1, 2, 3, 0, 0]
    assert fit_window(np.arange(7, dtype=np.int16), 4).tolist() == [1, 2, 3, 4]


def brute_force(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    """Area average by cutting every pixel into cells no edge crosses."""
    h, w = picture.shape
    wide = w * height > h * width
    source, target = (h, height) if wide else (w, width)
    fine = np.kron(picture.astype(np.int64), np.ones((2 * target, 2 * target), np.int64))
    cell = 2 * source
    y, x = (fine.shape[0] - height * cell) // 2, (fine.shape[1] - width * cell) // 2
    crop = fine[y : y + height * cell, x : x + width * cell].reshape(height, cell, width, cell)
    area = cell * cell
    return (2 * crop.sum(axis=(1, 3)) + area) // (2 * area)


@pytest.mark.parametrize("size", [(28, 28), (56, 56), (31, 45), (45, 31), (29, 28), (9, 7), (13, 40)])
def test_resize_is_the_exact_area_average(size):
    picture = np.random.default_rng(3).integers(0, 256, size).astype(np.uint8)
    for width, height in ((28, 28), (8, 6), (5, 10)):
        assert (resize(picture, width, height, 1)[:, :, 0] == brute_force(picture, width, height)).all()


def test_colours_and_normalization():
    red = np.zeros((4, 4, 3), np.uint8)
    red[..., 0] = 200
    assert resize(red, 2, 2, 1)[0, 0, 0] == (77 * 200 + 128) >> 8
    assert resize(np.full((4, 4), 9, np.uint8), 2, 2, 3).shape == (2, 2, 3)
    plain = ImageFeatures(2, 2, 1, (0.5,), (0.25,))
    assert read_features(plain.describe()) == plain and "mirrored" not in plain.describe()
    assert read_features(replace(plain, mirrored=True).describe()).mirrored
    x = plain.compute([np.full((2, 2), 255, np.uint8)])
    assert np.allclose(x, 2.0)
