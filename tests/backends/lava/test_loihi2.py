"""The Loihi 2 backend on a fake of Intel's extension: what the chip is asked; one that errs is found out."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from snnlp_lava.backends.compare import compare
from snnlp_lava.backends.emulator import run_emulator
from snnlp_lava.backends.lava import loihi2
from snnlp_lava.backends.lava import process as lava_run
from snnlp_lava.backends.lava.job import LavaJob, Loihi2Board
from snnlp_lava.backends.lava.loihi2 import Loihi2, configure_host
from snnlp_lava.cli.main import main
from snnlp_lava.encode.base import SpikeSamples
from snnlp_lava.encode.calibration import FIXED_ONE
from snnlp_lava.errors import InputError
from snnlp_lava.network.dense import Dense
from snnlp_lava.network.network import Network
from snnlp_lava.network.recurrent import RecurrentDense
from snnlp_lava.netx.network_file import read_network
from snnlp_lava.progress import no_advance
from snnlp_lava.run.folder import read_run
from strategies import dense, saf_samples

ROOT = Path(__file__).parents[3]
SIZES, WINDOW, PERIOD, SAMPLES = (20, 16, 8, 3), 10, 16, 5
LATENCY = len(SIZES) - 1
STEPS = SAMPLES * PERIOD + LATENCY


class Machine:
    """A machine on which the fake extension is installed."""

    def __init__(self, folder, monkeypatch):
        self.log, self._patch = folder / "calls.jsonl", monkeypatch

    def behaves(self, **how):
        self._patch.setenv("FAKE_CHIP", json.dumps(how))

    def calls(self, name):
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [{key: value for key, value in line.items() if key != "call"} for line in lines if line["call"] == name]


@pytest.fixture
def clean_environment(monkeypatch):
    """Lava's functions write to os.environ: afterwards it is as it was."""
    before = dict(os.environ)
    for name in ("SLURM", "NOSLURM", "PARTITION", "BOARD", "LOIHI_GEN", "NXSDKHOST", "HOST_BINARY"):
        os.environ.pop(name, None)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def machine(tmp_path, monkeypatch, clean_environment):
    fake_chip = ROOT / "tests/fake_lava_loihi"
    monkeypatch.setattr(sys, "path", [str(fake_chip), *sys.path])
    os.environ["PYTHONPATH"] = f"{fake_chip}:{os.environ.get('PYTHONPATH', ROOT / 'toolchain')}"
    os.environ["PATH"] = f"{fake_chip / 'bin'}:{os.environ['PATH']}"
    os.environ["FAKE_CHIP_LOG"] = str(tmp_path / "calls.jsonl")
    monkeypatch.setattr("lava.utils.loihi.host", None)
    return Machine(tmp_path, monkeypatch)


@pytest.fixture
def saved(tmp_path, random_network, save_network):
    network = random_network(SIZES, seed=2)
    return network, save_network(tmp_path / "a.net", network, window=WINDOW, period=PERIOD)


@pytest.fixture
def samples():
    return saf_samples(np.random.default_rng(0).integers(0, FIXED_ONE + 1, (SAMPLES, 20), dtype=np.int32), WINDOW)


def record(path, samples, period=PERIOD, progress=no_advance, **options):
    return Loihi2(Loihi2.options.of(**options)).record(read_network(path), samples, period, progress)


def step_of(sample, step):
    """Lava's step, from 1, at which the last layer has this step of a sample."""
    return sample * PERIOD + LATENCY + step + 1


