"""A spike embedding, designed: the network says what the integers say, and keeps within what is set."""

import numpy as np
import pytest

from snnlp_lava.backends.emulator import run_emulator
from snnlp_lava.encode.base import EncodedSamples
from snnlp_lava.errors import InputError
from snnlp_lava.text.entries import entries_of
from snnlp_lava.train.methods.spike_embedding.design import Settings, design
from snnlp_lava.train.methods.spike_embedding.method import assemble
from snnlp_lava.train.methods.spike_embedding.sharing import mean_weights, share_lines
from snnlp_lava.train.methods.spike_embedding.tokens import Part
from strategies import random_occurrences

WORDS = [f"w{number}" for number in range(400)]


def made_texts(count, seed, classes):
    """Texts of words that say a little about a class each, some nothing, and their classes."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, count)
    told = rng.random((count, 9)) < 0.3
    own = labels[:, None] * 20 + rng.integers(0, 20, (count, 9))
    words = np.where(told, own, rng.integers(200, 400, (count, 9)))
    return Part([" ".join(WORDS[word] for word in row) for row in words], labels)


def designed(classes, **settings):
    return design(made_texts(900, 0, classes), made_texts(300, 1, classes), classes, Settings(**settings))


@pytest.mark.parametrize("settings", [{"tokens": "words"}, {"tokens": "all"}, {"tokens": "pairs", "lines": 150}])
@pytest.mark.parametrize("classes", [2, 5, 10])
def test_the_network_answers_as_the_integers_do(classes, settings):
    made = designed(classes, **settings)
    encoder, network = assemble(made)
    asked = made_texts(200, 2, classes)
    texts = [*asked.texts, "nothing known here"]
    run = run_emulator(
        network, EncodedSamples(np.array(texts, dtype=object), encoder, made.point.steps), made.point.steps
    )
    scores = run.output_scores
    np.testing.assert_array_equal(np.where(scores.max(axis=1) > 0, scores.argmax(axis=1), -1), made.answers(texts))
    assert (scores[:-1].argmax(axis=1) == asked.labels).mean() > 0.85
    if classes == 2:
        np.testing.assert_array_equal(made.answers(texts), made.evidence(texts).argmax(axis=1))


def test_evidence_is_the_sum_of_the_weights_of_the_lines_of_a_text():
    made = designed(5, tokens="pairs", lines=60)
    index = dict(zip(made.entries, made.point.line, strict=True))
    for text in made_texts(20, 3, 5).texts:
        lines = {index[entry] for entry in entries_of(text, made.scheme) if entry in index}
        wanted = sum((made.point.weight[line] for line in lines), start=np.zeros(5)) + made.point.offset
        np.testing.assert_array_equal(made.evidence([text])[0], wanted)


@pytest.mark.parametrize("classes", [2, 5])
def test_a_line_spikes_where_any_of_its_entries_is(classes):
    occurrences, there, _ = random_occurrences(entries=40, classes=classes)
    weight = np.round(10 * np.random.default_rng(0).normal(size=(40, classes)))
    line = share_lines(weight, occurrences.frequency, 12, 0)
    assert set(line.tolist()) == set(range(line.max() + 1))
    assert line.max() < 12
    lines = occurrences.merged(line)
    for number in range(line.max() + 1):
        rows = lines.texts[lines.starts[number] : lines.starts[number + 1]].tolist()
        assert rows == np.flatnonzero(there[:, line == number].any(axis=1)).tolist()


def test_entries_of_equal_weights_share_lines_and_no_others_do_where_shapes_suffice():
    weight = np.repeat([[1.0, 0], [0, 1], [3, 3]], 5, axis=0)
    line = share_lines(weight, np.arange(1, 16), 9, 0)
    shapes = {}
    for entry, number in enumerate(line.tolist()):
        shapes.setdefault(number, set()).add(entry // 5)
    assert all(len(shape) == 1 for shape in shapes.values())
    assert len(shapes) > 3


def test_the_weights_of_a_line_are_the_mean_of_its_entries_by_their_frequency():
    weight = np.array([[10, 0], [40, 6], [-20, 2]])
    np.testing.assert_array_equal(mean_weights(weight, np.array([2, 1, 5]), np.array([1, 1, 0])), [[-20, 2], [20, 2]])


def test_same_seed_same_design():
    first, second = designed(5), designed(5)
    assert first.entries == second.entries
    np.testing.assert_array_equal(first.point.weight, second.point.weight)
    assert first.point.rise.threshold == second.point.rise.threshold


@pytest.mark.parametrize("budget", [4, 40])
def test_the_synops_of_training_texts_stay_within_the_budget(budget):
    made = designed(10, synop_budget=budget)
    encoder, network = assemble(made)
    texts = np.array(made_texts(900, 0, 10).texts, dtype=object)
    run = run_emulator(network, EncodedSamples(texts, encoder, made.point.steps), made.point.steps)
    spent = run.layers[-1].synops_nonzero.mean()
    assert 0.3 * min(budget, 20) < spent <= budget
    assert spent == pytest.approx(made.point.all_synops)
    assert 10 * made.point.steps <= max(30, 0.75 * budget)  # neuron updates, three steps at least


@pytest.mark.parametrize(("classes", "lines"), [(2, 30), (5, 60), (10, 100)])
def test_lines_stay_within_what_is_set(classes, lines):
    encoder, _ = assemble(designed(classes, lines=lines))
    assert encoder.lines <= lines


def test_the_window_is_the_one_that_is_set():
    assert designed(5, window=7).point.steps == 7


def test_what_cannot_work_is_refused_by_name():
    with pytest.raises(InputError, match="window must be 1 for two classes"):
        designed(2, window=4)
    with pytest.raises(InputError, match=r"synop budget 0\.2"):
        designed(10, synop_budget=0.2)


@pytest.mark.parametrize("seed", range(4))
def test_five_validation_texts_are_enough_for_levels(seed):
    """They are too few to choose by, so nothing is left out, and training texts say where the levels lie."""
    asked = made_texts(300, 2, 4)
    made = design(made_texts(60, 10 + seed, 4), made_texts(5, 20 + seed, 4), 4, Settings(tokens="words"))
    assert len(made.frontier) == 1
    exact = (made.evidence(asked.texts).argmax(axis=1) == asked.labels).mean()
    assert exact > 0.5
    assert (made.answers(asked.texts) == asked.labels).mean() > exact - 0.05


def test_a_budget_holds_for_five_validation_texts_too():
    made = design(made_texts(60, 0, 4), made_texts(5, 1, 4), 4, Settings(tokens="words", synop_budget=8))
    assert made.point.all_synops <= 8
