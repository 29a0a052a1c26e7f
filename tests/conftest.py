"""What every test shares: no network, no cache but its own, the same random examples every time."""

import os
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.configuration import set_hypothesis_home_dir

sys.path.insert(0, str(Path(__file__).parent))  # for the modules beside the tests that they import

os.environ["HF_HUB_OFFLINE"] = "1"

from snnlp_lava.lava_compat import make_lava_importable

make_lava_importable()
# Lava sets multiprocessing's start method when it is imported, and fails if another library has done so before.
import lava.magma.runtime.message_infrastructure.multiprocessing  # noqa: E402, F401

set_hypothesis_home_dir(Path(tempfile.gettempdir()) / "snnlp-lava-hypothesis")
settings.register_profile(
    "snnlp",
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("snnlp")


@pytest.fixture(autouse=True, scope="session")
def _cache_of_the_tests(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SNNLP_LAVA_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def cache_folder(tmp_path, monkeypatch):
    """An empty cache of this test's own."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("SNNLP_LAVA_CACHE", str(folder))
    return folder


@pytest.fixture
def random_network():
    """Make a network that fires in every layer: random_network(sizes, seed)."""
    import numpy as np

    from snnlp_lava.network.network import Network
    from strategies import dense

    def make(sizes, seed):
        rng = np.random.default_rng(seed)
        pairs = pairwise(sizes)
        return Network([dense(2 * rng.integers(-40, 60, (b, a)), None, 1024, 123, 80) for a, b in pairs])

    return make


@pytest.fixture
def save_network():
    """Write a network with a card: save_network(path, network, window=..., period=...) -> path."""
    from snnlp_lava.netx.network_file import write_network
    from strategies import card_for

    def save(path, network, **card):
        write_network(path, network, card_for(network, **card))
        return path

    return save
