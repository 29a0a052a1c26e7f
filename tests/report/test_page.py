"""The page: self-contained, escaped, and the numbers of the run."""

import csv
import json
import re
from dataclasses import replace

import numpy as np
import pytest

from snnlp_lava.backends.emulator import run_emulator
from snnlp_lava.backends.record import Source, read_run, result_document, write_run
from snnlp_lava.embed.work import Work
from snnlp_lava.encode.saf import ONE
from snnlp_lava.energy.prices import price_books
from snnlp_lava.errors import InputError
from snnlp_lava.report.figures import _words_of_steps
from snnlp_lava.report.page import report_document, wilson_interval, write_report
from strategies import card_for, saf_samples

HOSTILE = '<script>alert("x")</script> & "quotes" \u202e \x00 😀'

WORK = Work(HOSTILE, "tokens", 60, {"mac": 6_000})
WORDS = [[(0, HOSTILE), (3, "$\\bad{$"), (3, "word" * 9)], [], [], []]


@pytest.fixture(params=[True, False], ids=["labelled", "unlabelled"])
def run(request, tmp_path, random_network):
    network = random_network((20, 16, 3), seed=3)
    card = card_for(network, window=8, period=8)
    values = np.random.default_rng(3).integers(0, ONE + 1, (6, 20), dtype=np.int32)
    result = run_emulator(network, saf_samples(values, 8), 8, keep_trains=4)
    labels = np.array([0, 1, 2, 0, 1, 2]) if request.param else None
    source = Source("a.net", "0" * 64, "demo", "test", None, True, np.arange(6), [HOSTILE, "b", "c", "d"], WORDS, WORK)
    write_run(tmp_path / "run", result_document(result, card, labels), result, network, card, source)
    return read_run(tmp_path / "run")


def test_the_page_needs_nothing_else_and_runs_nothing(run, tmp_path):
    write_report(tmp_path / "r.html", [run, run])
    page = (tmp_path / "r.html").read_text("utf-8")
    assert "<script" not in page.lower()
    assert "&lt;script&gt;" in page
    assert not re.search(r"""(?:src|href)\s*=\s*["'](?!#|data:)""", page)
    assert not re.search(r"@import|url\((?!['\"]?(?:data:|#))", page)
    assert page.count("<svg") == page.count("</svg>") >= 6
    assert len(page) < 2_000_000


def test_words_of_one_step_stand_together_cut_and_printable():
    words = _words_of_steps([(3, "a\x00b"), (3, "word" * 9), (0, "c")])
    assert words == {3: "a b, wordwordwordwordwordwo…", 0: "c"}


def test_json_holds_the_runs_numbers(run, tmp_path):
    write_report(tmp_path / "r.json", [run])
    part = json.loads((tmp_path / "r.json").read_text("utf-8"))["runs"][0]
    for layer, counted in zip(part["layers"], run.record["layers"], strict=True):
        assert layer["synops"] == counted["synops"] / 6
    assert part["rival"] == {"title": "ANN of the same sizes", "macs": 20 * 3, "synops_to_macs": part["synops"] / 60}
    assert part["synops"] == pytest.approx(run.record["synops_per_sample"])
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


def test_prices_of_ones_own_are_on_the_page(run, tmp_path):
    own = replace(price_books()["truenorth"], name="mine", title="My <board>")
    write_report(tmp_path / "r.html", [run], {"mine": own})
    assert "My &lt;board&gt;" in (tmp_path / "r.html").read_text("utf-8")


def test_a_report_of_another_kind_is_refused(run, tmp_path):
    with pytest.raises(InputError, match=r"ends in '\.pdf'; \.html, \.json, \.csv, \.md and \.tex can be written"):
        write_report(tmp_path / "r.pdf", [run])


@pytest.mark.parametrize(("share", "samples"), [(0.0, 10), (0.5, 100), (1.0, 3), (0.883, 6000)])
def test_wilson_interval_solves_its_equation(share, samples):
    for bound in wilson_interval(share, samples):
        assert bound + 1e-12 >= 0
        assert bound <= 1 + 1e-12
        assert (share - bound) ** 2 == pytest.approx(1.959964**2 * bound * (1 - bound) / samples, abs=1e-9)
