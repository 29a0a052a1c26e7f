"""Price books: every price says where it comes from, and a user's own are read with care."""

import pytest

from snnlp_lava.energy.prices import EVIDENCE, PER_TERM, SCOPES, price_books, read_price_books
from snnlp_lava.errors import InputError

OWN = """
[books.mine]
title = "My board"
technology = "Loihi 2, N3B3"
unit = "nJ"
scope = "all-in"
source = "our lab, power meter on the host board, 3 May"
evidence = "metered"
note = "Everything that the board drew."
[books.mine.prices]
synop = { low = 0.5, high = 0.75, what = "synop" }
"""


def test_every_price_says_where_it_comes_from():
    for book in price_books().values():
        assert len(book.source) > 40
        assert book.evidence in EVIDENCE
        assert book.scope in SCOPES
        assert book.note
        assert all(0 < price.low <= price.high for price in book.prices.values())


def test_nobody_invents_a_price_for_loihi_2():
    assert price_books()["loihi2"].prices == {}
    assert price_books()["loihi2"].scope == PER_TERM  # so that what is counted is listed as unpriced


def test_a_book_of_ones_own_is_read_in_its_unit(tmp_path):
    (tmp_path / "own.toml").write_text(OWN)
    (book,) = read_price_books(tmp_path / "own.toml").values()
    assert (book.name, book.scope, book.evidence) == ("mine", "all-in", "metered")
    assert (book.prices["synop"].low, book.prices["synop"].high) == (500, 750)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("metered", "felt", "evidence 'felt' is unknown"),
        ("all-in", "some", "scope 'some' is unknown"),
        ("nJ", "kWh", "unit 'kWh' is unknown"),
        ('title = "My board"', "", "needs title"),
        ('title = "My board"', "title = 3", "title 3 is no text"),
        ('"our lab, power meter on the host board, 3 May"', '" "', "source ' ' is no text"),
        ("low = 0.5", "low = 0.9", "0.9 as its low end"),
        ("low = 0.5", "low = -1", "-1 is no number above 0"),
        ("low = 0.5", "low = nan", "nan is no number"),
        ("low = 0.5", "low = true", "True is no number"),
        pytest.param("low = 0.5", f"low = {10**400}", r"0 is no number above 0 and up to 1e\+15", id="400 digits"),
        ("low = 0.5, ", "", "needs low, high and what"),
        ("synop =", "thought =", "nothing called 'thought' is counted"),
        ("synop = {", "synop = 3 #", "needs low, high and what"),
        ("[books.mine", "[books.loihi1", "has the name of one of the package's"),
        ("[books.mine.prices]", "[books.mine.more]", "needs title"),
        ("[books", "[shelf", "something else"),
        ("=", "", "is not TOML"),
    ],
)
def test_a_malformed_book_is_refused_by_name(tmp_path, old, new, message):
    path = tmp_path / "own.toml"
    path.write_text(OWN.replace(old, new))
    with pytest.raises(InputError, match=rf"^prices .*own\.toml: .*{message}"):
        read_price_books(path)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"books = 3", b"", b"[" * 5000])
def test_other_files_are_refused(tmp_path, content):
    (tmp_path / "own.toml").write_bytes(content)
    with pytest.raises(InputError, match="prices"):
        read_price_books(tmp_path / "own.toml")
    with pytest.raises(InputError, match=r"prices.* cannot read|cannot read.*prices"):
        read_price_books(tmp_path)