@pytest.mark.parametrize("source", ["saf", pytest.param("player", marks=pytest.mark.slow)])
def test_the_chip_is_asked_what_the_simulator_is_and_its_output_is_the_emulators(machine, saved, samples, source):
    network, path = saved
    if source == "player":
        samples = SpikeSamples(samples.spikes(np.arange(SAMPLES)))
    done = []
    found = record(path, samples, progress=done.append, host="slurm", partition="oheogulch", chip_generation="N3C1")
    expected = run_emulator(network, samples, PERIOD, keep_trains=SAMPLES)

    assert (found.steps, sum(done), found.finished.tolist()) == (STEPS, SAMPLES, list(range(SAMPLES)))
    assert list(found.trains) == [0, 3]
    assert expected.output_counts.sum() > 0
    for layer, theirs in found.trains.items():
        np.testing.assert_array_equal(expected.trains[layer], theirs)
    metered = found.metered
    assert (metered.by, metered.samples, metered.steps) == ("lava.utils.profiler", SAMPLES, STEPS)
    assert (metered.watts, metered.static_watts) == (1.5, 1.0)
    assert metered.seconds == metered.static_joules == pytest.approx(STEPS * 2e-5)
    assert metered.joules == pytest.approx(STEPS * 3e-5)

    environment = {"SLURM": "1", "PARTITION": "oheogulch", "LOIHI_GEN": "N3C1"}
    shared = {"bits": 0, "host": "SLURM", "environment": environment}
    assert machine.calls("PyToNxAdapter") == [{"shape": [20], **shared}]
    assert machine.calls("NxToPyAdapter") == [{"shape": [3], **shared}]
    assert machine.calls("Loihi2HWProfiler") == [{"run_cfg": "Loihi2HwCfg", "tag": None}]
    for probe in ("execution_time_probe", "energy_probe"):
        assert machine.calls(probe) == [{"num_steps": STEPS}]
    resets = sorted(machine.calls("LIFReset"), key=lambda call: call["offset"])
    # Lava resets where its step, from 1, leaves `offset` over: one step after the source's first, then layer by layer.
    assert resets == [{"neurons": n, "interval": PERIOD, "offset": 1 + i} for i, n in enumerate(SIZES[1:], start=1)]


@pytest.mark.slow
@pytest.mark.parametrize(("sample", "step", "neuron"), [(3, 15, 1), (0, 0, 2)])
def test_one_flipped_spike_is_found_out(machine, saved, samples, sample, step, neuron):
    network, path = saved
    machine.behaves(flip=[step_of(sample, step), neuron])
    found = compare(network, samples, PERIOD, {"loihi2": record(path, samples)})
    assert found.differences == {"loihi2": [0, None, None, 1]}
    first = found.first
    assert (first.sample, first.layer, first.neuron, first.step) == (sample, "output", neuron, step)


@pytest.mark.slow
def test_a_hanging_chip_is_ended_and_what_it_did_is_kept(machine, saved, samples, monkeypatch):
    network, path = saved
    machine.behaves(hang=step_of(3, 4))
    monkeypatch.setattr(lava_run, "STALL_TIMEOUT", 2.0)
    found = record(path, samples)
    assert f"no step for 2 s at step {step_of(3, 4) - 1} of {STEPS}" in found.broken
    assert (found.finished.tolist(), found.metered) == ([0, 1, 2], None)
    compared = compare(network, samples.take(found.finished), PERIOD, {"loihi2": found})
    assert compared.first is None
    assert not list(Path("/dev/shm").glob(f"sl{os.getpid():06x}_*"))
    groups = [(folder / "environ") for folder in Path("/proc").glob("[0-9]*") if folder.name != str(os.getpid())]
    assert not any(str(machine.log).encode() in read(group) for group in groups)


def read(path):
    try:
        return path.read_bytes()
    except OSError:
        return b""


@pytest.mark.slow
@pytest.mark.parametrize(("profiler", "names"), [("none", None), ("no energy", {"by", "samples", "steps", "seconds"})])
def test_what_the_profiler_does_not_measure_is_not_there(machine, saved, samples, profiler, names):
    _, path = saved
    machine.behaves(profiler=profiler)
    metered = record(path, samples).metered
    assert (metered and {name for name, value in metered.to_dict().items() if value is not None}) == names


@pytest.mark.slow
def test_a_profiler_that_ends_the_run_is_left_out(machine, saved, samples, caplog):
    _, path = saved
    machine.behaves(profiler="crash")
    found = record(path, samples)
    assert (found.metered, found.broken) == (None, None)
    assert "trying again without Lava's profiler" in caplog.text
    assert len(machine.calls("Loihi2HWProfiler")) == 1


@pytest.mark.slow
def test_a_layer_that_would_run_on_the_host_is_no_run_on_the_chip(machine, saved, samples):
    _, path = saved
    machine.behaves(no_models=True)
    assert "layer 1: Lava has no model of LIFReset for Loihi 2 here" in record(path, samples).broken


