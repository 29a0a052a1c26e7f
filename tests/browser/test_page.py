"""The page computes what the emulator computes; run in headless Chromium, skipped where there is none."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from chromium import found_in, needs_chromium, opened
from snnlp_lava import (
    InputError,
    Network,
    SpikingTextClassifier,
    load_texts,
    read_network,
    read_run,
    run_network,
    write_network,
)
from snnlp_lava.browser.page import page_document, write_page
from snnlp_lava.cli.main import main
from snnlp_lava.embed.base import EmbeddingInfo
from strategies import card_for, dense

UGLY = ("</script><b>", "&amp;", "plain")

ODD = [
    "",
    "   \n\t ",
    "<script>alert(1)</script> & \"quotes\" 'single'",
    "\U0001f600 i am so happy \U0001f600\u200d\U0001f525",
    "\u6211\u5f88\u9ad8\u5174 \u4eca\u5929",
    "STRASSE stra\u00dfe \u017fo \u0130stanbul \u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2",
    "\ufb01ne \uff28\uff41\uff50\uff50\uff59",
    "caf\u00e9 cafe\u0301 na\u00efve\u00a0\u2003\u3000i\u0085am\x1csad",
    "don't   stop... me_now!! 3.14 \u00bd \u2167",
    "\u0e09\u0e31\u0e19\u0e21\u0e35\u0e04\u0e27\u0e32\u0e21\u0e2a\u0e38\u0e02 \u0915\u094d\u0937",
    "happy " * 10_000,
]


@pytest.fixture(scope="module")
def classifier():
    return SpikingTextClassifier.load("demo")


@needs_chromium
def test_a_thousand_texts_are_answered_as_the_emulator_answers_them(classifier, tmp_path):
    demo = load_texts("demo").texts
    texts = [*ODD, *demo, *(f"{one} {other}".upper() for one, other in zip(demo, demo[7:], strict=False))][:1010]
    write_page(tmp_path / "page.html", classifier.network, classifier.card)
    script = (
        f"const texts = {json.dumps(texts).replace('<', chr(92) + 'u003c')};"
        "const out = texts.map((text) => { const r = classify(text); const last = r.runs[r.runs.length - 1];"
        "return [r.best, r.lines, r.runs.reduce((s, run) => s + run.synops, 0), last.spikes, r.probabilities]; });"
        "return out;"
    )
    found = found_in(tmp_path / "page.html", tmp_path, script)
    assert len(found) == len(texts)
    predicted = classifier.predictor.predict(texts)
    for index, (best, lines, synops, spikes, probabilities) in enumerate(found):
        trains = classifier.predictor.trains([texts[index]])
        assert lines == trains[0][0, 0, : classifier.card.encoder.token_lines].nonzero()[0].tolist(), texts[index][:80]
        assert spikes == [step.nonzero()[0].tolist() for step in trains[-1][0]]
        assert best == predicted.classes[index]
        assert synops == predicted.synops[index]
        assert (
            max(abs(a - b) for a, b in zip(probabilities, predicted.probabilities[index], strict=True)) < 1e-9
            or best < 0
        )


@needs_chromium
def test_the_page_itself_shows_the_answer_and_obeys_its_policy(classifier, tmp_path):
    write_page(tmp_path / "page.html", classifier.network, classifier.card, ["i am so happy today"])
    text = (tmp_path / "page.html").read_text("utf-8")
    assert len(text.encode()) < 1_000_000
    assert "http://" not in re.sub(r"http://www.w3.org/2000/svg", "", text)
    shown, messages = opened(tmp_path / "page.html", tmp_path)
    assert messages == []
    label = re.search(r'<strong id="label" class="known">(\w+)</strong>', shown)
    assert label, shown[:3000]
    assert label[1] == classifier.predict(["i am so happy today"])[0]
    assert f"{classifier.explain('i am so happy today')['synops']:,}" == re.search(r'id="synops">([\d,]+)<', shown)[1]


def test_what_cannot_be_a_page_is_refused_by_name(save_network, random_network, tmp_path):
    path = save_network(tmp_path / "rate.net", random_network((6, 4, 3), 1))
    file = read_network(path)
    with pytest.raises(InputError, match="add --run with a run of this network"):
        page_document(file.network, file.card)


@pytest.fixture(scope="module")
def of_rates(tmp_path_factory):
    """A network on vectors in the file a.net, and a run of it on texts, in the folder run."""
    folder = tmp_path_factory.mktemp("rates")
    rng = np.random.default_rng(5)
    sizes = ((12, 10), (10, 3))
    for name, shift in (("a.net", 0), ("other.net", 2)):
        layers = [dense(2 * rng.integers(-20, 60, (b, a)) + shift, np.zeros(b, int), 1024, 123, 80) for a, b in sizes]
        network = Network(layers)
        vectors = EmbeddingInfo(None, None, 12)
        fields = {"window": 6, "period": 8, "label_names": UGLY, "temperature": 7.0, "embedding": vectors}
        write_network(folder / name, network, card_for(network, **fields))
    (folder / "a.csv").write_text("text,label\n" + "".join(f"text {row},{UGLY[row % 3]}\n" for row in range(9)))
    np.save(folder / "a.npy", rng.normal(size=(9, 12)).astype(np.float32))
    inputs = {"data": folder / "a.csv", "vectors": folder / "a.npy", "split": "all"}
    run_network(folder / "a.net", **inputs, folder=folder / "run")
    return folder


@needs_chromium
def test_the_texts_of_a_run_are_answered_as_in_the_run(of_rates, tmp_path):
    file, run = read_network(of_rates / "a.net"), read_run(of_rates / "run")
    write_page(tmp_path / "page.html", file.network, file.card, run=run)
    _, messages = opened(tmp_path / "page.html", tmp_path)
    assert messages == []
    script = (
        "return [...document.querySelectorAll('button.example')].map((button) => { button.click(); stop();"
        "return [byId('text').value, byId('label').textContent, shown.runs.map((run) => run.spikes), shown.input,"
        "shown.probabilities, byId('of-words').checkVisibility(), byId('text').readOnly]; })"
    )
    found = found_in(tmp_path / "page.html", tmp_path, script)
    assert [text for text, *_ in found] == list(run.record.examples) == [f"text {row}" for row in range(4)]
    for row, (_, label, spikes, shown, probabilities, *states) in enumerate(found):
        assert label == (run.predicted_labels[row] or "unknown")
        for layer, train in zip([shown, *spikes], run.trains, strict=True):
            assert layer == [step.nonzero()[0].tolist() for step in train[row, :6]]
        if run.predictions[row] >= 0:
            assert probabilities[run.predictions[row]] == pytest.approx(run.probabilities[row])
        assert states == [False, True]
    assert sum(bool(label) and label != "unknown" for _, label, *_ in found) > 1


def test_a_run_of_another_network_is_refused(of_rates):
    run = read_run(of_rates / "run")
    other = read_network(of_rates / "other.net")
    with pytest.raises(InputError, match="run run: is not of this network"):
        page_document(other.network, other.card, run=run)
    file = read_network(of_rates / "a.net")
    no_texts = replace(run, record=run.record.replace(examples=(), presented=()))
    with pytest.raises(InputError, match="keeps no text"):
        page_document(file.network, file.card, run=no_texts)


def test_a_page_of_a_run_from_the_command_line(of_rates, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    wanted = ["export", str(of_rates / "a.net"), "--run", str(of_rates / "run")]
    done = CliRunner().invoke(main, [*wanted, "--format", "html"])
    assert done.exit_code == 0, done.output
    assert "text 3" in (tmp_path / "netx_exports" / "a.html").read_text("utf-8")
    done = CliRunner().invoke(main, wanted)
    assert done.exit_code == 2
    assert "--run only applies to --format html" in done.output


def test_markup_in_labels_and_texts_stays_text(tmp_path):
    texts = ["</script><script>bad()</script> soup", "cold & rude"] * 30
    labels = ["</script><b>", "&amp;"] * 30
    classifier = SpikingTextClassifier().fit(texts, labels)
    write_page(tmp_path / "page.html", classifier.network, classifier.card, texts[:1])
    page = (tmp_path / "page.html").read_text("utf-8")
    assert page.count("</script>") == 2
    assert "<b>" not in page


BAD = {
    "empty": "",
    "blank": " \t\n ",
    "markup": "<img src=x onerror=document.title='taken'><script>document.title='taken'</script>",
    "control characters": "".join(map(chr, range(32))) + "\x7f\x85 happy \u202e\u2028\ufeff",
    "half a character": "happy \ud83d so \udc00",
    "one word": "a" * 100_000,
    "100,000 characters": "so happy, am i? " * 6_250,
    "too long": "a" * 100_001,
}


@needs_chromium
def test_bad_input_is_answered_or_refused_and_never_breaks_the_page(classifier, tmp_path):
    write_page(tmp_path / "page.html", classifier.network, classifier.card, ["i am so happy today"])
    texts = json.dumps(list(BAD.values())).replace("<", "\\u003c")
    script = (
        "const tags = () => ['script', 'img', 'style', 'meta'].map((t) => document.querySelectorAll(t).length).join();"
        f"const before = tags(); const told = {texts}.map((text) => {{ const began = performance.now();"
        "byId('text').value = text; byId('text').dispatchEvent(new Event('input')); play(); move(3);"
        "return [byId('label').textContent, byId('status').textContent, performance.now() - began]; });"
        "show('i am so happy today'); return [told, before === tags(), document.title, byId('label').textContent]"
    )
    told, same, title, label = found_in(tmp_path / "page.html", tmp_path, script)
    found = dict(zip(BAD, told, strict=True))
    assert same
    assert title.endswith("in your browser")
    assert label == "joy"
    assert found["empty"][:2] == found["blank"][:2] == ["…", "Type a sentence."]
    assert found["too long"][:2] == ["…", "The text has 100,001 characters; this page takes 100,000."]
    for name in ("markup", "control characters", "half a character", "one word", "100,000 characters"):
        predicted = classifier.predict([BAD[name].encode("utf-16", "surrogatepass").decode("utf-16", "replace")])[0]
        assert found[name][0] == (predicted or "unknown"), name
    assert max(seconds for *_, seconds in told) < 5_000


@needs_chromium
def test_a_table_has_the_numbers_of_the_picture(classifier, tmp_path):
    text = "i am so happy today"
    write_page(tmp_path / "page.html", classifier.network, classifier.card, [text])
    script = (
        "return [...document.querySelectorAll('#steps-head, #steps tr')]"
        ".map((r) => [...r.cells].map((c) => c.textContent))"
    )
    head, *rows = found_in(tmp_path / "page.html", tmp_path, script)
    trains = classifier.predictor.trains([text])
    voltages = classifier.network.layers[-1].states(trains[0][0], trains[1][0])[1]
    assert head[:2] == ["step", "input spikes"]
    classes = [classifier.classes_.tolist().index(name.removeprefix("voltage of ")) for name in head[2:]]
    assert len(classes) == 4
    for step, (number, lines, *shown) in enumerate(rows):
        assert (int(number), int(lines)) == (step, trains[0][0, step].sum())
        for place, cell in zip(classes, shown, strict=True):
            value, *spike = cell.split(", spike")
            assert float(value.replace(",", "")) == voltages[step, place] / 64
            assert bool(spike) == trains[1][0, step, place]
    assert len(rows) == classifier.card.window


@needs_chromium
@pytest.mark.parametrize(("flags", "plays"), [((), True), (("--force-prefers-reduced-motion",), False)])
def test_nothing_moves_by_itself_where_less_motion_is_wanted(classifier, tmp_path, flags, plays):
    write_page(tmp_path / "page.html", classifier.network, classifier.card, ["i am so happy today"])
    script = "document.querySelector('button.example').click(); return byId('play').textContent"
    assert (found_in(tmp_path / "page.html", tmp_path, script, *flags) == "Pause") == plays


@needs_chromium
def test_everything_that_can_be_operated_has_a_name(classifier, tmp_path):
    write_page(tmp_path / "page.html", classifier.network, classifier.card, ["i am so happy today"])
    script = (
        "return [...document.querySelectorAll('button, input, select, textarea, [tabindex], [role=img]')].map((e) =>"
        "[e.id || e.tagName, e.getAttribute('aria-label') || (e.labels && e.labels[0] && e.labels[0].textContent) ||"
        "(e.getAttribute('aria-labelledby') && byId(e.getAttribute('aria-labelledby')).textContent) || e.textContent])"
    )
    found = found_in(tmp_path / "page.html", tmp_path, script)
    assert len(found) >= 9
    assert all(name.strip() for _, name in found), found
