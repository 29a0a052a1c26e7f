"""The report where scripts run, in headless Chromium: choices of texts and prices, tables that sort and filter."""

import re

import pytest

from chromium import found_in, needs_chromium, opened
from snnlp_lava import run_network
from snnlp_lava.predict.load import network_path
from snnlp_lava.report.page import write_report

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "r.html"
    write_report(path, [run_network(network_path("demo"), data="demo")] * 2)
    return path


VISIBLE = "const visible = (s) => [...document.querySelectorAll(s)].filter((e) => e.checkVisibility()); "


def test_its_policy_lets_the_page_run_without_a_complaint(page, tmp_path):
    html, messages = opened(page, tmp_path)
    assert messages == []
    assert re.search(r"<th[^>]*><button", html)


def test_one_text_is_shown_and_another_when_it_is_chosen(page, tmp_path):
    script = (
        VISIBLE + "const shown = () => visible('[data-of=text-1] blockquote').map((e) => e.textContent);"
        "const select = document.querySelector('[data-pick=text-1]'); const before = shown();"
        "select.value = '3';"
        "select.dispatchEvent(new Event('change'));"
        "return [[...select.options].map((o) => o.text), before, shown(), "
        "visible('[data-of=text-2] blockquote').length]"
    )
    titles, before, after, other = found_in(page, tmp_path, script)
    assert len(titles) == 4
    assert len(before) == len(after) == other == 1
    assert titles[0].startswith(f"1. {before[0][:40]}")
    assert titles[2].startswith(f"3. {after[0][:40]}")


def test_prices_change_everywhere_at_once(page, tmp_path):
    script = (
        VISIBLE + "const books = [...document.querySelectorAll('[data-pick=book]')];"
        "const shown = () => visible('[data-of=book]').map((e) => e.dataset.value); const before = shown();"
        "books[1].value = 'truenorth'; books[1].dispatchEvent(new Event('change'));"
        "return [before, shown(), books.map((b) => b.value), visible('.answers li:last-child strong')[0].innerText]"
    )
    before, after, values, energy = found_in(page, tmp_path, script)
    assert set(before) == {"loihi1"}
    assert set(after) == {"truenorth"}
    assert len(before) == len(after) >= 8
    assert set(values) == {"truenorth"}
    assert energy.endswith("J")


def test_a_table_sorts_by_number_and_by_word_and_filters(page, tmp_path):
    script = (
        "const table = document.querySelector('table.texts'); const rows = () => [...table.rows].slice(1);"
        "const column = (i) => rows().map((row) => row.cells[i].textContent);"
        "const press = (i) => table.rows[0].cells[i].querySelector('button').click();"
        "press(2); const rising = column(2); press(2); const falling = column(2);"
        "const sorted = table.rows[0].cells[2].getAttribute('aria-sort'); press(0); const classes = column(0);"
        "const filter = table.parentElement.previousElementSibling; filter.value = 'LOVE';"
        "filter.dispatchEvent(new Event('input'));"
        "return [rising, falling, sorted, classes, rows().filter((r) => !r.hidden).map((r) => r.textContent)]"
    )
    rising, falling, sorted_as, classes, left = found_in(page, tmp_path, script)
    numbers = [float(text.rstrip("%")) for text in rising]
    assert numbers == sorted(numbers)
    assert falling == sorted(rising, key=lambda text: -float(text.rstrip("%")))
    assert sorted_as == "descending"
    assert classes == sorted(classes)
    assert 0 < len(left) < 20
    assert all("love" in text.lower() for text in left)


def test_energies_sort_by_size_whatever_their_unit(page, tmp_path):
    cells = ["2.0 nJ", "900.0 pJ", "1.0 \u00b5J to 3 mJ", "no price for spikes", "1,000.0 nJ"]
    script = (
        f"const table = document.createElement('table'); table.innerHTML = '<tr><td>' + {cells}.join('<tr><td>');"
        "document.body.append(table); const keyed = [...table.rows].map((row) => [sortKey(row, 0), row.innerText]);"
        "return keyed.sort((a, b) => compare(a[0], b[0])).map((pair) => pair[1])"
    )
    assert found_in(page, tmp_path, script) == [cells[1], cells[0], cells[2], cells[4], cells[3]]


def test_a_phone_scrolls_no_page_sideways(page, tmp_path):
    width = found_in(page, tmp_path, "return document.documentElement.scrollWidth", "--window-size=500,900")
    assert width <= 500
