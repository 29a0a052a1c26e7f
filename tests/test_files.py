import os
import pwd
import stat
import tempfile

import pytest

from snnlp_lava.embed.cache import cache_folder
from snnlp_lava.errors import InputError
from snnlp_lava.files import (
    atomic_file,
    atomic_folder,
    folder_lock,
    home_folder,
    open_npy,
    read_json,
    recover_interrupted,
    remove_folder,
    require_file,
    sha256_of_file,
    write_json,
)
from snnlp_lava.records import load_json, load_toml


def tree(folder):
    """Everything below a folder: files by content, folders by None."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


@pytest.fixture
def umask():
    """A umask that is neither the usual one nor mkstemp's."""
    old = os.umask(0o027)
    yield
    os.umask(old)


def test_a_replaced_file_has_the_new_content_and_the_permissions_of_any_new_file(tmp_path, umask):
    path = tmp_path / "deep" / "er" / "a.txt"
    for content in ("old", "new"):
        with atomic_file(path) as temporary:
            temporary.write_text(content)
            assert temporary.parent == path.parent
            assert not path.exists() or path.read_text() == "old"
        assert path.read_text() == content
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(path.parent.iterdir()) == [path]


def test_a_replaced_folder_has_the_new_content_alone_and_the_permissions_of_any_new_folder(tmp_path, umask):
    path = tmp_path / "models" / "a"
    for name in ("old", "new"):
        with atomic_folder(path) as temporary:
            (temporary / name).write_text(name)
        assert tree(path) == {name: name.encode()}
    assert stat.S_IMODE(path.stat().st_mode) == 0o750
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, InputError, KeyboardInterrupt])
@pytest.mark.parametrize("old", [True, False])
def test_an_exception_leaves_everything_as_it_was(tmp_path, old, error):
    if old:
        (tmp_path / "a").mkdir()
        (tmp_path / "a" / "kept").write_text("old")
        (tmp_path / "b").write_text("old")
    before = tree(tmp_path)
    with pytest.raises(error), atomic_folder(tmp_path / "a") as temporary:
        (temporary / "half").write_text("new")
        raise error
    with pytest.raises(error), atomic_file(tmp_path / "b") as temporary:
        temporary.write_text("half")
        raise error
    assert tree(tmp_path) == before


@pytest.mark.parametrize("replacing", [atomic_file, atomic_folder])
def test_a_disk_that_fails_is_an_input_error_that_names_the_path(tmp_path, replacing):
    with (
        pytest.raises(InputError, match=f"^cannot write {tmp_path}/a: No space left on device"),
        replacing(tmp_path / "a"),
    ):
        raise OSError(28, "No space left on device")
    assert tree(tmp_path) == {}


@pytest.mark.parametrize("replacing", [atomic_file, atomic_folder])
def test_a_place_that_cannot_hold_it_is_an_input_error(tmp_path, replacing):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(InputError, match=f"cannot write {tmp_path}/file/a: "), replacing(tmp_path / "file" / "a"):
        pytest.fail("the block was entered")


def test_a_name_that_the_system_does_not_take_is_an_input_error(tmp_path):
    path = tmp_path / ("x" * 300)
    for writing in (atomic_file(path), atomic_folder(path), folder_lock(path, "run")):
        with pytest.raises(InputError, match=r"^cannot write .*: File name too long$"), writing:
            pytest.fail("the block was entered")
    for read in (require_file, open_npy):
        with pytest.raises(InputError, match=r"^vectors .*: cannot be read: File name too long$"):
            read(path, "vectors")
    assert tree(tmp_path) == {}


@pytest.mark.parametrize("name", ["a", "a[b]"])
def test_what_a_killed_process_left_is_put_right_for_this_folder_alone(tmp_path, name):
    for other in (name, f"{name}.b", "ab"):
        (tmp_path / f".{other}.abcd_123.old").mkdir()
        (tmp_path / f".{other}.abcd_123.tmp").mkdir()
    recover_interrupted(tmp_path / name)
    others = [f".{other}.abcd_123.{kind}" for other in (f"{name}.b", "ab") for kind in ("old", "tmp")]
    assert tree(tmp_path) == dict.fromkeys([name, *others])


