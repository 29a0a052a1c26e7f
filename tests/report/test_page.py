"""The page: self-contained, escaped, and the numbers of the run."""

import base64
import csv
import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest

from snnlp_lava.backends.emulator import run_emulator
from snnlp_lava.chip.chips import CHIPS, RESOURCES
from snnlp_lava.chip.mapping import map_network
from snnlp_lava.embed.base import OpCounts
from snnlp_lava.encode.calibration import FIXED_ONE
from snnlp_lava.energy.prices import price_books
from snnlp_lava.errors import InputError
from snnlp_lava.network.network import Network
from snnlp_lava.report.document import report_document, wilson_interval
from snnlp_lava.report.figures import Cost, energy_dots
from snnlp_lava.report.page import render_page, write_report
from snnlp_lava.report.plots import words_of_steps
from snnlp_lava.report.tables import joules_text
from snnlp_lava.run.folder import read_run
from snnlp_lava.run.record import Mistake
from strategies import card_for, dense, saf_samples, write_one_run

UNESCAPED = '<script>alert("x")</script> & "quotes" \u202e \x00 😀'

SIZES = ((20, 16), (16, 3))
RIGHT = [2, 2, 2, 2, 3, 3, 3, 2]
PREPROCESSING = {
    "embedding": OpCounts(UNESCAPED, "tokens", 60, {"mac": 6_000}),
    "encoding": OpCounts("saf coding", "dimensions", 6 * 20, {"mac": 6 * 20, "comparison": 6 * 160}),
}
CLASSES = ("$\\bad{$", UNESCAPED, "\u00fcber \u00a3$5")
WORDS = [[(0, UNESCAPED), (3, "$\\bad{$"), (3, "word" * 9)], [], [], []]


def a_run(tmp_path, random_network, labelled):
    network = random_network((20, 16, 3), seed=3)
    card = card_for(network, window=8, period=8, label_names=CLASSES)
    values = np.random.default_rng(3).integers(0, FIXED_ONE + 1, (6, 20), dtype=np.int32)
    result = run_emulator(network, saf_samples(values, 8), 8, keep_trains=2)
    labels = np.array([0, 1, 2, 0, 1, 2]) if labelled else None
    right = RIGHT if labelled else None
    texts = [UNESCAPED, "b", "c", "d"]
    write_one_run(tmp_path / "run", result, labels, network, card, texts, WORDS, PREPROCESSING, right_over_time=right)
    return read_run(tmp_path / "run")


@pytest.fixture(params=[True, False], ids=["labelled", "unlabelled"])
def run(request, tmp_path, random_network):
    return a_run(tmp_path, random_network, request.param)


@pytest.fixture
def labelled(tmp_path, random_network):
    return a_run(tmp_path, random_network, labelled=True)


def random_network_of_run():
    rng = np.random.default_rng(3)
    return Network([dense(2 * rng.integers(-40, 60, (b, a)), np.zeros(b, int), 1024, 123, 80) for a, b in SIZES])


def test_the_page_needs_nothing_else_and_runs_its_own_script_only(run, tmp_path):
    write_report(tmp_path / "r.html", [run, run])
    page = (tmp_path / "r.html").read_text("utf-8")
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    for kind, text in (("script", script), ("style", style)):
        assert f"{kind}-src 'sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}';" in page
    assert page.lower().count("<script") == page.lower().count("<style") == 1
    assert not re.search(r"<[^>]* on\w+=", page)
    assert "&lt;script&gt;" in page
    assert "\\u00fc" not in page  # names are shown as they are written
    assert not re.search(r"""(?:src|href)\s*=\s*["'](?!#|data:)""", page)
    assert not re.search(r"@import|url\((?!['\"]?(?:data:|#))", page)
    assert page.count("<svg") == page.count("</svg>") >= 6
    assert len(page) < 2_000_000
    assert "2 runs beside each other" in page
    assert re.findall(r'<a href="(.*?)"', page) == ["#run-1", "#run-2"]
    assert all(f'<section id="run-{number}">' in page for number in (1, 2))
    assert ("Accuracy of each run over its synops" in page) == (run.labels is not None)


