"""What is said where an optional package is missing, too old or of another version."""

import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
import tomli

from snnlp_lava import extras
from snnlp_lava.errors import InputError
from snnlp_lava.run import inputs
from snnlp_lava.run.runner import run_network

PROJECT = tomli.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
NETWORK = Path(__file__).parent / "data" / "network_files" / "saf.net"
NAMES = {
    "sentence_transformers": "sentence-transformers",
    "lava": "lava-nc",
    "sklearn": "scikit-learn",
    "huggingface_hub": "huggingface-hub",
}


def requirements(extra):
    """Names of all packages that an extra brings."""
    for line in PROJECT["optional-dependencies"][extra]:
        inner = re.match(r"snnlp-lava\[(.+)\]", line)
        if inner:
            for other in inner[1].split(","):
                yield from requirements(other)
        else:
            yield re.match(r"[\w-]+", line)[0]


@pytest.mark.parametrize("package", sorted(extras._EXTRA_OF))
def test_the_extra_that_is_named_brings_the_package(package):
    assert NAMES.get(package, package) in set(requirements(extras._EXTRA_OF[package]))
    assert NAMES.get(package, package) in set(requirements("all"))
    assert NAMES.get(package, package) not in {re.match(r"[\w-]+", line)[0] for line in PROJECT["dependencies"]}


def message(*packages):
    with pytest.raises(InputError) as caught:
        extras.require(*packages)
    (line,) = str(caught.value).splitlines()
    return line


@pytest.mark.parametrize("package", ["torch", "sentence_transformers", "distributed", "datasets"])
def test_a_missing_package_is_refused_with_the_line_to_type(monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    line = message(package)
    assert package in line
    assert f'pip install "snnlp-lava[{extras._EXTRA_OF[package]}]"' in line


def test_lava_is_installed_by_a_command_of_ours_where_pip_cannot(monkeypatch):
    monkeypatch.setitem(sys.modules, "lava", None)
    monkeypatch.setattr(extras.lava_compat, "PIP_REFUSES_LAVA", True)
    assert message("lava").endswith("snnlp-lava setup-lava")
    monkeypatch.setattr(extras.lava_compat, "PIP_REFUSES_LAVA", False)
    assert message("lava").endswith('pip install "snnlp-lava[lava]"')


@pytest.mark.parametrize("version", ["1.13.1", "2.2.2+cpu"])
def test_an_old_torch_is_refused(monkeypatch, version):
    monkeypatch.setattr(extras.metadata, "version", lambda package: version)
    line = message("torch")
    assert version in line
    assert "2.3" in line


@pytest.mark.parametrize("version", ["2.3.1", "2.14.1", "2.13.0+cpu", "3.0"])
def test_newer_ones_are_taken(monkeypatch, version):
    monkeypatch.setattr(extras.metadata, "version", lambda package: version)
    extras.require("torch")


@pytest.mark.parametrize("package", ["lava-nc", "lava-dl"])
@pytest.mark.parametrize("version", ["0.9.0", None])
def test_another_lava_is_refused(monkeypatch, package, version):
    real = metadata.version

    def fake(name):
        if name != package:
            return real(name)
        if version is None:
            raise metadata.PackageNotFoundError(name)
        return version

    monkeypatch.setattr(extras.metadata, "version", fake)
    line = message("lava")
    assert package in line
    assert extras.lava_compat.LAVA_VERSIONS[package] in line
    assert version is None or version in line


@pytest.mark.parametrize("backend", ["sim", "loihi2"])
def test_lava_that_is_missing_is_refused_before_texts_are_embedded(monkeypatch, backend):
    monkeypatch.setitem(sys.modules, "lava", None)
    monkeypatch.setattr(inputs, "_embedder", lambda *_: None)
    monkeypatch.setattr(inputs, "embed_rows", lambda *_: pytest.fail("a text was embedded"))
    with pytest.raises(InputError) as caught:
        run_network(NETWORK, texts=["a lovely day"], backend=backend)
    assert extras.install_command("lava") in str(caught.value)


def command(arguments, hidden):
    """Run a command in a process in which packages are missing."""
    program = f"""if True:
        import sys
        sys.modules.update(dict.fromkeys({hidden!r}))
        from snnlp_lava.cli.main import main
        main({arguments!r}, prog_name="snnlp-lava")
    """
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize(
    ("arguments", "package"),
    [
        (["train", "--data", "demo", "--method", "snn-rate", "--epochs", "1", "--limit", "30", "-o", "m"], "torch"),
        (["train", "--data", "emotion", "-o", "m"], "datasets"),
    ],
)
def test_a_command_that_lacks_a_package_says_what_to_type(tmp_path, monkeypatch, arguments, package):
    monkeypatch.chdir(tmp_path)
    done = command(arguments, [package])
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert extras.install_command(package) in line
    assert list(tmp_path.iterdir()) == []


def test_a_package_of_the_base_that_is_missing_is_named_too(tmp_path):
    done = command(["check", "--chip", "loihi2", "missing.net"], ["h5py"])
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "h5py" in line


def test_a_module_of_ours_that_is_missing_is_our_bug():
    done = command(["check", "--chip", "loihi2", "missing.net"], ["snnlp_lava.netx.network_file"])
    assert done.returncode == 1
    assert "Traceback" in done.stderr
