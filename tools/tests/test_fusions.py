import numpy as np
import pytest
import torch
from conftest import make_batch

from mmexit_tools.model import fusions
from mmexit_tools.model.graphs import lower
from mmexit_tools.model.networks import MultiExitNetwork

WIDTHS = (3, 2, 4)


def features(seed: int = 0, count: int = 5) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(count, w, generator=generator) for w in WIDTHS]


def full_tensor(parts: list[torch.Tensor]) -> torch.Tensor:
    """[N, 4, 3, 5]: the outer product of (feature, 1), written out."""
    a, b, c = (torch.cat([p, torch.ones(len(p), 1)], 1) for p in parts)
    return torch.einsum("ni,nj,nk->nijk", a, b, c)


def test_tensor_fusion_is_the_outer_product():
    fusion = fusions.build("tf", WIDTHS, 6)
    assert torch.allclose(fusion(features()), full_tensor(features()).flatten(1))
    assert fusion.width == 4 * 3 * 5 and fusion.macs == 4 * 3 + 4 * 3 * 5


def test_low_rank_fusion_is_the_full_tensor_times_a_weight_of_that_rank():
    torch.manual_seed(1)
    fusion = fusions.LowRankFusion(WIDTHS, 6, rank=3)
    a, b, c = fusion.factors
    weight = torch.einsum("r,rio,rjo,rko->ijko", fusion.ranks, a, b, c)
    expected = torch.einsum("nijk,ijko->no", full_tensor(features()), weight) + fusion.bias
    assert torch.allclose(fusion(features()), expected, atol=1e-5)
    assert fusion.macs == 3 * 6 * (4 + 3 + 5) + 3 * 3 * 6


def test_multiplicative_interactions_meet_one_modality_after_the_other():
    torch.manual_seed(2)
    fusion = fusions.MultiplicativeInteractions(WIDTHS, 6)
    x, y, z = features()
    joined = x
    for other, weight, line in zip((y, z), fusion.products, fusion.sums, strict=True):
        joined = torch.einsum("ni,nj,ijo->no", joined, other, weight) + line(torch.cat([joined, other], 1))
    assert torch.allclose(fusion(features()), joined, atol=1e-5)
    assert fusion.parameter_count() == 3 * 2 * 6 + 6 * 4 * 6 + (5 + 1) * 6 + (10 + 1) * 6


@pytest.mark.parametrize("kind", fusions.KINDS)
def test_a_network_can_be_built_over_each(kind, network):
    model = MultiExitNetwork(network, kind)
    inputs, present = make_batch(network, 6).tensors()
    out = model(inputs, present).fusion
    assert out.shape == (6, 3)
    out.square().sum().backward()
    assert all(p.grad is not None for p in model.merge.parameters())


def test_the_engine_gets_late_fusion_only(network):
    with pytest.raises(ValueError, match="late fusion only, not mim"):
        lower(MultiExitNetwork(network, "mim"))
    assert np.isfinite(lower(MultiExitNetwork(network)).fusion_nodes[1].weight).all()


def test_an_unknown_fusion_is_refused():
    with pytest.raises(ValueError, match="choose one of lf, tf, lrtf, mim"):
        fusions.build("sum", WIDTHS, 6)
