"""Arrays as numpy.save writes them: numbers in one row, by the rule of the evaluator (Tests/EvaluationTests)."""

from __future__ import annotations

import numpy as np
import pytest

from mmexit_tools.base.errors import ToolError
from mmexit_tools.base.readers import read_vector

ROW = np.array([1, 2, 3])


@pytest.mark.parametrize("kind", ["<f2", ">f4", "<f8", "|i1", "<i2", ">i4", "<i8", "|u1", "<u2", ">u8"])
@pytest.mark.parametrize("shape", [(3,), (1, 3), (3, 1)])
def test_numbers_in_one_row_are_a_vector(tmp_path, kind, shape):
    np.save(tmp_path / "v.npy", ROW.astype(kind).reshape(shape))
    found = read_vector(tmp_path / "v.npy")
    assert found.dtype == np.float32 and found.tolist() == [1, 2, 3]


@pytest.mark.parametrize(("array", "said"), [
    (np.array([1, np.nan, np.inf]), "2 of 3 values are not finite as float32"),
    (np.array([1e300, 1.0]), "1 of 2 values are not finite as float32"),
    (np.zeros((2, 2)), "one-dimensional array of numbers"),
    (np.zeros(3, np.complex64), "one-dimensional array of numbers"),
    (np.zeros(3, bool), "one-dimensional array of numbers"), (np.array(["a"]), "one-dimensional array of numbers"),
    (np.array([{}], object), "not a readable .npy file")])
def test_other_arrays_are_refused_by_name(tmp_path, array, said):
    np.save(tmp_path / "v.npy", array, allow_pickle=True)
    with pytest.raises(ToolError, match=said):
        read_vector(tmp_path / "v.npy")
