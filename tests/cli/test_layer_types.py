"""Networks of recurrent and of delayed layers through every command that takes a network file without card."""

import json
from pathlib import Path

import numpy as np
import pytest

from cli.commands import python
from network.reference import run_reference
from snnlp_lava.chip.chips import CHIPS
from snnlp_lava.network.dense import Dense
from snnlp_lava.network.network import Network
from snnlp_lava.network.neuron import Neuron
from snnlp_lava.network.recurrent import RecurrentDense
from snnlp_lava.netx.network_file import write_network

SAMPLES, STEPS, LINES = 4, 12, 6


@pytest.fixture(params=["recurrent", "delayed"])
def network(request, tmp_path):
    """The network of ``a.net``, which ``x.npy`` makes spike in every layer until the last step."""
    rng = np.random.default_rng(5)

    def weights(after, before):
        return 2 * rng.integers(-40, 60, (after, before))

    def neuron(count):
        return Neuron(rng.integers(-20, 60, count), 400, 200, 90)

    made = {
        "recurrent": (
            RecurrentDense(weights(9, LINES), weights(9, 9), neuron(9)),
            RecurrentDense(weights(4, 9), -2 * rng.integers(0, 20, (4, 4)), neuron(4)),
        ),
        "delayed": (
            Dense(weights(9, LINES), neuron(9), rng.integers(0, 20, (9, LINES))),
            Dense(weights(4, 9), neuron(4), rng.integers(0, 3, (4, 1)) + np.zeros((4, 9), dtype=int)),
        ),
    }
    network = Network(made[request.param])
    write_network(tmp_path / "a.net", network, None)
    np.save(tmp_path / "x.npy", rng.random((SAMPLES, STEPS, LINES)) < 0.4)
    return network


@pytest.fixture
def expected(network, tmp_path):
    """Sums over all samples of each layer, by the scalar reference and the definition of a synaptic operation."""
    arriving = np.load(tmp_path / "x.npy").astype(int).tolist()
    found = []
    for layer in network.layers:
        runs = [run_reference(layer, sample) for sample in arriving]
        sent = sum(np.sum(run.spikes) for run in runs)
        own = np.shape(layer.recurrent)[0] * sent if hasattr(layer, "recurrent") else 0
        counts = {
            "spikes": sent,
            "synops": np.sum(arriving) * layer.neurons + own,
            "wraps": sum(run.wraps for run in runs),
            "clips": sum(run.clips for run in runs),
            "active_updates": sum(run.active for run in runs),
            "neuron_updates": SAMPLES * STEPS * layer.neurons,
        }
        assert all(np.any(run.spikes[-1]) for run in runs), (
            "what is under way at the end must not reach the next sample"
        )
        found.append({name: int(count) for name, count in counts.items()})
        arriving = [run.spikes for run in runs]
    return found


def counts(document, expected):
    return [
        {name: layer[name] for name in names} for layer, names in zip(document["layers"][1:], expected, strict=True)
    ]


def test_a_run_counts_what_the_equations_say_and_its_page_charges_it(snnlp_lava, network, expected):
    result = snnlp_lava("run", "a.net", "--spikes", "x.npy", "--json", "-o", "out")
    assert result.exit_code == 0, result.stderr
    assert counts(json.loads(result.stdout), expected) == expected
    for page in ("r.html", "r.json"):
        assert snnlp_lava("report", "out", "-o", page).exit_code == 0
    assert f"{SAMPLES} samples" in Path("r.html").read_text("utf-8")
    (part,) = json.loads(Path("r.json").read_text("utf-8"))["runs"]
    assert part["synops"] == sum(layer["synops"] for layer in expected) / SAMPLES
    bill = next(bill for bill in part["bills"] if bill["book"] == "loihi1" and "synop" in bill["terms"])
    assert bill["terms"]["synop"]["count"] == pytest.approx(part["synops"])
    assert part["baseline"]["macs"] == sum(network.synapse_counts)


@pytest.mark.parametrize("chip", CHIPS)
def test_a_check_counts_the_synapses_of_every_group(snnlp_lava, network, chip):
    result = snnlp_lava("check", "a.net", "--chip", chip, "--json")
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    for layer, fitted in zip(network.layers, document["layers"], strict=True):
        (core,) = fitted["cores"]
        own = layer.neurons if hasattr(layer, "recurrent") else 0
        assert (core["neurons"], core["input_axons"]) == (layer.neurons, layer.inputs + own)
        assert core["words"] * 64 >= 2 * layer.synapse_count_nonzero


@pytest.mark.slow
def test_lava_counts_and_sends_the_same(network, expected, tmp_path):
    command = ("-m", "snnlp_lava.cli.main")
    done = python(*command, "run", "a.net", "--spikes", "x.npy", "--backend", "sim", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert (document["backend"], len(document["layers_read"])) == ("sim", 1 + len(network.layers))
    assert counts(document, expected) == expected
    done = python(*command, "verify", "a.net", "--spikes", "x.npy", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert (document["samples"], document["compared_with"], document["total_differences"]) == (SAMPLES, ["sim"], 0)
    assert [layer["spikes"] for layer in document["layers"][1:]] == [layer["spikes"] for layer in expected]
