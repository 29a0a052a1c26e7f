"""Counts by hand, the run folder's round trip, and backends of other packages."""

import json
from pathlib import Path

import numpy as np
import pytest

from snnlp_lava.backends.emulator import run_emulator
from snnlp_lava.encode.calibration import FIXED_ONE
from snnlp_lava.errors import InputError
from snnlp_lava.network.network import Network
from snnlp_lava.run.folder import check_run_folder, read_run
from snnlp_lava.run.samples import Totals
from strategies import card_for, dense, one_table, saf_samples, write_one_run


def test_a_ledger_by_hand():
    # Two inputs that fire at every step, two neurons; weight 254 << 6 is far over the threshold of 1 << 6.
    first = dense(np.array([[254, 0], [-2, -2]]), np.zeros(2, int), 4096, 4096, 1)
    second = dense(np.array([[2, 2], [0, 0], [4, 2]]), np.zeros(3, int), 4096, 4096, 1)
    network = Network((first, second))
    result = run_emulator(network, saf_samples(np.array([[FIXED_ONE, FIXED_ONE], [0, 0]]), 3), period=4)
    inputs, hidden, output = result.layers
    assert inputs.spikes.tolist() == [6, 0]
    assert hidden.spikes.tolist() == [3, 0]  # the second neuron is only inhibited
    assert hidden.synops.tolist() == [12, 0]
    assert hidden.synops_nonzero.tolist() == [3 * 2 + 3 * 1, 0]
    assert hidden.neuron_updates.tolist() == [8, 8]
    assert output.synops.tolist() == [9, 0]
    assert output.synops_nonzero.tolist() == [6, 0]
    assert result.output_counts.tolist() == [[3, 0, 3], [0, 0, 0]]
    assert result.output_scores.argmax(axis=1).tolist() == [0, 0]
    assert result.first_spikes.tolist() == [2, 0]
    totals = Totals.of(network, [one_table(result, np.array([2, 0]))])
    assert totals.paper_operations == (6 + 3 + 6 - 2) / 2
    assert totals.scores == {"accuracy": 0.0, "mrr": 0.25}  # class 2 is second of the tie; no spike is no answer
    assert totals.unknown == 1
    assert (result.steps, totals.steps) == (8, 8)


@pytest.fixture
def written(tmp_path, random_network):
    network = random_network((20, 16, 3), seed=3)
    card = card_for(network, window=8, period=8)
    values = np.random.default_rng(3).integers(0, FIXED_ONE + 1, (6, 20), dtype=np.int32)
    result = run_emulator(network, saf_samples(values, 8), 8, keep_trains=4)
    labels = np.array([0, 1, 2, 0, 1, 2])
    right = np.array([1, 1, 2, 2, 2, 3, 3, 3])
    texts = ["one", "two", "three", "four"]
    record = write_one_run(
        tmp_path / "run", result, labels, network, card, texts, [[(0, "one")]], right_over_time=right.tolist()
    )
    return tmp_path / "run", result, record, labels


def test_a_run_folder_reads_back(written):
    folder, result, record, labels = written
    run = read_run(folder)
    np.testing.assert_array_equal(run.output_counts, result.output_counts)
    np.testing.assert_array_equal(run.labels, labels)
    assert run.record == record
    assert record.accuracy == (result.output_scores.argmax(axis=1) == labels).mean()
    for train, packed, layer in zip(run.trains, result.trains, record.layers, strict=True):
        assert train.shape == (4, 8, layer.neurons)
        np.testing.assert_array_equal(np.packbits(train, axis=2), packed)
    # The first four samples' trains hold exactly the spikes the table counts for them.
    assert [int(train.sum()) for train in run.trains] == [int(tally.spikes[:4].sum()) for tally in result.layers]


@pytest.mark.parametrize("name", ["result.json", "samples.parquet", "trains.safetensors"])
def test_a_damaged_run_folder_is_named(written, name):
    folder = written[0]
    (folder / name).write_bytes((folder / name).read_bytes()[:40])
    with pytest.raises(InputError, match=r"run|result\.json"):
        read_run(folder)


def test_a_folder_that_is_no_run_is_not_replaced(written, tmp_path, random_network):
    result = written[1]
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.txt").write_text("years")
    network = random_network((20, 16, 3), seed=3)
    with pytest.raises(InputError, match="not a run folder"):
        write_one_run(precious, result, None, network, card_for(network, window=8, period=8))
    assert (precious / "thesis.txt").read_text() == "years"


