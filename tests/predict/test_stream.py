"""The pipe: every line is answered or refused, in order, whatever the others are."""

import contextlib
import io
import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnlp_lava.predict.stream import MAX_LINE_BYTES, answers, read_lines


class Chunks(io.RawIOBase):
    """A stream that gives its content in pieces of any size."""

    def __init__(self, content, sizes):
        self.content, self.sizes, self.place = content, sizes or [1], 0

    def read(self, size=-1):
        step = self.sizes[self.place % len(self.sizes)]
        self.place += 1
        piece, self.content = self.content[:step], self.content[step:]
        return piece


@given(
    st.lists(st.binary(max_size=20).filter(lambda line: b"\n" not in line), max_size=20),
    st.lists(st.integers(1, 30), max_size=5),
    st.booleans(),
)
def test_every_line_is_read_once_in_order(lines, sizes, ended):
    content = b"\n".join(lines) + (b"\n" if lines and ended else b"")
    expected = content.split(b"\n")
    expected = expected[:-1] if expected[-1] == b"" else expected
    read = [line for batch in read_lines(Chunks(content, sizes)) for line in batch]
    assert len(read) == len(expected)
    for line, raw in zip(read, expected, strict=True):
        try:
            assert line.text == raw.removesuffix(b"\r").decode("utf-8")
        except UnicodeDecodeError:
            assert line.text is None
            assert "UTF-8" in line.refusal


def test_a_line_without_end_is_refused_and_the_next_is_read():
    content = b"a\n" + b"x" * (MAX_LINE_BYTES + 10) + b"\nb\n" + b"y" * (3 * MAX_LINE_BYTES)
    read = [line for batch in read_lines(Chunks(content, [1 << 16])) for line in batch]
    assert [line.text for line in read] == ["a", None, "b", None]


def test_answers_are_lines_with_label_probability_and_text(fitted):
    batch = [line for lines in read_lines(io.BytesIO(b"lovely soup\n\n\xff\nrude\twaiter")) for line in lines]
    plain = [line.split("\t") for line in answers(fitted.predictor, fitted.classes_, batch, None, as_json=False)]
    assert [row[0] for row in plain] == ["praise", "unknown", "error", "complaint"]
    assert [row[2] for row in plain][3] == "rude waiter"
    rows = [json.loads(line) for line in answers(fitted.predictor, fitted.classes_, batch, None, as_json=True)]
    assert rows[0]["label"] == "praise"
    assert rows[0]["classes"]["praise"] == rows[0]["probability"]
    assert rows[0]["synops"] > 0
    assert "UTF-8" in rows[2]["error"]


@pytest.fixture
def pipe(fitted, tmp_path):
    fitted.export(tmp_path / "x.net")
    command = [sys.executable, "-m", "snnlp_lava.cli.main", "predict", str(tmp_path / "x.net"), "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        yield process
        process.kill()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()


def test_a_service_can_talk_to_it(pipe):
    for text, label in (("lovely soup", "praise"), ("rude waiter", "complaint"), ("zzz", "unknown")):
        pipe.stdin.write(text.encode() + b"\n")
        pipe.stdin.flush()
        assert pipe.stdout.readline().split(b"\t")[0].decode() == label  # before anything more is sent
    pipe.stdin.close()
    assert pipe.wait(30) == 0


def test_a_reader_that_goes_away_ends_it_quietly(pipe):
    pipe.stdout.close()
    with contextlib.suppress(BrokenPipeError):
        for _ in range(2000):
            pipe.stdin.write(b"lovely soup and a lot more of it to fill the pipe\n" * 100)
            pipe.stdin.flush()
    pipe.wait(60)
    assert b"Traceback" not in pipe.stderr.read()