def test_every_text_and_every_bill_can_be_read_without_scripts(labelled, tmp_path):
    write_report(tmp_path / "r.html", [labelled])
    page = (tmp_path / "r.html").read_text("utf-8")
    choices = re.findall(r'<div[^>]*data-of="(.*?)" data-value="(.*?)"([^>]*)>', page)
    assert [value for name, value, _ in choices if name == "text-1"] == ["1", "2"]
    bills = [bill["book"] for bill in report_document([labelled])["runs"][0]["bills"] if bill["of"] == "this network"]
    assert [value for name, value, _ in choices if name == "book"] == bills
    assert {rest for _, _, rest in choices} == {""}  # nothing is hidden
    assert page.count('<p class="pick" hidden>') == 2


def test_spikes_that_no_text_is_kept_of_are_drawn_all_the_same(labelled):
    short = replace(labelled, record=labelled.record.replace(examples=labelled.record.examples[:1], presented=()))
    page = render_page(report_document([short]), [short])
    assert len(re.findall(r'data-of="text-1" data-value="[12]"', page)) == 2
    assert page.count("<blockquote>") == 1


def test_calibration_is_accuracy_by_probability(labelled):
    stated = np.array([0.95, 0.92, 0.31, 0.39, 0.5, 1.0])
    labels = np.where([True, False, True, False, True, True], labelled.predictions, (labelled.predictions + 1) % 3)
    predictions = np.where([True, True, True, True, True, False], labelled.predictions, -1)  # the last is unknown
    run = replace(labelled, probabilities=stated, labels=labels, predictions=predictions)
    found = report_document([run])["runs"][0]["calibration"]
    bins = [(part["low"], part["texts"], part["probability"], part["accuracy"]) for part in found["bins"]]
    assert bins == [
        (0.3, 2, pytest.approx(0.35), 0.5),
        (0.5, 1, 0.5, 1.0),
        (0.9, 2, pytest.approx((0.95 + 0.92) / 2), 0.5),
    ]
    assert found["error"] > 0
    assert report_document([labelled])["runs"][0]["calibration"] is None  # no probabilities were kept


def test_wrong_answers_are_shown_with_the_words_that_spoke_for_them(labelled, tmp_path):
    mistake = Mistake(
        sample=1, text=UNESCAPED, label="a<b", prediction="c", probability=0.75, entries=(("\two ", 12), ("<i>", 3))
    )
    run = replace(labelled, record=labelled.record.replace(mistakes=(mistake,)))
    write_report(tmp_path / "r.html", [run])
    page = (tmp_path / "r.html").read_text("utf-8")
    (row,) = re.findall(r"<tr><td>a&lt;b</td>.*?</tr>", page)
    assert "75.0%" in row
    assert "&lt;script&gt;" in row
    assert "\u2039wo\u2423\u203a" in row
    assert "&lt;i&gt;" in row


def test_words_of_one_step_stand_together_cut_and_printable():
    words = words_of_steps([(3, "a\x00b"), (3, "word" * 9), (0, "c")])
    assert words == {3: "a b, wordwordwordwordwordwo…", 0: "c"}


def test_json_holds_the_runs_numbers(run, tmp_path):
    write_report(tmp_path / "r.json", [run])
    part = json.loads((tmp_path / "r.json").read_text("utf-8"))["runs"][0]
    for layer, counted in zip(part["layers"], run.record.layers, strict=True):
        assert layer["synops"] == counted.synops / 6
    assert part["baseline"] == {"title": "ANN of the same sizes", "macs": 20 * 3, "synops_to_macs": part["synops"] / 60}
    assert part["synops"] == pytest.approx(run.record.synops / 6)
    assert part == json.loads(json.dumps(report_document([run])["runs"][0]))