@pytest.mark.parametrize(
    ("before", "board", "after", "host"),
    [
        ({}, Loihi2Board(), {}, None),
        ({"SLURM": "1", "BOARD": "b"}, Loihi2Board(), {"SLURM": "1", "BOARD": "b"}, None),
        ({}, Loihi2Board(chip_generation="N3B2"), {"SLURM": "1", "LOIHI_GEN": "N3B2"}, "SLURM"),
        (
            {"NOSLURM": "1", "BOARD": "og-board-1", "LOIHI_GEN": "N3D1"},
            Loihi2Board(host="slurm", partition="oheogulch"),
            {"SLURM": "1", "BOARD": "og-board-1", "PARTITION": "oheogulch", "LOIHI_GEN": "N3D1"},
            "SLURM",
        ),
        (
            {"SLURM": "1"},
            Loihi2Board(host="ethernet", name="10.0.0.7"),
            {
                "NOSLURM": "1",
                "NXSDKHOST": "10.0.0.7",
                "HOST_BINARY": "nxcore/bin/nx_driver_server",
                "LOIHI_GEN": "N3B3",
            },
            "ETHERNET",
        ),
        (
            {"NXSDKHOST": "10.0.0.7", "HOST_BINARY": "/opt/server"},
            Loihi2Board(chip_generation="N3C1"),
            {"NOSLURM": "1", "NXSDKHOST": "10.0.0.7", "HOST_BINARY": "/opt/server", "LOIHI_GEN": "N3C1"},
            "ETHERNET",
        ),
    ],
)
def test_lavas_variables_are_as_the_options_say_and_else_as_they_were(machine, before, board, after, host):
    from lava.utils import loihi

    os.environ.update(before)
    configure_host(board)
    names = ("SLURM", "NOSLURM", "PARTITION", "BOARD", "LOIHI_GEN", "NXSDKHOST", "HOST_BINARY")
    assert {name: os.environ[name] for name in names if name in os.environ} == after
    assert loihi.host == host


@pytest.mark.parametrize(
    ("environment", "board", "message"),
    [
        ({}, Loihi2Board(host="ethernet"), "needs the host's address: --board ADDRESS, or NXSDKHOST"),
        ({}, Loihi2Board(host="ethernet", name="10.0.0.8"), "--host ethernet: .*ping 10.0.0.8"),
        (
            {},
            Loihi2Board(host="ethernet", name="10.0.0.7", partition="p"),
            "--partition p only applies to --host slurm",
        ),
        ({"PATH": "/nowhere"}, Loihi2Board(host="slurm"), "--host slurm: .*sinfo"),
        ({"LOIHI_GEN": "N2A2"}, Loihi2Board(host="slurm"), "LOIHI_GEN 'N2A2' is not a Loihi 2"),
    ],
)
def test_a_host_that_cannot_be_used_is_named(machine, environment, board, message):
    os.environ.update(environment)
    with pytest.raises(InputError, match=message):
        configure_host(board)


def test_without_the_extension_one_line_says_what_is_missing(clean_environment, saved, samples):
    _, path = saved
    with pytest.raises(InputError, match=r"closed extension lava-loihi.* not installed; --backend sim gives the same"):
        Loihi2(Loihi2.options.of()).check(read_network(path), PERIOD)


def test_a_period_that_the_chip_cannot_reset_after_is_refused_with_the_next(machine, saved, samples):
    _, path = saved
    for period, longer in ((10, 16), (17, 32), (48, 64)):
        with pytest.raises(InputError, match=f"not after a period of {period}; .* export --period {longer},"):
            Loihi2(Loihi2.options.of()).check(read_network(path), period)
    for power in range(12):
        loihi2.check_period(path, 1 << power)


def test_a_layer_whose_spikes_outlive_a_sample_is_refused(machine, tmp_path, save_network):
    neuron = dense([[2, 4], [6, 8]]).neuron
    recurrent = RecurrentDense([[2, 4], [6, 8]], [[2, 2], [2, 4]], neuron)
    delayed = Dense([[2, 4], [6, 8]], neuron, [[0, 1], [0, 0]])
    for kind, layer in (("dense_rec", recurrent), ("dense", delayed)):
        path = save_network(tmp_path / f"{kind}.net", Network([layer]), window=WINDOW, period=PERIOD)
        with pytest.raises(InputError, match=rf"layer 1 \({kind}\) has feedback or delays; .*--backend sim"):
            Loihi2(Loihi2.options.of(host="slurm")).check(read_network(path), PERIOD)


