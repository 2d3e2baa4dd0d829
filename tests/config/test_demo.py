from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from django.core.management import CommandError
from django.test import override_settings

from config.management.commands import demo


def test_require_free_names_a_taken_port_and_the_next_one() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]

        with pytest.raises(CommandError) as error:
            demo.require_free(port)

    assert str(error.value) == (
        f"Port {port} is taken by another program. Choose another one: make demo PORT={port + 1}"
    )


def test_require_free_refuses_what_is_no_port() -> None:
    with pytest.raises(CommandError) as error:
        demo.require_free(70000)

    assert str(error.value) == "70000 is not a port; choose one between 1024 and 65535: make demo PORT=8001"


def test_second_demo_on_the_same_data_says_where_the_first_is(tmp_path: Path) -> None:
    with (
        demo.only_one(tmp_path, address="http://localhost:8000"),
        pytest.raises(CommandError) as error,
        demo.only_one(tmp_path, address="http://localhost:9000"),
    ):
        pass

    assert str(error.value) == (
        f"The demo already runs on this folder: http://localhost:8000 (process {os.getpid()}). Ctrl-C there stops it."
    )


def test_demo_says_which_folder_cannot_be_written(tmp_path: Path) -> None:
    occupied = tmp_path / "data"
    occupied.write_text("a file where a folder should be")

    with pytest.raises(CommandError) as error, demo.only_one(occupied, address="http://localhost:8000"):
        pass

    assert str(error.value) == f"The demo keeps its data in {occupied}, which cannot be written: File exists."


@override_settings(DEBUG=False)
def test_demo_refuses_a_real_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "set, as in an installation")

    with pytest.raises(CommandError, match="This is a real installation"):
        demo.refuse_real_installation()


def test_demo_environment_leaves_what_is_set_already(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SITE_URL", "https://news.example.com")
    monkeypatch.delenv("DEBUG", raising=False)

    environment = demo.demo_environment(9000)

    assert (environment["SITE_URL"], environment["DEBUG"]) == ("https://news.example.com", "1")