def test_tables_hold_the_same_numbers(run, tmp_path):
    (part,) = report_document([run])["runs"]
    write_report(tmp_path / "r.csv", [run, run])
    first, second = csv.DictReader((tmp_path / "r.csv").read_text("utf-8").splitlines())
    assert first == second
    assert float(first["synops"]) == pytest.approx(part["synops"])
    (bill,) = (bill for bill in part["bills"] if (bill["of"], bill["book"]) == ("this network", "loihi1"))
    assert float(first["network_loihi1_high_pj"]) == pytest.approx(bill["total_pj"][1])
    assert "network_loihi2_low_pj" not in first  # no price, no total
    write_report(tmp_path / "r.md", [run])
    row = (tmp_path / "r.md").read_text("utf-8").splitlines()[2]
    assert f"| {part['synops']:,.0f} |" in row


METER = {"by": "a meter", "samples": 6, "steps": 48, "seconds": 3e-3, "joules": 6e-3, "static_joules": 1.5e-3}


def test_what_was_metered_stands_beside_the_bills_and_is_in_none(run, tmp_path):
    metered = replace(run, record=run.record.replace(metered=METER))
    (before,), (part,) = report_document([run])["runs"], report_document([metered])["runs"]
    assert before["metered"] is None
    one = {"pj": pytest.approx(1e9), "static_pj": pytest.approx(2.5e8), "ns": pytest.approx(5e5)}
    assert part["metered"] == {"by": "a meter", "evidence": "metered", **one}
    assert part["bills"] == before["bills"]
    for ending in ("html", "csv", "md"):
        write_report(tmp_path / f"r.{ending}", [metered])
    page = (tmp_path / "r.html").read_text("utf-8")
    assert "by a meter during this run: <strong>1.0 mJ</strong>, 250.0 µJ of it static; 500.0 µs." in page
    (row,) = csv.DictReader((tmp_path / "r.csv").read_text("utf-8").splitlines())
    assert float(row["metered_pj"]) == pytest.approx(1e9)
    assert "1.0 mJ per text measured on the board by a meter" in (tmp_path / "r.md").read_text("utf-8")
    assert "Measured per text" not in render_page(report_document([run]), [run])


def test_time_alone_is_shown_where_nothing_else_was_metered(run):
    metered = replace(
        run, record=run.record.replace(metered={"by": "a meter", "samples": 6, "steps": 48, "seconds": 6e-3})
    )
    assert "by a meter during this run: 1.0 ms. " in render_page(report_document([metered]), [metered])


def test_prices_of_ones_own_and_a_network_that_fits_are_on_the_page(labelled, tmp_path):
    own = price_books()["truenorth"].replace(name="mine", title="My <board>")
    write_report(tmp_path / "r.html", [labelled], {"mine": own})
    page = (tmp_path / "r.html").read_text("utf-8")
    assert "My &lt;board&gt;" in page
    assert "beside each other" not in page
    assert "Loihi 1: fits, 2 of 128 cores" in page
    assert 'aria-label="2 of 128 cores taken: hidden1 1, output 1"' in page
    assert page.count("of its memory</title>") == 4  # two cores on each chip


@pytest.mark.parametrize("ending", ["md", "tex"])
def test_prices_of_ones_own_stand_below_the_table(labelled, tmp_path, ending):
    books = price_books()
    mine = books["loihi1"].replace(name="mine", title="My board", source="a bench")
    rival = books["cmos45"].replace(name="host", title="My host", source="a bench")
    unknown = mine.replace(name="none", title="Terra", prices={"random_number": mine.prices["synop"]})
    write_report(tmp_path / f"plain.{ending}", [labelled])
    write_report(tmp_path / f"own.{ending}", [labelled], {"mine": mine, "host": rival, "none": unknown})
    plain, own = ((tmp_path / f"{name}.{ending}").read_text("utf-8") for name in ("plain", "own"))
    (part,) = report_document([labelled])["runs"]
    totals = {(bill["of"], bill["book"]): bill["total_pj"] for bill in part["bills"]}
    network = joules_text(*totals["this network", "loihi1"]).replace("µ", r"\textmu{}" if ending == "tex" else "µ")
    ann = joules_text(*totals[part["baseline"]["title"], "cmos45"])
    assert f"At My board ({mine.evidence}, a bench): run: this network {network}." in own
    assert f"At My host ({rival.evidence}, a bench): run: {part['baseline']['title']} {ann}." in own
    assert f"At Terra ({mine.evidence}, a bench): it prices none of these operations." in own
    assert "At My" not in plain


