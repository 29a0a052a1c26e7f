import subprocess
import sys

import pytest

# Measured on Python 3.10 to 3.13, with the NumPy and numba of each; see scripts/fixed_training.py for snn-rate.
SPIKE_EMBEDDING = "4eb24fbc7afabb8aa05554dad9174c462b2da9371f75e6ec46d6df9d82bc60a4"


def trained(request, method):
    script = request.config.rootpath / "scripts" / "fixed_training.py"
    done = subprocess.run([sys.executable, script, method], capture_output=True, text=True, check=True)
    name, digest = done.stdout.split()
    assert name == method
    return digest


def test_every_python_trains_the_same_integers(request):
    assert trained(request, "spike-embedding") == SPIKE_EMBEDDING


@pytest.mark.slow
def test_two_trainings_of_snn_rate_give_the_same_integers(request):
    assert trained(request, "snn-rate") == trained(request, "snn-rate")
