"""Price books: every price says where it comes from, and a user's own are read with care."""

import pytest

from snnlp_lava.energy.prices import PER_TERM, price_books, read_price_books
from snnlp_lava.errors import InputError

OWN = """
title = "My board"
technology = "Loihi 2, N3B3"
unit = "nJ"
scope = "all-in"
source = "our lab, power meter on the host board, 3 May"
evidence = "metered"
note = "Everything that the board drew."
[prices]
synop = { low = 0.5, high = 0.75, what = "synop" }
neuron_update = { low = 1, high = 2, what = "update" }
"""


def test_every_price_says_where_it_comes_from():
    assert len(price_books()) >= 10
    for book in price_books().values():
        assert len(book.source) > 40
        assert book.note
        assert all(0 < price.low <= price.high for price in book.prices.values())


def test_nobody_invents_a_price_for_loihi_2():
    assert price_books()["loihi2"].prices == {}
    assert price_books()["loihi2"].scope == PER_TERM  # so that what is counted is listed as unpriced


def test_a_book_of_ones_own_is_read_in_its_unit(tmp_path):
    (tmp_path / "mine.toml").write_text(OWN)
    (tmp_path / "other.toml").write_text(OWN.replace('"nJ"', '"uJ"'))
    mine, other = read_price_books([tmp_path / "mine.toml", tmp_path / "other.toml"]).values()
    assert (mine.name, mine.scope, mine.evidence, other.name) == ("mine", "all-in", "metered", "other")
    assert (mine.price("synop").low, mine.price("synop").high) == (500, 750)
    assert (mine.price("idle_update").low, mine.price("active_update").high) == (1000, 2000)  # one price for both
    assert mine.price("mac") is None
    assert other.price("synop").low == 500_000


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"metered"', '"felt"', "evidence must be one of metered, .*got 'felt'"),
        ("all-in", "some", "scope must be one of per-term, all-in, got 'some'"),
        ("nJ", "kWh", "unit must be one of pJ, nJ, uJ, got 'kWh'"),
        ('title = "My board"', "", "title is missing"),
        ('title = "My board"', "title = 3", "title must be text, got 3"),
        ('"our lab, power meter on the host board, 3 May"', '" "', "source .*got ' '"),
        ("low = 0.5", "low = 0.9", "prices.*low must be at most high, 0.75, got 0.9"),
        ("low = 0.5", "low = -1", "prices.*low must be a number > 0"),
        ("low = 0.5", "low = 0", "prices.*low must be a number > 0"),
        ("low = 0.5", "low = nan", "prices.*low must be a number > 0"),
        ("high = 0.75", "high = inf", "prices.*high must be a number <= 1"),
        ("low = 0.5", "low = true", "prices.*low must be a number"),
        pytest.param("low = 0.5", f"low = {10**400}", "prices", id="400 digits"),
        ("low = 0.5, ", "", "prices.*low is missing"),
        ("synop =", "thought =", r"prices.thought is unknown \(known: synop, "),
        ("synop = {", "synop = 3 #", "prices.* must be a table"),
        ("[prices]", "[more]", "prices is missing|more is unknown"),
        ("title", "colour", "title is missing|colour is unknown"),
        ("=", "", "is not TOML"),
    ],
)
def test_a_malformed_book_is_refused_by_name(tmp_path, old, new, message):
    path = tmp_path / "own.toml"
    path.write_text(OWN.replace(old, new))
    with pytest.raises(InputError, match=rf"^prices .*own\.toml: .*({message})"):
        read_price_books([path])


def test_two_books_of_one_name_are_refused(tmp_path):
    for folder in (tmp_path, tmp_path / "b"):
        folder.mkdir(exist_ok=True)
        for name in ("loihi1", "own"):
            (folder / f"{name}.toml").write_text(OWN)
    with pytest.raises(InputError, match=r"another price book .*'loihi1'"):
        read_price_books([tmp_path / "loihi1.toml"])
    with pytest.raises(InputError, match=r"another price book .*'own'"):
        read_price_books([tmp_path / "own.toml", tmp_path / "b" / "own.toml"])


@pytest.mark.parametrize("content", [b"\xff\xfe", b"books = 3", b"", b"[" * 5000])
def test_other_files_are_refused(tmp_path, content):
    (tmp_path / "own.toml").write_bytes(content)
    with pytest.raises(InputError, match="prices"):
        read_price_books([tmp_path / "own.toml"])
    with pytest.raises(InputError, match="prices"):
        read_price_books([tmp_path])


def test_a_file_of_any_size_is_refused_before_it_is_read(tmp_path):
    with (tmp_path / "vast.toml").open("wb") as file:
        file.truncate(30 << 30)  # sparse
    with pytest.raises(InputError, match=r"vast\.toml.* larger than 1,048,576 bytes"):
        read_price_books([tmp_path / "vast.toml"])
