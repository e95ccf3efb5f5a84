"""The fixed linear basis by which avmnist removes most of a digit's energy.

`python -m mmexit_tools.sources.pca --data DIR` made `sources/mnist_pca.npz` from MNIST's first 50,000 pictures. The
basis is stored, so that any other folder of digits goes through the same transformation.
"""

from __future__ import annotations

import argparse
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..base.errors import exit_with, say
from ..base.readers import read_idx

STORED = Path(__file__).parent / "mnist_pca.npz"
COMPONENTS = 64
FIT = 50_000


@cache
def basis() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """(mean [784], components [64, 784], share of the variance [64]), in units of one grey level."""
    with np.load(STORED, allow_pickle=False) as stored:
        return tuple(stored[k].astype(np.float64) for k in ("mean", "components", "share"))  # type: ignore


def weights(energy: float) -> NDArray[np.float64]:
    """[64] factors that keep `energy` of the variance: leading components whole, the next one in part."""
    share = basis()[2]
    before = np.concatenate([[0.0], np.cumsum(share)[:-1]])
    return np.sqrt(np.clip((energy - before) / share, 0.0, 1.0))


def keep_energy(pictures: NDArray[np.uint8], energy: float) -> NDArray[np.float64]:
    """[N, 28, 28] of grey levels (not clipped) with that share of the training set's variance kept."""
    flat = pictures.reshape(len(pictures), -1).astype(np.float64)
    mean, components, _ = basis()
    factors = weights(energy)
    used = int(np.count_nonzero(factors))
    coordinates = (flat - mean) @ components[:used].T * factors[:used]
    return (coordinates @ components[:used] + mean).reshape(pictures.shape)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=STORED)
    args = parser.parse_args()
    images = read_idx(args.data / "mnist" / "train-images-idx3-ubyte.gz")[:FIT]
    flat = images.reshape(len(images), -1).astype(np.float64)
    mean = flat.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(flat - mean, rowvar=False))
    order = np.argsort(values)[::-1][:COMPONENTS]
    components = vectors[:, order].T
    components *= np.sign(components[np.arange(COMPONENTS), np.abs(components).argmax(1)])[:, None]
    share = values[order] / values.sum()
    np.savez_compressed(args.out, mean=mean.astype(np.float16), components=components.astype(np.float16),
                        share=share.astype(np.float32))
    say(f"{args.out}: {COMPONENTS} components, shares {np.round(share[:6], 4).tolist()}")


if __name__ == "__main__":
    exit_with(main)
