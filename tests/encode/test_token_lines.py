"""Token lines: every known entry of a text is one spike on its line, all in the first step."""

import numpy as np
import pytest

from snnlp_lava.encode.base import load_encoder
from snnlp_lava.encode.token_lines import TokenLineEncoder
from snnlp_lava.errors import InputError
from snnlp_lava.text.entries import Scheme

ENTRIES = ("a", "b", "a b", "\tc ")


def encoder_with(line=(0, 1, 2, 3), token_lines=10, start_lines=2, scheme=None):
    return TokenLineEncoder(
        ENTRIES, np.array(line, dtype=np.uint32), token_lines, start_lines, scheme or Scheme(True, True, (2, 2))
    )


def spikes(encoder, text, window=3):
    trains = encoder.encode(encoder.quantise([text], window), window)[0]
    assert not trains[1:].any()
    return np.flatnonzero(trains[0]).tolist()


def test_entries_spike_once_in_the_first_step_and_so_do_the_start_lines():
    assert spikes(encoder_with(), "A b b a b C") == [0, 1, 2, 3, 10, 11]
    assert spikes(encoder_with(), "b a") == [0, 1, 10, 11]
    assert spikes(encoder_with(), "unheard") == [10, 11]


def test_entries_of_one_line_are_one_spike():
    assert spikes(encoder_with(line=(9, 9, 8, 9)), "a b") == [8, 9, 10, 11]


def test_entries_are_presented_in_the_order_of_the_text():
    assert encoder_with(scheme=Scheme(words=True)).token_steps("b new a", 4) == [(0, "b"), (0, "a")]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("token_lines", 0, "token_lines"),
        ("start_lines", 257, "start_lines"),
        ("characters", [3, 2], "characters"),
        ("characters", [1, 99], "characters"),
        ("token_lines", 3, "token lines"),
        ("words", 1, "words"),
    ],
)
def test_a_damaged_description_is_refused(field, value, words):
    encoder = encoder_with()
    with pytest.raises(InputError, match=words):
        load_encoder({**encoder.to_dict(), field: value}, encoder.arrays())


def test_lines_of_the_wrong_number_are_refused():
    encoder = encoder_with()
    with pytest.raises(InputError, match="4 entries"):
        load_encoder(encoder.to_dict(), {**encoder.arrays(), "line": encoder.line[:3]})
