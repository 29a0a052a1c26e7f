"""Models by name: to a hub and back over HTTP, against a small hub on this machine; what is refused, in one line."""

import base64
import hashlib
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from snnlp_lava import InputError, SpikingTextClassifier, run_network
from snnlp_lava.predict.load import PACKAGED, network_path
from snnlp_lava.report.hub_card import hub_card

COMMIT = "c" * 40


class Hub(BaseHTTPRequestHandler):
    """As much of the hub as creating a repository, committing small files and downloading one take."""

    repositories: dict[str, dict[str, bytes]]

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Authorization") != "Bearer secret" and self.path != "/api/validate-yaml":
            return self.answer(401, {"error": "Invalid user token."})
        if self.path == "/api/repos/create":
            asked = json.loads(body)
            name = f"{asked['organization']}/{asked['name']}"
            self.repositories.setdefault(name, {})
            return self.answer(200, {"url": f"{self.hub}/{name}"})
        if self.path == "/api/validate-yaml":
            return self.answer(200, {"errors": [], "warnings": []})
        _, _, _, owner, name, action, _ = self.path.split("/")
        if action == "preupload":
            files = [{"path": each["path"], "uploadMode": "regular"} for each in json.loads(body)["files"]]
            return self.answer(200, {"files": [{**each, "shouldIgnore": False} for each in files]})
        for line in body.splitlines():
            operation = json.loads(line)
            if operation["key"] == "file":
                content = base64.b64decode(operation["value"]["content"])
                self.repositories[f"{owner}/{name}"][operation["value"]["path"]] = content
        address = f"{self.hub}/{owner}/{name}/commit/{COMMIT}"
        return self.answer(200, {"commitUrl": address, "commitOid": COMMIT, "success": True})

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        parts = self.path.strip("/").split("/")
        if parts[:2] == ["api", "models"]:
            return self.answer(200, {"id": "/".join(parts[2:4]), "sha": COMMIT})
        owner, name, _, revision, file = parts
        files = self.repositories.get(f"{owner}/{name}")
        if files is None:
            return self.refuse("RepoNotFound")
        if revision not in ("main", COMMIT):
            return self.refuse("RevisionNotFound")
        if file not in files:
            return self.refuse("EntryNotFound")
        tag = hashlib.sha256(files[file]).hexdigest()
        return self.answer(200, files[file], {"ETag": f'"{tag}"', "X-Repo-Commit": COMMIT})

    @property
    def hub(self):
        return f"http://{self.headers['Host']}"

    def refuse(self, code):
        self.answer(404, {"error": code}, {"X-Error-Code": code})

    def answer(self, status, content, headers=()):
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for key, value in {"Content-Length": len(body), "Content-Type": "application/json", **dict(headers)}.items():
            self.send_header(key, str(value))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def hub():
    handler = type("Handler", (Hub,), {"repositories": {"me/empty": {}}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", handler.repositories
    server.shutdown()
    thread.join()
    server.server_close()


def run(program, address, folder, **environment):
    """Run a program of Python with its own cache and no token but what it is given."""
    own = {"HF_ENDPOINT": address, "HF_HOME": str(folder), "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_XET": "1"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", "from snnlp_lava import *\n" + program],
        env={**kept, "NO_PROXY": "127.0.0.1", **own, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def said(calls, *arguments, **environment):
    """What each call prints or is refused with, a line each."""
    steps = "".join(
        f"try:\n    print(SpikingTextClassifier.{call})\nexcept InputError as error:\n    print('refused:', error)\n"
        for call in calls
    )
    done = run(steps, *arguments, **environment)
    lines = done.stdout.splitlines()
    assert len(lines) == len(calls), done.stdout + done.stderr
    return lines


PULL = "from_pretrained('me/cafe').predict(['how much is the soup'])"
PUSH = "load('cafe').push_to_hub('me/cafe', license='mit', token='secret')"


def test_what_is_pushed_comes_back_and_what_the_hub_refuses_is_one_line(hub, tmp_path):
    address, repositories = hub
    refused = {
        "from_pretrained('me/nothing')": "me/nothing: no such repository",
        "from_pretrained('me/empty')": "me/empty: has no network.net",
        "from_pretrained('me/empty', 'v9')": "me/empty: has no revision 'v9'",
        "load('cafe').push_to_hub('me/cafe', token='wrong')": "me/cafe: the Hugging Face hub: ",
    }
    pushed, pulled, *lines = said([PUSH, PULL, *refused], address, tmp_path)
    assert pushed == f"{address}/me/cafe/commit/{COMMIT}"
    assert pulled == "['price']"
    assert set(repositories["me/cafe"]) == {"network.net", "README.md"}
    assert b"license: mit" in repositories["me/cafe"]["README.md"]
    for line, part in zip(lines, refused.values(), strict=True):
        assert line.startswith("refused: model ")
        assert part in line
    assert said([PULL], address, tmp_path, HF_HUB_OFFLINE="1") == ["['price']"]  # from the cache


@pytest.mark.parametrize(
    "environment", [{"HF_HUB_OFFLINE": "1"}, pytest.param({}, marks=pytest.mark.slow)], ids=["offline", "no answer"]
)
def test_without_a_network_it_says_so(tmp_path, environment):
    pull, push = said([PULL, PUSH], "http://127.0.0.1:9", tmp_path, **environment)
    assert "me/cafe" in pull
    assert "cannot be reached" in pull
    assert push.startswith("refused: model me/cafe: the Hugging Face hub: ")


@pytest.mark.parametrize("name", ["cafe", "a/b/c", "../x/y", "me/ca fe", "me/..", "-me/cafe", "", "me/cafe\n"])
def test_a_malformed_name_is_refused_before_anything_is_asked(name):
    with pytest.raises(InputError, match="OWNER/NAME"):
        SpikingTextClassifier.from_pretrained(name)
    with pytest.raises(InputError, match="OWNER/NAME"):
        SpikingTextClassifier.load("cafe").push_to_hub(name)


def test_a_cloned_repository_is_read_from_its_folder(tmp_path):
    SpikingTextClassifier.load("cafe").export(tmp_path / "network.net")
    assert SpikingTextClassifier.from_pretrained(tmp_path).classes_.tolist()[-1] == "unknown"
    with pytest.raises(InputError, match="revision"):
        SpikingTextClassifier.from_pretrained(tmp_path, "main")
    (tmp_path / "network.net").unlink()
    with pytest.raises(InputError, match=r"network\.net"):
        SpikingTextClassifier.from_pretrained(tmp_path)


def test_without_the_client_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(InputError, match=r"snnlp-lava\[hub\]"):
        SpikingTextClassifier.from_pretrained("me/cafe")


def test_the_card_has_the_numbers_of_the_report(tmp_path):
    classifier = SpikingTextClassifier.load("cafe")
    done = run_network(network_path("cafe"), data="cafe")
    card = hub_card("me/cafe", classifier.network, classifier.card, done, "bsd-3-clause")
    assert "license: bsd-3-clause" in card
    assert f"| this network | {done.record.samples} | {done.record.accuracy:.1%} |" in card
    rival = classifier.card.training.baselines["tfidf"].test.accuracy
    assert f"| TF-IDF + logistic regression | 100 | {rival:.1%} |" in card
    assert f"| {done.record.synops / done.record.samples:,.0f} |" in card
    assert "Loihi 1, published figures" in card
    assert "| Loihi 1 | 1 of 128 | yes |" in card
    assert classifier.card.training.data.sha256 in card
    without = hub_card("me/cafe", classifier.network, classifier.card)
    assert "Not measured" in without
    assert "not stated" in without
    with pytest.raises(InputError, match="another network"):
        hub_card("me/cafe", classifier.network, classifier.card, run_network(network_path("demo"), texts=["a"]))


@pytest.mark.parametrize("name", PACKAGED)
def test_an_included_network_was_trained_on_the_included_texts(name):
    """And the file of the package has the accuracy on its card, which is above the baseline's."""
    card = SpikingTextClassifier.load(name).card
    done = run_network(network_path(name), data=name)
    assert card.training.data.name == name
    assert done.record.accuracy == pytest.approx(card.training.scores.test.accuracy, abs=1e-9)
    assert done.record.accuracy > card.training.baselines["tfidf"].test.accuracy
