import nir
import numpy as np
import pytest

from netx.nir_graphs import NETWORK, graph_of, pair
from snnlp_lava.netx.nir.own import write_nir
from strategies import card_for


@pytest.fixture
def our_nir(tmp_path):
    """A good file of ours, to be read or to be damaged."""
    write_nir(tmp_path / "a.nir", NETWORK, card_for(NETWORK))
    return tmp_path / "a.nir"


@pytest.fixture
def other_nir(tmp_path):
    """A good file of another program."""
    nir.write(tmp_path / "other.nir", graph_of(*pair(np.array([[1.0, -0.5]]))))
    return tmp_path / "other.nir"
