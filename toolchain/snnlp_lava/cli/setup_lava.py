"""snnlp-lava setup-lava."""

from __future__ import annotations

import click


@click.command("setup-lava")
@click.option("-y", "--yes", is_flag=True, help="Do not ask for confirmation.")
def command(yes: bool) -> None:
    """Install Lava into the Python environment of this package.

    Lava's two packages declare support for Python 3.10 only, where pip installs them with the extra [lava]. They also
    work on 3.11 to 3.13: this command installs their dependencies, then the two packages by hash, ignoring that limit.
    """
    import importlib.machinery
    import subprocess
    import sys
    import tempfile
    from pathlib import Path

    from snnlp_lava import __version__
    from snnlp_lava.cli.console import print_status
    from snnlp_lava.errors import CheckError, InputError
    from snnlp_lava.lava_compat import LAVA_VERSIONS, LAVA_WHEELS, PIP_REFUSES_LAVA

    # Not importlib.util.find_spec, which for "pip" makes setuptools' finder put the standard library's distutils back.
    if importlib.machinery.PathFinder.find_spec("pip") is None:
        raise InputError(f"pip is not installed for {sys.executable}; type: {sys.executable} -m ensurepip")
    pins = [f"{package}=={version} --hash=sha256:{LAVA_WHEELS[package]}" for package, version in LAVA_VERSIONS.items()]
    with tempfile.TemporaryDirectory() as folder:
        wheels = Path(folder) / "lava.txt"
        wheels.write_text("".join(f"{pin}\n" for pin in pins), "utf-8")
        steps = [["install", f"snnlp-lava[lava]=={__version__}"]]
        if PIP_REFUSES_LAVA:
            alone = ["--no-deps", "--ignore-requires-python", "--only-binary=:all:", "--require-hashes"]
            steps.append(["install", *alone, "-r", str(wheels)])
        print_status(f"this will run for {sys.executable} (and install torch if it is missing):")
        for step in steps:
            print_status(f"  python -m pip {' '.join(step)}")
        if len(steps) > 1:
            print_status("with this lava.txt: " + ", ".join(pins))
        if not yes and not click.confirm("Go on?", err=True):
            raise InputError("nothing was installed")
        for step in steps:
            if subprocess.run([sys.executable, "-m", "pip", "--quiet", *step], check=False).returncode:
                raise CheckError(f"pip {step[0]} failed; see its output above")
    trial = "from snnlp_lava.extras import require; require('lava'); import lava.lib.dl.netx.hdf5"
    done = subprocess.run([sys.executable, "-c", trial], capture_output=True, text=True, check=False)
    if done.returncode:
        raise CheckError(f"Lava is installed but cannot be imported: {(done.stderr.splitlines() or ['?'])[-1]}")
    print_status(f"Lava {LAVA_VERSIONS['lava-nc']} is ready")
