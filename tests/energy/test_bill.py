"""Bills by hand, and no total without every price."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnlp_lava.energy.bill import make_bill
from snnlp_lava.energy.latency import latency_ns
from snnlp_lava.energy.ledger import dense_ledger, macs_ledger, spiking_ledger
from snnlp_lava.energy.paper_accounting import saving
from snnlp_lava.energy.prices import price_books

LAYERS = [
    {"name": "input", "spikes": 40, "synops": 0, "neuron_updates": 0},
    {"name": "output", "spikes": 10, "synops": 120, "neuron_updates": 60},
]
SPIKING = spiking_ledger("net", LAYERS, 4)  # four texts: 12.5 spikes, 30 synops, 15 neuron updates each
BOOKS = price_books()


def test_a_spiking_bill_by_hand():
    low, high = make_bill(SPIKING, BOOKS["loihi1"]).total
    assert low == pytest.approx(12.5 * 1.7 + 30 * 23.6 + 15 * 52)
    assert high == pytest.approx(12.5 * 1.7 + 30 * 23.6 + 15 * 81)


def test_a_bill_at_the_boards_prices_by_hand():
    low, high = make_bill(SPIKING, BOOKS["loihi1-board"]).total
    assert low == pytest.approx(12.5 * 69.3 + 30 * 35.5 + 15 * 51.2)
    assert high == pytest.approx(12.5 * (69.3 + 111) + 30 * 35.5 + 15 * (51.2 + 21.6))


def test_dense_bills_by_hand():
    ledger = dense_ledger("ann", (384, 256, 128, 6))
    assert make_bill(ledger, BOOKS["cmos45"]).total == pytest.approx((131_840 * 4.6,) * 2)
    assert make_bill(ledger, BOOKS["cmos45-int8"]).total == pytest.approx((131_840 * 0.23,) * 2)
    assert make_bill(macs_ledger("bag", 97.0), BOOKS["cmos45"]).total == pytest.approx((97 * 4.6,) * 2)


def test_no_total_while_a_term_is_unpriced():
    book = BOOKS["loihi1"]
    poorer = replace(book, prices={term: price for term, price in book.prices.items() if term != "synop"})
    bill = make_bill(SPIKING, poorer)
    assert (bill.total, bill.unpriced) == (None, ("synop",))
    assert make_bill(SPIKING, BOOKS["spinnaker"]).unpriced == ("spike",)
    assert make_bill(SPIKING, BOOKS["loihi2"]).unpriced == ("neuron_update", "spike", "synop")


def test_an_all_in_price_is_charged_once_and_for_everything():
    bill = make_bill(SPIKING, BOOKS["truenorth"])
    assert [charge.term for charge in bill.charges] == ["synop"]
    assert bill.total == pytest.approx((30 * 26.0,) * 2)
    assert make_bill(dense_ledger("ann", (2, 2)), BOOKS["truenorth"]).total is None  # no MAC on TrueNorth


@given(st.floats(0, 1e5))
def test_at_break_even_the_bill_is_the_rivals(rival):
    book = BOOKS["loihi1"]
    fewest, most = make_bill(SPIKING, book).break_even(rival)
    fixed, moving = (15 * 52, 15 * 81), 12.5 * 1.7 + 30 * 23.6
    assert fewest <= most
    for factor, other in ((fewest, fixed[1]), (most, fixed[0])):
        if factor:
            assert other + factor * moving == pytest.approx(rival)
        else:
            assert other >= rival - 1e-9


def test_no_break_even_without_a_total_or_without_spikes():
    assert make_bill(SPIKING, BOOKS["loihi2"]).break_even(1e3) is None
    assert make_bill(dense_ledger("ann", (3, 2)), BOOKS["cmos45"]).break_even(1e3) is None


def test_latency_by_hand():
    low, high = latency_ns(SPIKING, 8)
    assert low == 8 * 113
    assert high == pytest.approx(8 * 465 + 15 * 8.4 + 30 * 3.5)


def test_the_papers_accounting_by_hand():
    # One of its rows: 164,096 MACs against 13,976 spikes.
    assert saving(164_096, 13_976) == pytest.approx(164_096 * 4.6 / (13_976 * 0.9))
    assert saving(164_096, 0) is None
