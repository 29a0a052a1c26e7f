"""Every law of a layer is held with numba and without."""

import importlib

import pytest

from snnlp_lava.network import kernels


@pytest.fixture(autouse=True, params=["compiled", "vectorised"])
def _arithmetic(request, monkeypatch):
    monkeypatch.setattr(kernels, "arithmetic", importlib.import_module(f"snnlp_lava.network.{request.param}"))
