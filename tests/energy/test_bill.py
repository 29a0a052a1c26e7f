"""Bills by hand, and no total without every price."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnlp_lava.energy.bill import (
    combined_total,
    host_ledger,
    macs_ledger,
    make_bill,
    spiking_ledger,
    unpriced_terms,
)
from snnlp_lava.energy.estimates import energy_ratio, latency_ns
from snnlp_lava.energy.prices import Price, price_books

LAYERS = [
    {"name": "input", "spikes": 40, "synops": 0, "neuron_updates": 0, "active_updates": 0},
    {"name": "output", "spikes": 10, "synops": 120, "neuron_updates": 60, "active_updates": 24},
]
SPIKING = spiking_ledger("net", LAYERS, 4)  # four texts: 12.5 spikes, 30 synops, 6 active and 9 idle updates each
BOOKS = price_books()


def test_a_spiking_bill_by_hand():
    assert make_bill(SPIKING, BOOKS["loihi1"]).total == pytest.approx((12.5 * 1.7 + 30 * 23.6 + 6 * 81 + 9 * 52,) * 2)


def test_messages_are_terms_of_their_own_which_no_price_of_spikes_covers():
    """Sigma-delta layers: the second gets messages; every book of spiking chips has a total without them only."""
    layers = [LAYERS[0], {**LAYERS[1], "messages": True}, {**LAYERS[1], "name": "behind", "messages": True}]
    ledger = spiking_ledger("net", layers, 4)
    found = {(entry.place, entry.term): entry.count for entry in ledger.entries}
    assert found["output", "synop"] == found["behind", "graded_synop"] == 30
    assert found["output", "message"] == 2.5
    assert ("behind", "synop") not in found
    bill = make_bill(ledger, BOOKS["loihi1"])
    assert (bill.total, bill.unpriced) == (None, ("graded_synop", "message"))


def test_a_bill_at_the_boards_prices_by_hand():
    low, high = make_bill(SPIKING, BOOKS["loihi1-board"]).total
    assert low == pytest.approx(12.5 * 69.3 + 30 * 35.5 + 15 * 51.2 + 6 * 21.6)
    assert high == pytest.approx(12.5 * (69.3 + 111) + 30 * 35.5 + 15 * 51.2 + 6 * 21.6)


def test_a_book_that_does_not_tell_updates_apart_has_one_price_for_both():
    prices = {**BOOKS["spinnaker"].prices, "spike": Price(what="spike", low=1.0, high=2.0)}
    low, high = make_bill(SPIKING, BOOKS["spinnaker"].replace(prices=prices)).total
    assert (low, high) == pytest.approx((30 * 13_300 + 15 * 26_000 + 12.5, 30 * 13_300 + 15 * 26_000 + 25))


def test_bills_of_macs_by_hand():
    ledger = macs_ledger("ann", 131_840)
    assert make_bill(ledger, BOOKS["cmos45"]).total == pytest.approx((131_840 * 4.6,) * 2)
    assert make_bill(ledger, BOOKS["cmos45-int8"]).total == pytest.approx((131_840 * 0.23,) * 2)
    assert make_bill(macs_ledger("bag", 97.0), BOOKS["cmos45"]).total == pytest.approx((97 * 4.6,) * 2)


def test_no_total_while_a_term_is_unpriced():
    book = BOOKS["loihi1"]
    poorer = book.replace(prices={term: price for term, price in book.prices.items() if term != "synop"})
    bill = make_bill(SPIKING, poorer)
    assert (bill.total, bill.unpriced) == (None, ("synop",))
    assert make_bill(SPIKING, BOOKS["spinnaker"]).unpriced == ("spike",)
    assert make_bill(SPIKING, BOOKS["loihi2"]).unpriced == ("active_update", "idle_update", "spike", "synop")


def test_an_all_in_price_is_charged_once_and_for_everything():
    bill = make_bill(SPIKING, BOOKS["truenorth"])
    assert [charge.term for charge in bill.charges] == ["synop"]
    assert bill.total == pytest.approx((30 * 26.0,) * 2)
    assert make_bill(macs_ledger("ann", 4), BOOKS["truenorth"]).total is None  # no MAC on TrueNorth


@given(st.floats(0, 1e5))
def test_at_break_even_the_bill_is_the_baselines(baseline):
    book = BOOKS["loihi1"]
    fewest, most = make_bill(SPIKING, book).break_even(baseline)
    fixed, moving = (15 * 52, 15 * 81), 12.5 * 1.7 + 30 * 23.6
    assert fewest <= most
    for factor, other in ((fewest, fixed[1]), (most, fixed[0])):
        if factor:
            assert other + factor * moving == pytest.approx(baseline)
        else:
            assert other >= baseline - 1e-9


def test_no_break_even_without_a_total_or_without_spikes():
    assert make_bill(SPIKING, BOOKS["loihi2"]).break_even(1e3) is None
    assert make_bill(macs_ledger("ann", 6), BOOKS["cmos45"]).break_even(1e3) is None


def test_latency_by_hand():
    low, high = latency_ns(SPIKING, 8)
    assert low == 8 * 113
    assert high == pytest.approx(8 * 465 + 6 * 8.4 + 9 * 5.3 + 30 * 3.5)


def test_the_papers_accounting_by_hand():
    # One of its rows: 164,096 MACs against 13,976 spikes.
    assert energy_ratio(164_096, 13_976) == pytest.approx(164_096 * 4.6 / (13_976 * 0.9))
    assert energy_ratio(164_096, 0) is None


def test_the_embedding_in_front_is_added_at_its_own_technologys_prices():
    embedding = host_ledger("model", "embedding", {"mac": 8_000, "addition": 40, "table_word": 0}, 4)
    bills = [make_bill(SPIKING, BOOKS["loihi1"]), make_bill(embedding, BOOKS["cmos45"])]
    low, high = combined_total(bills)
    assert low == high == pytest.approx(bills[0].total[0] + 2_000 * 4.6 + 10 * 0.9)
    words = make_bill(host_ledger("table", "embedding", {"table_word": 12}, 4), BOOKS["cmos45"])
    assert combined_total([words]) == pytest.approx((3 * 10, 3 * 2_600))


def test_no_combined_total_without_every_price_or_with_an_all_in_one():
    chip = make_bill(SPIKING, BOOKS["loihi1"])
    coding = make_bill(
        host_ledger("coding", "encoding", {"mac": 4, "comparison": 128, "host_spike": 12}, 1), BOOKS["cmos45"]
    )
    assert coding.unpriced == ("comparison", "host_spike")
    assert combined_total([chip, coding]) is None
    assert unpriced_terms([chip, coding]) == ("comparison", "host_spike")
    assert combined_total([chip, make_bill(macs_ledger("model", 10), BOOKS["gpu"])]) is None
    assert combined_total([make_bill(host_ledger("none", "embedding", {}, 4), BOOKS["cmos45"])]) is None