@pytest.mark.parametrize("folder", [".", "..", "/"])
def test_a_folder_without_a_name_of_its_own_is_refused(tmp_path, monkeypatch, folder):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="must be a folder with a name"):
        check_run_folder(Path(folder))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("samples",), 7),
        (("samples",), 0),
        (("label_names",), ["a", "b"]),
        (("label_names",), [1, 2, 3]),
        (("layers", 1, "neurons"), 17),
        (("layers", 1, "spikes"), None),
        (("layers",), []),
        (("examples",), [None]),
        (("presented",), [[[8, "late"]]]),
        (("presented",), [[[0, 1]]]),
        (("presented",), [["words"]]),
        (("window",), 0),
        (("right_over_time",), [1, 2]),
        (("right_over_time", 3), 7),
        (("right_over_time", 3), 0.5),
        (("layers", 1, "active_updates"), 1 << 40),
        (("preprocessing", "embedding", "counts"), {"mac": -1}),
        (("preprocessing", "embedding", "counts"), {"mac": "many"}),
        (("preprocessing", "embedding", "title"), 3),
        (("preprocessing", "embedding", "more"), 3),
        (("layers", 1, "words_read"), -1),
        (("layers", 1, "synapses"), "a"),
        (("layers", 0, "rates"), [1, 2]),
        (("layers", 0, "more"), 1),
        (("layers_read",), ["brain"]),
        (("fits", "loihi1", "layers"), []),
        (("fits", "loihi1", "layers", 0, "cores"), []),
        (("fits", "loihi1", "layers", 0, "cores", 0, "words"), -1),
        (("fits", "loihi1", "layers", 0, "cores", 0), {}),
        (("fits", "loihi1", "layers", 0, "name"), 3),
        (("fits", "loihi1", "limits"), {}),
        (("fits", "loihi2", "notes"), [3]),
        (("data", "unknown_labels"), {"a": -1}),
        (("network", "card", "encoder"), []),
        (("network", "card", "embedding", "dimension"), "many"),
        (("accuracy",), None),
        (("network",), 5),
        (("network", "card"), {}),
        (("network", "card", "training"), {"data": 1}),
        (("network", "sizes"), [20, 16, -3]),
        (("network", "sizes", 0), 10**400),
        (("network", "sha256"), None),
        (("layers", 0, "spikes"), 10**400),
        (("data",), {}),
        (("data", "name"), 3),
        (("accuracy",), 2.5),
        (("mrr",), "high"),
        (("first_spikes",), None),
        (("examples",), "words"),
        (("examples",), ["a text"] * 7),
        (("preprocessing",), {"cooking": {"title": "a"}}),
        (("seconds",), "long"),
        (("versions",), None),
    ],
)
def test_a_record_that_contradicts_its_tables_is_refused(written, place, value):
    folder = written[0]
    record = json.loads((folder / "result.json").read_text("utf-8"))
    parent = record
    for key in place[:-1]:
        parent = parent[key]
    parent[place[-1]] = value
    (folder / "result.json").write_text(json.dumps(record), "utf-8")
    with pytest.raises(InputError, match="is damaged"):
        read_run(folder)


METER = {"by": "a meter", "samples": 6, "steps": 48, "joules": 0.5}


@pytest.mark.parametrize(
    ("change", "read"),
    [
        ({"metered": METER}, True),
        ({"metered": {**METER, "joules": -1.0}}, False),
        ({"metered": {**METER, "seconds": "1"}}, False),
        ({"metered": {**METER, "samples": 0}}, False),
        ({"metered": {"samples": 6, "steps": 48}}, False),
        ({"metered": [1]}, False),
        ({"layers_read": ["input", "output"]}, True),
    ],
)
def test_what_a_chip_adds_to_a_run_is_checked(written, change, read):
    path = written[0] / "result.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    if read:
        found = read_run(written[0]).record.to_dict()
        for name, value in change.items():
            assert found[name] == value or found[name].items() >= value.items()
    else:
        with pytest.raises(InputError, match="is damaged"):
            read_run(written[0])


def test_a_run_of_another_version_is_refused_with_the_command_that_makes_it_again(written):
    path = written[0] / "result.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 3}))
    with pytest.raises(InputError, match=r"^run .*run: has format '3'.* reads 4; run .*snnlp-lava run "):
        read_run(written[0])


def test_a_folder_that_is_a_link_to_nothing_is_refused(tmp_path):
    (tmp_path / "run").symlink_to(tmp_path / "nothing")
    with pytest.raises(InputError, match=r"is a link to .*nothing, which does not exist"):
        check_run_folder(tmp_path / "run")
