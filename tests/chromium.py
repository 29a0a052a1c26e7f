"""Pages in headless Chromium, with nothing but its command line."""

import json
import re
import shutil
import subprocess

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (apt-get install chromium)")
_FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--enable-logging=stderr"),
]
_POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')


def opened(page, tmp_path, *flags):
    """What a page is after its scripts have run, as HTML, and the messages of its console."""
    command = [CHROMIUM, *_FLAGS, f"--user-data-dir={tmp_path / 'profile'}", *flags, "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, re.findall(r'CONSOLE[^"]*"(.*)", source', done.stderr)


def found_in(page, tmp_path, script, *flags):
    """What a script finds at the end of a page, there without its policy: the value of its `return`."""
    text = _POLICY.sub("", page.read_text("utf-8"))
    path = tmp_path / "test.html"
    shown = (
        f"const found = JSON.stringify((() => {{ {script} }})());"
        "document.body.innerHTML = ''; const pre = document.createElement('pre'); pre.id = 'found';"
        "pre.textContent = found; document.body.append(pre);"
    )
    path.write_text(text.replace("</body>", f"<script>{shown}</script></body>"), "utf-8")
    html, messages = opened(path, tmp_path, *flags)
    found = re.search(r'<pre id="found">(.*?)</pre>', html, re.DOTALL)
    assert found, (messages, html[-2000:])
    return json.loads(found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
