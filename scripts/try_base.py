"""Use an installation without any extra: from Python and on the command line. Called by scripts/try-pythons."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import snnlp_lava

for package in ("torch", "lava", "sklearn", "sentence_transformers"):
    assert importlib.util.find_spec(package) is None, f"{package} is installed, so this is no base"


def command(*arguments: str, code: int = 0) -> str:
    """Run snnlp-lava and give back what it printed."""
    done = subprocess.run(
        [Path(sys.executable).parent / "snnlp-lava", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == code, f"{arguments}: {done.stderr}"
    assert "Traceback" not in done.stderr
    return done.stdout if code == 0 else done.stderr


network = sys.argv[1]
snnlp_lava.write_nir("one.nir", snnlp_lava.read_network(network).network, snnlp_lava.read_network(network).card)
command("import", "one.nir", "-o", "back.net")
for file in (network, "back.net"):
    found = json.loads(command("run", file, "--text", "i feel so happy today, what a lovely surprise", "--json"))
    assert found["predictions"] == [2], found["predictions"]
command("run", network, "--data", "demo", "--limit", "20", "-o", "found")
command("report", "found", "-o", "found.json")
assert json.loads(command("check", network, "--chip", "loihi1", "--json"))
assert command("predict", "demo", "i love you so much").startswith("love\t")
(example,) = re.findall(r"```python\n(.*?)```", Path(sys.argv[2]).read_text("utf-8"), re.DOTALL)[:1]
subprocess.run([sys.executable, "-c", example], check=True, stdout=subprocess.DEVNULL)
command("train", "--data", "demo", "--method", "spike-embedding", "-o", "model")
command("export", "model", "-o", "own.net")
command("run", "own.net", "--data", "demo", "--limit", "20", "-o", "own")
command("predict", "own.net", "what a lovely surprise")
assert "pip install" in command("report", "found", "-o", "found.html", code=2)
assert "snnlp-lava" in command("verify", network, "--data", "demo", "--limit", "2", code=2)