@pytest.fixture
def part(run):
    return report_document([run])["runs"][0]


def test_preprocessing_is_beside_the_bill_never_in_it(run, part):
    front = part["preprocessing"]
    embedding = front["steps"]["embedding"]
    assert (embedding["units"], embedding["counts"]) == (10, {"mac": 1_000})
    alone, with_model, with_coding, whole, ann, ann_with_model = front["variants"]
    (bill,) = (bill for bill in part["bills"] if (bill["of"], bill["book"]) == ("this network", "loihi1"))
    assert alone["total_pj"] == pytest.approx(bill["total_pj"])
    assert with_model["total_pj"] == pytest.approx([total + 1_000 * 4.6 for total in bill["total_pj"]])
    assert (with_coding["total_pj"], with_coding["unpriced"]) == (None, ["comparison"])
    assert (whole["total_pj"], whole["unpriced"]) == (None, ["comparison", "host_spike"])
    assert ann["total_pj"] == pytest.approx([20 * 3 * 4.6] * 2)
    assert ann_with_model["total_pj"] == pytest.approx([(20 * 3 + 1_000) * 4.6] * 2)
    charges = {
        (charge["place"], charge["term"]): charge["count"] for bill in front["bills"] for charge in bill["charges"]
    }
    assert charges == {
        ("embedding", "mac"): 1_000,
        ("encoding", "mac"): 20,
        ("encoding", "comparison"): 160,
        ("handing over", "host_spike"): part["layers"][0]["spikes"],
    }


def test_an_encoder_that_states_no_cost_leaves_the_network_without_a_total_behind_it(labelled, tmp_path):
    silent = {"title": "encoder x", "unit": "", "units": 0, "counts": {}, "not_counted": "encoder x <says> nothing"}
    preprocessing = {**labelled.record.preprocessing, "encoding": silent}
    changed = replace(labelled, record=labelled.record.replace(preprocessing=preprocessing))
    _, with_model, with_coding, *_ = report_document([changed])["runs"][0]["preprocessing"]["variants"]
    assert with_model["total_pj"] is not None
    assert (with_coding["total_pj"], with_coding["not_counted"]) == (None, silent["not_counted"])
    write_report(tmp_path / "r.html", [changed])
    assert "encoder x, not counted: encoder x &lt;says&gt; nothing." in (tmp_path / "r.html").read_text("utf-8")


def test_an_estimate_of_the_training_stands_apart(part):
    macs = part["training"]["macs"]
    window, epochs = 32, 20  # of the card's training; its network has layers of 20-16-3
    dense = 20 * 16 + 16 * 3
    assert macs["forward"] == epochs * 8 * window * dense
    assert macs["backward"] == epochs * 8 * window * (dense + 16 * 3)
    assert macs["validation"] == epochs * 3 * window * dense
    assert macs["embedding, once"] == (8 + 3 + 4) * 1_000
    assert part["training"]["total_pj"]["gpu"] == pytest.approx([sum(macs.values()) * 300] * 2)


def test_confusion_and_accuracy_over_time_add_up(run, part):
    if run.labels is None:
        assert (part["confusion"], part["accuracy_over_time"]) == (None, None)
        return
    confusion = np.array(part["confusion"])
    assert confusion.sum(axis=1).tolist() == [2, 2, 2]
    assert confusion.trace() / 6 == run.record.accuracy
    for true, row in enumerate(confusion):
        for taken, count in enumerate(row):
            assert count == ((run.labels == true) & (run.predictions == taken)).sum()
    assert part["accuracy_over_time"] == [count / 6 for count in RIGHT]


