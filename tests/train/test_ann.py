"""The ANN's operations, by hand."""

import numpy as np
import pytest
import torch

from snnlp_lava.train.baselines import AnnClassifier, effective_macs, macs


def test_macs_of_sizes():
    assert macs(AnnClassifier((384, 256, 128, 6)).state_dict()) == 131_840


def test_only_activations_that_are_not_zero_are_multiplied():
    classifier = AnnClassifier((3, 2, 4), dropout=0.5)
    with torch.no_grad():
        first, _, _, last = classifier.layers
        first.weight.copy_(torch.tensor([[1.0, 0, 0], [0, 1, 0]]))
        first.bias.zero_()
        last.weight.fill_(1)
    # Two inputs that are not 0, of which one survives the ReLU; then none and none.
    inputs = np.array([[2, -3, 0], [0, 0, 0]], dtype=np.float32)
    assert effective_macs(classifier, inputs) == ((2 * 2 + 1 * 4) + 0) / 2
    assert effective_macs(classifier, np.ones((5, 3), dtype=np.float32)) == 3 * 2 + 2 * 4
    assert effective_macs(classifier, inputs) <= macs(classifier.state_dict()) == pytest.approx(14)
