"""What a run keeps of its answers: probabilities, the worst mistakes, and the read-out's membranes."""

import numpy as np
import pytest

from snnlp_lava import InputError, SpikingTextClassifier, load_texts, read_run, run_network
from snnlp_lava.predict.load import network_path
from snnlp_lava.run.record import MISTAKES


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "demo"
    run_network(network_path("demo"), data="demo", split="all", folder=folder)
    return read_run(folder)


@pytest.fixture(scope="module")
def classifier():
    return SpikingTextClassifier.load("demo")


def test_probabilities_are_the_classifiers(run, classifier):
    predicted = classifier.predictor.predict(load_texts("demo").texts)
    np.testing.assert_array_equal(run.predictions, predicted.classes)
    answered = predicted.probabilities[np.arange(len(predicted.classes)), predicted.classes]
    np.testing.assert_array_equal(run.probabilities, answered)


def test_the_surest_mistakes_are_kept_with_the_entries_that_spoke_for_them(run, classifier):
    texts, names = load_texts("demo").texts, run.record.label_names
    wrong = np.flatnonzero((run.predictions != run.labels) & (run.predictions >= 0))
    assert len(wrong) > MISTAKES == len(run.record.mistakes)
    surest = sorted(wrong, key=lambda row: (-run.probabilities[row], row))[:MISTAKES]
    assert [mistake.sample for mistake in run.record.mistakes] == surest
    spoken = 0
    for mistake in run.record.mistakes:
        row = mistake.sample
        assert (mistake.text, mistake.label) == (texts[row], names[run.labels[row]])
        assert (mistake.prediction, mistake.probability) == (names[run.predictions[row]], run.probabilities[row])
        weights = {entry["entry"]: entry["weights"] for entry in classifier.explain(mistake.text)["entries"]}
        leads = {entry: of.get(mistake.prediction, 0) - of.get(mistake.label, 0) for entry, of in weights.items()}
        assert [lead for _, lead in mistake.entries] == sorted(
            (lead for lead in leads.values() if lead > 0), reverse=True
        )[: len(mistake.entries)]
        assert all(leads[entry] == lead for entry, lead in mistake.entries)
        spoken += len(mistake.entries)
    assert spoken > MISTAKES


def test_a_membrane_is_above_the_threshold_where_its_neuron_spikes(run):
    np.testing.assert_array_equal(run.voltages > 1, run.trains[-1].astype(bool))
    assert run.trains[-1].any()


def test_voltages_and_probabilities_that_contradict_the_run_are_refused(run, tmp_path):
    import pyarrow as pa
    from pyarrow import parquet
    from safetensors.numpy import save_file

    from snnlp_lava.run.folder import write_run

    table = pa.table(
        {
            "output_counts": list(run.output_counts),
            "prediction": run.predictions,
            "label": run.labels,
            "probability": run.probabilities,
        }
    )
    trains = [np.packbits(train, axis=2) for train in run.trains]
    write_run(tmp_path / "r", run.record, [table], trains, run.voltages)
    packed = {f"layer{index}": train for index, train in enumerate(trains)}
    save_file({**packed, "voltages": run.voltages[:, :3].copy()}, tmp_path / "r" / "trains.safetensors")
    with pytest.raises(InputError, match=r"voltages of shape \(4, 3, 6\)"):
        read_run(tmp_path / "r")
    save_file({**packed, "voltages": run.voltages * np.float32(np.nan)}, tmp_path / "r" / "trains.safetensors")
    with pytest.raises(InputError, match="voltage that is not a number"):
        read_run(tmp_path / "r")
    save_file(packed, tmp_path / "r" / "trains.safetensors")
    assert read_run(tmp_path / "r").voltages is None  # as runs kept them before
    for wrong in (run.probabilities + 1, run.probabilities * np.nan, ["high"] * len(run.probabilities)):
        changed = table.set_column(3, "probability", [wrong])
        parquet.write_table(changed, tmp_path / "r" / "samples.parquet")
        with pytest.raises(InputError, match="probability outside 0 to 1"):
            read_run(tmp_path / "r")


def test_of_a_read_out_that_sends_messages_no_membranes_are_kept():
    from snnlp_lava import Dense, Network
    from snnlp_lava.network.sigma_delta import SigmaDelta
    from snnlp_lava.run.folder import kept_voltages

    network = Network((Dense([[4, -2], [2, 6]], SigmaDelta(np.zeros(2, int), 3)),))
    assert kept_voltages(network, [np.zeros((1, 8, 1), np.uint8), np.zeros((1, 8, 2), np.int32)]) is None
