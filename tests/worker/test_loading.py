"""Files and modules of handlers."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pawl.worker.loading import NoHandlers, load

HANDLERS = "from pawl import Worker\napp = Worker()\n@app.effect('{}')\ndef f(task): ...\n"


def write(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


@pytest.fixture(autouse=True)
def _path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))


def test_several_files_are_one_worker(tmp_path: Path) -> None:
    files = [write(tmp_path, f"{name}.py", HANDLERS.format(name)) for name in ("mail", "pay")]
    assert load(tuple(files)).effects == ("mail", "pay")


def test_a_file_may_import_what_lies_beside_it(tmp_path: Path) -> None:
    write(tmp_path, "beside_it.py", HANDLERS.format("mail"))
    file = write(tmp_path, "handlers.py", "from beside_it import app\n")
    assert load((file,)).effects == ("mail",)


def test_a_module_is_found_from_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "shop_effects.py", HANDLERS.format("mail"))
    monkeypatch.chdir(tmp_path)
    assert load(("shop_effects",)).effects == ("mail",)


def test_a_module_that_is_not_there_may_be_a_file() -> None:
    with pytest.raises(NoHandlers, match="there is no module no_such_handlers") as caught:
        load(("no_such_handlers",))
    assert (caught.value.code, caught.value.hint) == (
        "no_handlers",
        "A file is named with its ending: no_such_handlers.py.",
    )


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("x = 1\n", "no_handlers", "has no Worker"),
        ("import nowhere_at_all\n", "handlers_broken", r"ModuleNotFoundError.* \(handlers.py:1\)"),
        ("def\n", "handlers_broken", "SyntaxError"),
        (
            HANDLERS.format("mail").replace("task", ""),
            "handlers_broken",
            "first parameter, the task",
        ),
        (
            HANDLERS.format("mail").replace("task", "to: str, n: int = 1"),
            "handlers_broken",
            r"f: the task comes first: write \(task, to: str, n: int = 1\)",
        ),
        (
            HANDLERS.format("mail").replace("('mail')", ""),
            "handlers_broken",
            r"""written with the effect's name: @app.effect\("send_email"\)""",
        ),
    ],
)
def test_a_file_that_cannot_serve_is_refused_by_name(
    tmp_path: Path, text: str, code: str, message: str
) -> None:
    file = write(tmp_path, "handlers.py", text)
    with pytest.raises(NoHandlers, match=message) as caught:
        load((file,))
    assert caught.value.code == code
    assert file in str(caught.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoHandlers, match="no such file"):
        load((str(tmp_path / "handlers.py"),))


def test_a_file_that_is_not_python_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path, "order.machine.yaml", "machine: order")
    with pytest.raises(NoHandlers, match=r"order\.machine\.yaml is not a Python file"):
        load((file,))


def test_two_handlers_of_one_effect_are_refused(tmp_path: Path) -> None:
    files = [write(tmp_path, f"{name}.py", HANDLERS.format("mail")) for name in ("a", "b")]
    with pytest.raises(NoHandlers, match="two handlers for the same effect: mail") as caught:
        load(tuple(files))
    assert caught.value.code == "two_handlers"