def test_a_network_that_may_not_fit_is_said_before_a_board_is_waited_for(machine, tmp_path, save_network, caplog):
    for lines, warnings in ((24_577, 1), (8, 0)):
        network = Network([dense(np.resize([-256, 254], (3, lines)), [0] * 3, 1024, 128, 80)])
        caplog.clear()
        path = save_network(tmp_path / f"{warnings}.net", network, window=WINDOW, period=PERIOD)
        before = dict(os.environ)
        Loihi2(Loihi2.options.of(host="slurm")).check(read_network(path), PERIOD)
        assert dict(os.environ) == before
        assert len([line for line in caplog.messages if line.startswith(f"network {path} may not fit: ")]) == warnings


def test_a_job_survives_its_folder(tmp_path, saved, samples):
    network, path = saved
    for board in (None, Loihi2Board(host="slurm", input_delay=1, output_delay=2, metered=True)):
        job = LavaJob.of(path, network, samples, SAMPLES, PERIOD, board)
        job.write(tmp_path, samples, np.arange(SAMPLES))
        assert LavaJob.read(tmp_path) == job
    assert (job.recorded, job.delays, job.steps) == ((0, 3), (0, 6), SAMPLES * PERIOD + 6)


@pytest.mark.slow
def test_the_commands_run_verify_and_report_on_a_board(machine, saved, samples, tmp_path, monkeypatch):
    _, path = saved
    monkeypatch.chdir(tmp_path)
    np.save("s.npy", samples.spikes(np.arange(SAMPLES)))

    def snnlp_lava(*arguments):
        return CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)

    ran = snnlp_lava("run", path, "--spikes", "s.npy", "--backend", "loihi2", "--host", "slurm", "-o", "run")
    assert ran.exit_code == 0
    assert "spikes of input, output read from loihi2" in ran.stdout
    assert "hidden1, hidden2 as the emulator counts" in ran.stdout
    assert "metered per sample by lava.utils.profiler: 0.000332 s; 0.000498 J; 0.000332 J, static" in ran.stdout
    kept = read_run(tmp_path / "run").record
    assert (kept.backend, kept.layers_read) == ("loihi2", ("input", "output"))
    assert kept.metered.samples == SAMPLES
    assert snnlp_lava("report", "run", "-o", "r.html").exit_code == 0
    assert (
        "on a Loihi 2, 10 time steps each. The spikes of input and output were read and are the emulator"
        in Path("r.html").read_text()
    )

    machine.behaves(flip=[step_of(2, 7), 0])
    found = snnlp_lava("verify", path, "--spikes", "s.npy", "--backend", "loihi2", "--json")
    assert found.exit_code == 1
    document = json.loads(found.stdout)
    assert [layer["differences"]["loihi2"] for layer in document["layers"]] == [0, None, None, 1]
    assert (document["first"]["sample"], document["first"]["step"], document["first"]["neuron"]) == (2, 7, 0)
    assert "loihi2 not read)" in found.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("behaviour", "code", "verdict", "remedy"),
    [
        ({}, 0, "PASS: 16 samples, 512 steps, 492 output spikes", ""),
        (
            {"input_delay": 1, "output_delay": 2},
            1,
            "FAIL: 264 output spikes differ; first in sample 1, step 8, neuron 0, which the emulator alone lets spike",
            "Set input_delay = 1 and output_delay = 2 in the class Loihi2Board",
        ),
        ({"late_reset": 1}, 1, "FAIL: ", "Set input_delay = -1 and output_delay = 1 in the class Loihi2Board"),
    ],
)
def test_the_owner_of_a_board_is_told_whether_it_computes_as_the_emulator(machine, behaviour, code, verdict, remedy):
    machine.behaves(**behaviour)
    script = [sys.executable, "benchmarks/check_board.py", "--host", "slurm"]
    done = subprocess.run(script, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert verdict in done.stdout
    assert remedy in done.stdout
    assert done.returncode == code