def test_the_fit_is_that_of_check(part):
    for fit in part["fits"]:
        found = map_network(random_network_of_run(), CHIPS[fit["chip"]], 8)
        assert (fit["cores"], fit["words"]) == (found.totals["cores"], found.totals["words"])
        for layer, fitted in zip(fit["layers"], found.layers, strict=True):
            assert layer["most"] == {resource: fitted.most(resource) for resource in RESOURCES}
            limit = CHIPS[fit["chip"]].words
            assert layer["shares"]["words"] == fitted.most("words") / limit


def test_a_network_that_does_not_fit_and_work_that_is_not_counted_are_named(labelled, tmp_path):
    fits = labelled.record.to_dict()["fits"]
    fits["loihi2"]["violations"] = ["period 50 <is> none"]
    fits["loihi1"]["layers"][0]["cores"] *= 200
    work = {"title": "vectors", "unit": "", "units": 0, "counts": {}, "not_counted": "nobody <knows>"}
    changed = replace(labelled, record=labelled.record.replace(fits=fits, preprocessing={"embedding": work}))
    write_report(tmp_path / "r.html", [changed])
    page = (tmp_path / "r.html").read_text("utf-8")
    assert "Loihi 2 (estimate): does not fit" in page
    assert "<strong>period 50 &lt;is&gt; none</strong>" in page
    assert "needs 73 more cores than the chip has." in page
    assert "not counted: nobody &lt;knows&gt;." in page
    thought = {"embedding": {**work, "counts": {"thought": 6}, "not_counted": None}}
    unknown = replace(changed, record=changed.record.replace(preprocessing=thought))
    assert "no price for thought<" in render_page(report_document([unknown]), [changed])
    variants = report_document([changed])["runs"][0]["preprocessing"]["variants"]
    assert [variant["title"] for variant in variants] == ["this network alone", "this network + vectors"]
    assert variants[1]["total_pj"] is None


def test_latex_holds_the_same_cells_and_no_letter_that_it_would_obey(run, tmp_path):
    named = replace(run, name=r"50%_of {a}\b$ #1 & ~^")
    write_report(tmp_path / "r.tex", [named, run])
    text = (tmp_path / "r.tex").read_text("utf-8")
    head, first, second = (line for line in text.splitlines() if line.endswith(r"\\"))
    assert first.startswith(r"50\%\_of \{a\}\textbackslash{}b\$ \#1 \& \textasciitilde{}\textasciicircum{} & ")
    assert {line.count(" & ") for line in (head, second)} == {first.replace(r"\&", "").count(" & ")} == {11}
    assert f" & {run.record.synops / 6:,.0f} & " in second
    for rule in ("toprule", "midrule", "bottomrule"):
        assert text.count(f"\\{rule}") == 1
    assert text.count("{") == text.count("}")


@pytest.mark.parametrize("totals", [[(1.0, 5.0), None, (1e9, 1e9)], [None], [(0.0, 0.0)]])
def test_the_energy_figure_shows_small_beside_large_and_what_has_no_price(totals):
    costs = [Cost(f"$\\bad{{$ \x00 {index}", "book", total, "thoughts") for index, total in enumerate(totals)]
    svg = energy_dots(costs, costs[0].title)
    for cost in costs:
        shown = joules_text(*cost.total) if cost.total and cost.total[0] else "no price for thoughts"
        assert shown in svg
    ET.fromstring(svg)


def test_a_report_of_another_kind_is_refused(run, tmp_path):
    with pytest.raises(InputError, match=r"\.html, \.json, \.csv, \.md or \.tex, got '\.pdf'"):
        write_report(tmp_path / "r.pdf", [run])


@pytest.mark.parametrize(("share", "samples"), [(0.0, 10), (0.5, 100), (1.0, 3), (0.883, 6000)])
def test_wilson_interval_solves_its_equation(share, samples):
    for bound in wilson_interval(share, samples):
        assert bound + 1e-12 >= 0
        assert bound <= 1 + 1e-12
        assert (share - bound) ** 2 == pytest.approx(1.959964**2 * bound * (1 - bound) / samples, abs=1e-9)
