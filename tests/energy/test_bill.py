"""Bills by hand, and no total without every price."""

from dataclasses import replace

import pytest

from snnlp_lava.energy.bill import dense_bill, spiking_bill
from snnlp_lava.energy.prices import EVIDENCE, price_books

LAYERS = [
    {"name": "input", "spikes": 40, "synops": 0, "neuron_updates": 0},
    {"name": "output", "spikes": 10, "synops": 120, "neuron_updates": 60},
]


def test_a_spiking_bill_by_hand():
    # Four texts: 12.5 spikes, 30 synops, 15 neuron updates each.
    low, high = spiking_bill(LAYERS, 4, price_books()["loihi1"]).total
    assert low == pytest.approx(12.5 * 1.7 + 30 * 23.6 + 15 * 52)
    assert high == pytest.approx(12.5 * 1.7 + 30 * 23.6 + 15 * 81)


def test_a_dense_bill_by_hand():
    low, high = dense_bill((384, 256, 128, 6), price_books()["cmos45"]).total
    assert low == high == pytest.approx(131_840 * 4.6)


def test_no_total_while_a_term_is_unpriced():
    book = price_books()["loihi1"]
    poorer = replace(book, prices={term: price for term, price in book.prices.items() if term != "synop"})
    bill = spiking_bill(LAYERS, 4, poorer)
    assert bill.total is None
    assert bill.unpriced == ("synop",)


def test_every_price_says_where_it_comes_from():
    for book in price_books().values():
        assert len(book.source) > 40
        assert book.evidence in EVIDENCE
        assert book.note
        assert all(0 < price.low <= price.high for price in book.prices.values())
