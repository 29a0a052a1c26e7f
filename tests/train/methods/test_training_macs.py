"""MACs of a training: by hand, and as torch counts them."""

from snnlp_lava.train.methods.make import make_method


def test_a_training_by_hand():
    rows = {"train": 100, "validation": 10, "test": 7}

    def macs(method, synapses, **options):
        return make_method(method, epochs=3, **options).training_macs(synapses, rows)

    # 8 lines, 4 neurons, 2 classes, 5 steps: 40 MACs a step forward, 40 + 8 backward.
    assert macs("snn-rate", (32, 8), window=5, hidden=(4,)) == {
        "forward": 3 * 100 * 5 * 40,
        "backward": 3 * 100 * 5 * 48,
        "validation": 3 * 10 * 5 * 40,
    }
    assert macs("ann", (32, 8), hidden=(4,))["forward"] == 3 * 100 * 40


def test_a_dense_training_takes_what_torch_counts():
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    net = torch.nn.Sequential(torch.nn.Linear(8, 4, bias=False), torch.nn.ReLU(), torch.nn.Linear(4, 2, bias=False))
    with FlopCounterMode(display=False) as flops:
        net(torch.ones(100, 8)).sum().backward()
    rows = {"train": 100, "validation": 0, "test": 0}
    macs = make_method("ann", epochs=1, hidden=(4,)).training_macs((32, 8), rows)
    assert 2 * sum(macs.values()) == flops.get_total_flops()
