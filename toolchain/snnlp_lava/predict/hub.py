"""Download a network from the Hugging Face hub, and upload one with its card."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from snnlp_lava.errors import InputError, one_line
from snnlp_lava.extras import require
from snnlp_lava.files import StrPath, as_path

if TYPE_CHECKING:
    from snnlp_lava.network.network import Network
    from snnlp_lava.netx.card import Card
    from snnlp_lava.run.folder import Run

NETWORK_FILE = "network.net"
"""The file of a repository that holds its network; README.md, its card, is for people."""
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


def find_network(name: StrPath, revision: str | None = None) -> Path:
    """Return the path of a repository's network file, downloading it unless it is in the hub's cache.

    Only this file is downloaded: it holds arrays and a JSON card, and nothing in it is executed. Arguments and errors
    as `SpikingTextClassifier.from_pretrained`.
    """
    name, folder = str(name), as_path(name)
    if name and not _NAME.fullmatch(name) and folder.is_dir():  # a folder OWNER/NAME would silently replace the hub
        if revision is not None:
            raise InputError(f"revision {revision!r} does not apply to the folder {folder}; check it out there")
        if not (folder / NETWORK_FILE).is_file():
            raise InputError(
                f"folder {folder}: has no {NETWORK_FILE}; SpikingTextClassifier.load() reads model folders"
            )
        return folder / NETWORK_FILE
    name = _repository(name)
    require("huggingface_hub")
    with _hub_errors(name, revision):
        from huggingface_hub import hf_hub_download

        return Path(hf_hub_download(name, NETWORK_FILE, revision=revision))


def upload_network(
    name: str,
    network: Network,
    card: Card,
    *,
    run: Run | None = None,
    license: str | None = None,  # noqa: A002 (as the hub calls it)
    private: bool = False,
    token: str | None = None,
) -> str:
    """Upload a network file and its card in one commit, creating the repository if needed; return the commit's address.

    Arguments and errors as `SpikingTextClassifier.push_to_hub`.
    """
    from snnlp_lava.netx.network_file import write_network
    from snnlp_lava.report.hub_card import hub_card

    name = _repository(name)
    require("huggingface_hub")
    text = hub_card(name, network, card, run, license)
    with tempfile.TemporaryDirectory() as folder:
        write_network(Path(folder) / NETWORK_FILE, network, card)
        (Path(folder) / "README.md").write_text(text, "utf-8")
        with _hub_errors(name):
            from huggingface_hub import HfApi

            api = HfApi(token=token)
            api.create_repo(name, private=private, exist_ok=True)
            commit = api.upload_folder(repo_id=name, folder_path=folder, commit_message="Upload network and card")
    return str(commit.commit_url)


def _repository(name: str) -> str:
    if not _NAME.fullmatch(name) or ".." in name or "--" in name:
        raise InputError(f"model {name!r}: must be OWNER/NAME, of letters, digits and single - . _")
    return name


@contextmanager
def _hub_errors(name: str, revision: str | None = None) -> Iterator[None]:
    """Report what the hub's client raises in one line."""
    from huggingface_hub import errors

    try:
        yield
    except errors.RevisionNotFoundError as error:
        raise InputError(f"model {name}: has no revision {revision!r} on the Hugging Face hub") from error
    except errors.RepositoryNotFoundError as error:
        raise InputError(
            f"model {name}: no such repository on the Hugging Face hub, or it is private (set HF_TOKEN)"
        ) from error
    except errors.LocalEntryNotFoundError as error:
        raise InputError(
            f"model {name}: is not in the cache, and the Hugging Face hub cannot be reached; check the network"
        ) from error
    except errors.EntryNotFoundError as error:
        raise InputError(f"model {name}: has no {NETWORK_FILE}, so push_to_hub() did not write it") from error
    except Exception as error:  # the client, and the HTTP libraries below it, raise many kinds of errors
        raise InputError(f"model {name}: the Hugging Face hub: {one_line(error)}") from error
