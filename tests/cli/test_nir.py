"""NIR files on the command line: out and back, in from another program, and what is refused."""

import json

import h5py
import nir
import numpy as np
import pytest


def other_programs_graph():
    """Two dense layers as snnTorch writes them, 6-4-3, the first with decays that the chip cannot hold exactly."""
    rng = np.random.default_rng(5)
    ones = np.ones(4)
    return nir.NIRGraph.from_list(
        nir.Affine(rng.normal(0.3, 0.5, (4, 6)), 0.1 * ones),
        nir.CubaLIF(
            tau_syn=3e-4 * ones, tau_mem=1e-3 * ones, r=10 * ones, v_leak=0 * ones, v_threshold=ones, w_in=3 * ones
        ),
        nir.Linear(rng.normal(0.3, 0.5, (3, 4))),
        nir.LIF(tau=1e-3 * ones[:3], r=10 * ones[:3], v_leak=0 * ones[:3], v_threshold=ones[:3]),
    )


def test_a_model_goes_out_and_comes_back_the_same(files, snnlp_lava, tmp_path):
    result = snnlp_lava("export", files / "model", "--format", "nir")
    told = "(770-520-15-6, window 7, period 7 steps)"
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == f"network: netx_exports/model.nir {told}\n"
    result = snnlp_lava("import", "netx_exports/model.nir")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", f"network: netx_exports/model.net {told}\n")
    assert (tmp_path / "netx_exports/model.net").read_bytes() == (files / "a.net").read_bytes()


def test_the_period_goes_with_it(files, snnlp_lava, tmp_path):
    assert snnlp_lava("export", files / "own", "--period", 16, "--format", "nir", "-o", "new/own.nir").exit_code == 0
    assert snnlp_lava("import", "new/own.nir", "-o", "new/own.net").exit_code == 0
    assert (tmp_path / "new/own.net").read_bytes() == (files / "own.net").read_bytes()


def test_a_network_of_another_program_runs_on_spikes(snnlp_lava, tmp_path):
    nir.write("other.nir", other_programs_graph())
    result = snnlp_lava("import", "other.nir", "-o", "other.net")
    assert result.exit_code == 0
    assert result.stderr == "network: other.net (6-4-3, no card, so it takes spikes)\n"
    assert "time step of 0.0001 s" in result.stdout
    rows = {line.strip("│").split("│")[0].strip(): line for line in result.stdout.splitlines() if "│" in line}
    assert [rows["current decay"].split("│")[place].strip() for place in (2, 3)] == ["1365 (-0.33)", "4096"]
    assert [rows["voltage decay"].split("│")[place].strip() for place in (2, 3)] == ["410 (+0.40)"] * 2
    assert "note: layer 1: its bias charges the current in the file" in result.stdout
    np.save("spikes.npy", np.random.default_rng(0).random((5, 20, 6)) < 0.5)
    run = snnlp_lava("run", "other.net", "--spikes", "spikes.npy", "--json", "-o", "out")
    assert run.exit_code == 0, run.stderr
    counted = [layer["spikes"] for layer in json.loads(run.stdout)["layers"]]
    assert counted == pytest.approx(euler_counts(np.load("spikes.npy")), rel=0.05)  # what rounding leaves


def euler_counts(spikes):
    """Spikes of each layer by Euler's method on the floats, with the bias as the chip has it."""
    graph = other_programs_graph()
    counts, step = [int(spikes.sum())], 1e-4
    for weights, neurons in (("affine", "cubalif"), ("linear", "lif")):
        weight, neuron = graph.nodes[weights], graph.nodes[neurons]
        syn = step / getattr(neuron, "tau_syn", np.full(len(neuron.r), step))
        mem = step / getattr(neuron, "tau_mem", getattr(neuron, "tau", None))
        current, voltage = np.zeros((2, len(spikes), len(neuron.r)))
        out = np.zeros((*spikes.shape[:2], len(neuron.r)), dtype=bool)
        for time in range(spikes.shape[1]):
            sent = spikes[:, time] @ weight.weight.T * getattr(neuron, "w_in", 1)
            current = current + syn * (sent - current)
            constant = getattr(weight, "bias", 0) * getattr(neuron, "w_in", 1)
            voltage = voltage + mem * (neuron.r * (current + constant) - voltage)
            out[:, time] = voltage > neuron.v_threshold
            voltage[out[:, time]] = 0
        counts.append(int(out.sum()))
        spikes = out
    return counts


def test_a_time_step_makes_other_decays(snnlp_lava):
    nir.write("other.nir", other_programs_graph())
    result = snnlp_lava("import", "other.nir", "-o", "other.net", "--time-step", "1e-5")
    assert result.exit_code == 0
    with h5py.File("other.net") as file:
        assert [file[f"layer/{layer}/neuron/vDecay"][()] for layer in (0, 1)] == [41, 41]


REFUSED = {
    "no file": (("import", "none.nir"), "NIR file none.nir: no such file"),
    "no HDF5": (("import", "{files}/text.net"), "text.net: is not a readable HDF5 file"),
    "a network file": (("import", "{files}/a.net"), "a.net: lacks /node; is it a NIR file?"),
    "nowhere to write": (("import", "other.nir", "-o", "other.nir/a.net"), "cannot write other.nir/a.net"),
    "too long a step": (
        ("import", "other.nir", "-o", "a.net", "--time-step", "0.01"),
        "other.nir: node 'cubalif' (CubaLIF): tau_mem 0.001 s is shorter than the time step, 0.01 s",
    ),
    "export: an ANN": (("export", "{files}/ann", "--format", "nir"), "--method ann, which has no spikes"),
}


@pytest.mark.parametrize(("arguments", "message"), REFUSED.values(), ids=REFUSED)
def test_bad_input_is_refused_in_one_line_and_nothing_is_written(files, snnlp_lava, tmp_path, arguments, message):
    nir.write("other.nir", other_programs_graph())
    result = snnlp_lava(*(argument.replace("{files}", str(files)) for argument in arguments))
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ")
    assert message in line
    assert [path.name for path in tmp_path.iterdir()] == ["other.nir"]


@pytest.mark.parametrize(
    "arguments", [("import",), ("import", "a.nir", "--time-step", "0"), ("export", "m", "--format", "onnx")]
)
def test_what_no_command_takes_is_a_usage_error(snnlp_lava, arguments):
    result = snnlp_lava(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Usage: ")
