"""The record of a run: memory and rates by hand, sums of measurements, other sets of chips."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from snnlp_lava.backends.base import Metered
from snnlp_lava.backends.emulator import run_emulator
from snnlp_lava.chip.chips import CHIPS
from snnlp_lava.chip.mapping import map_network
from snnlp_lava.errors import InputError
from snnlp_lava.network.network import Network
from snnlp_lava.report.page import write_report
from snnlp_lava.run import samples as module
from snnlp_lava.run.folder import read_run
from snnlp_lava.run.record import FitRecord
from snnlp_lava.run.samples import Totals, layer_records
from strategies import card_for, dense, one_table, saf_samples, write_one_run


def test_words_read_and_rates_by_hand():
    # 100 neurons, dense at 8 bits: a block of 64 synapses takes 522 bits or 9 words, the other 36 take 298 bits or 5.
    first = dense(np.resize([254, -256, 2], (100, 3)), np.zeros(100, int), 1024, 128, 80)
    # Sparse, with weights of 2 bits (sign included) and no bits for the index of the one neuron: one word an axon.
    second = dense(np.array([[2, -2] + [0] * 98]), np.zeros(1, int), 1024, 128, 80)
    network = Network((first, second))
    hidden = np.zeros(100, dtype=np.int64)
    hidden[:4] = 1, 2, 20, 40
    totals = Totals(network)
    totals.neuron_spikes, totals.samples = [np.array([3, 0, 1]), hidden, np.array([5])], 5
    found = layer_records(network, totals, map_network(network, CHIPS["loihi1"], 8).layers, period=8)
    assert [layer["words_read"] for layer in found] == [0, 4 * 14, 1 + 2]
    assert [layer["words"] for layer in found] == [0, 3 * 14, 2]
    assert [layer["synapses"] for layer in found] == [0, 300, 100]
    assert [layer["synapses_nonzero"] for layer in found] == [0, 300, 2]
    rates = np.zeros((3, 21), dtype=int)
    rates[0, [0, 1, 2]] = 1, 1, 1  # never; 1/40 within the first twentieth; 3/40 within the second
    rates[1, [0, 1, 10, 20]] = 96, 2, 1, 1  # 2/40 is the end of the first twentieth, 40/40 that of the last
    rates[2, 3] = 1
    assert [layer["rates"] for layer in found] == rates.tolist()


def test_a_mapping_is_kept_with_the_chip_it_is_on(random_network):
    fit = map_network(random_network((20, 16, 3), seed=3), CHIPS["loihi1"], 8)
    kept = FitRecord.of_fit(fit)
    assert (kept.title, kept.cores, kept.limits["words"]) == ("Loihi 1", 128, 1 << 14)
    assert [layer.name for layer in kept.layers] == ["hidden1", "output"]
    assert sum(core["words"] for layer in kept.layers for core in layer.cores) == fit.totals["words"]


def test_a_run_of_other_chips_stays_readable(tmp_path, random_network, monkeypatch):
    """A chip that is no longer known, with a resource that none of today's has; and one that came later."""
    network = random_network((20, 16, 3), seed=3)
    result = run_emulator(network, saf_samples(np.full((6, 20), 1 << 10), 8), 8, keep_trains=4)
    write_one_run(tmp_path / "run", result, None, network, card_for(network, window=8, period=8))
    path = tmp_path / "run" / "result.json"
    document = json.loads(path.read_text("utf-8"))
    fit = document["fits"].pop("loihi2")
    cores = [[{**core, "taps": 3} for core in layer["cores"]] for layer in fit["layers"]]
    layers = [{**layer, "cores": taken} for layer, taken in zip(fit["layers"], cores, strict=True)]
    document["fits"]["gone"] = {
        **fit,
        "title": "A chip of old",
        "layers": layers,
        "limits": {**fit["limits"], "taps": 9},
    }
    path.write_text(json.dumps(document), "utf-8")
    monkeypatch.setattr(module, "CHIPS", {**CHIPS, "later": replace(CHIPS["loihi1"], name="A later chip")})
    run = read_run(tmp_path / "run")
    assert set(run.record.fits) == {"loihi1", "gone"}
    for ending in ("html", "json", "csv"):
        write_report(tmp_path / f"r.{ending}", [run])
    page = (tmp_path / "r.html").read_text("utf-8")
    assert "A chip of old: fits" in page
    assert "<th>taps</th>" in page
    assert "A later chip" not in page


def test_measurements_are_added_powers_weighted_by_steps():
    one = Metered.of(by="m", samples=2, steps=10, seconds=1.0, watts=3.0, joules=3.0, static_watts=1.0)
    two = Metered.of(by="m", samples=3, steps=30, seconds=2.0, watts=1.0, joules=2.0)
    both = one.plus(two)
    assert (both.samples, both.steps, both.seconds, both.joules) == (5, 40, 3.0, 5.0)
    assert both.watts == pytest.approx((3.0 * 10 + 1.0 * 30) / 40)
    assert (both.static_watts, both.static_joules) == (None, None)


def test_a_label_that_the_network_lacks_counts_as_wrong(random_network):
    network = random_network((20, 16, 3), seed=3)
    values = np.random.default_rng(0).integers(0, 1 << 14, (6, 20))
    result = run_emulator(network, saf_samples(values, 8), 8)
    right = result.output_scores.argmax(axis=1)
    labels = right.copy()
    labels[[1, 4]] = -1
    totals = Totals.of(network, [one_table(result, labels, unknown_labels={"odd": 2})])
    assert totals.scores == {"accuracy": 4 / 6, "mrr": 4 / 6}
    assert totals.unknown_labels == {"odd": 2}


def test_a_table_without_sums_is_refused(random_network):
    network = random_network((20, 16, 3), seed=3)
    table = one_table(run_emulator(network, saf_samples(np.ones((2, 20)), 8), 8))
    for metadata in (None, {b"sums": b"{"}, {b"sums": b'{"steps": -1}'}):
        with pytest.raises(InputError):
            Totals.of(network, [table.replace_schema_metadata(metadata)])


def test_a_sample_without_an_answer_is_unknown_and_never_right(tmp_path):
    """No output spike, or nothing of the text in the network: no class, and wrong, whichever class is the first."""
    import numpy as np

    from snnlp_lava.backends.base import COUNTS
    from snnlp_lava.run.samples import UNKNOWN, sample_table

    layer = SimpleNamespace(name="input", **dict.fromkeys(COUNTS, np.zeros(4, dtype=np.int64)))
    counts = np.array([[2, 1], [0, 0], [1, 0], [0, 3]])
    result = SimpleNamespace(
        output_counts=counts,
        first_spikes=np.zeros(4, dtype=np.int64),
        layers=[layer],
        neuron_spikes=[np.zeros(3, dtype=np.int64)],
        steps=4,
        seconds=0.0,
        says="spikes",
    )
    known = np.array([True, True, False, True])
    table = sample_table(result, counts, np.arange(4), np.array([0, 0, 0, 0]), known)
    assert table["prediction"].to_pylist() == [0, UNKNOWN, UNKNOWN, 1]
    assert table["rank"].to_pylist() == [1, 0, 0, 2]