def test_a_file_does_not_replace_a_folder(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "kept").write_text("old")
    before = tree(tmp_path)
    with pytest.raises(InputError, match=f"cannot write {tmp_path}/a: "), atomic_file(tmp_path / "a") as temporary:
        temporary.write_text("new")
    assert tree(tmp_path) == before


def test_a_folder_in_the_place_of_a_file_leaves_nothing_else_behind(tmp_path):
    (tmp_path / "a").write_text("old")
    try:
        with atomic_folder(tmp_path / "a") as temporary:
            (temporary / "new").write_text("new")
    except InputError:
        assert tree(tmp_path) == {"a": b"old"}
    else:
        assert tree(tmp_path) == {"a": None, "a/new": b"new"}


def test_json_is_read_as_it_was_written(tmp_path):
    document = {"näme": "😡\n", "list": [1, 2.5, None, True], "empty": {}}
    write_json(tmp_path / "a.json", document)
    assert read_json(tmp_path / "a.json") == document
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"loss": float("nan")})
    assert read_json(tmp_path / "a.json") == document


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", r"a\.json is not JSON: "),
        (b'"\xff"', r"a\.json is not JSON: "),
        (b"[" * 100_000, r"a\.json is not JSON: "),
        (b'{"a": NaN}', r"a\.json is not JSON: NaN is not a number"),
        (b'{"a": "\\ud800"}', r"a\.json is not JSON: .*surrogates"),
        (b"[1]", r"a\.json .*JSON object.* list"),
        (None, r"cannot read .*a\.json: No such file"),
    ],
)
def test_json_that_is_no_object_is_refused(tmp_path, content, message):
    if content is not None:
        (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_json(tmp_path / "a.json")


def test_sha256_is_of_all_bytes(tmp_path):
    (tmp_path / "a").write_bytes(b"a" * 1_000_000)
    (tmp_path / "b").write_bytes(b"a" * ((1 << 20) + 1))
    assert sha256_of_file(tmp_path / "a") == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
    assert sha256_of_file(tmp_path / "b") != sha256_of_file(tmp_path / "a")


def test_a_shared_folder_that_is_there_already_stays_and_nothing_is_left_beside_it(tmp_path):
    with atomic_folder(tmp_path / "a", shared=True) as first:
        (first / "content").write_text("theirs")
        with atomic_folder(tmp_path / "a", shared=True) as second:  # faster than the first
            (second / "content").write_text("ours")
    assert tree(tmp_path) == {"a": None, "a/content": b"ours"}
    remove_folder(tmp_path / "a")
    remove_folder(tmp_path / "a")
    assert tree(tmp_path) == {}


@pytest.mark.parametrize("read", [read_json, lambda path: load_json(path, "run"), lambda path: load_toml(path, "grid")])
def test_a_file_too_large_to_be_a_record_is_refused_before_it_is_read(tmp_path, read):
    with (tmp_path / "a").open("wb") as file:
        file.truncate(30 << 30)  # sparse: uses no disk space
    with pytest.raises(InputError, match=r"/a is larger than [0-9,]+ bytes"):
        read(tmp_path / "a")


def test_no_file_is_written_by_changing_the_umask_of_all_threads(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "umask", lambda mask: pytest.fail("umask was changed"))
    with atomic_file(tmp_path / "a") as file, atomic_folder(tmp_path / "b"):
        file.write_text("a")


def test_without_a_home_there_is_a_private_folder_in_the_temporary_one(tmp_path, monkeypatch):
    def unknown(uid):
        raise KeyError(uid)

    for name in ("HOME", "XDG_CACHE_HOME", "SNNLP_LAVA_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert home_folder() in cache_folder().parents
    assert home_folder().parent == tmp_path
    assert stat.S_IMODE(home_folder().stat().st_mode) == 0o700
    monkeypatch.setattr(os, "getuid", lambda: 54321)
    (tmp_path / "snnlp-lava-54321").mkdir()  # by another user, who could have put anything into it
    with pytest.raises(InputError, match="belongs to another user; set HOME"):
        home_folder()
