"""A file or a module of handlers, as the `Worker` in it."""

import importlib
import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType

from pawl.errors import PawlError
from pawl.worker.app import Worker


class NoHandlers(PawlError):
    """A file or module that cannot be loaded, or that has no `Worker`."""


def load(places: tuple[str, ...]) -> Worker:
    """Return one worker with the handlers of all places, each a file or a module (`shop.effects`).

    Raises `NoHandlers`; what the module itself raises is chained.
    """
    app = Worker()
    for place in places:
        for found in _workers(place, _module(place)):
            try:
                app.include(found)
            except ValueError as error:
                raise NoHandlers(f"{place}: {error}", code="two_handlers") from error
    return app


def _module(place: str) -> ModuleType:
    file = Path(place)
    is_file = file.suffix == ".py" or file.is_file()
    if is_file and not file.is_file():
        raise NoHandlers(f"{place}: no such file", code="no_handlers")
    if is_file and file.suffix != ".py":
        raise NoHandlers(
            f"{place} is not a Python file",
            code="no_handlers",
            hint="Name the file with the handlers; the database knows the machines.",
        )
    try:
        return _of_file(file) if is_file else _of_name(place)
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and error.name == place:
            raise NoHandlers(
                f"there is no module {place}",
                code="no_handlers",
                hint=f"A file is named with its ending: {place}.py.",
            ) from error
        raise NoHandlers(
            f"{place} cannot be loaded: {type(error).__name__}: {error}{_raised_at(error)}",
            code="handlers_broken",
            hint="`python` with the same file or module shows how it came there.",
        ) from error


def _raised_at(error: Exception) -> str:
    """The line of the user's code that raised, as " (handlers.py:3)"; empty if there is none."""
    ours = str(Path(__file__).parents[1])
    frames = [
        f"{Path(frame.filename).name}:{frame.lineno}"
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith((ours, "<frozen")) and "importlib" not in frame.filename
    ]
    return f" ({frames[-1]})" if frames else ""


def _of_file(file: Path) -> ModuleType:
    """Import a file; modules beside it can be imported by it, as when Python runs it."""
    folder = str(file.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    name = f"pawl_handlers_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None, "a .py file has a loader"
    assert spec.loader is not None, "a .py file has a loader"
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def _of_name(name: str) -> ModuleType:
    if "" not in sys.path and (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
    return importlib.import_module(name)


def _workers(place: str, module: ModuleType) -> list[Worker]:
    found = {id(value): value for value in vars(module).values() if isinstance(value, Worker)}
    if not found:
        raise NoHandlers(
            f"{place} has no Worker",
            code="no_handlers",
            hint="Write `app = Worker()` at its top level, and `@app.effect(name)` before each "
            "handler.",
        )
    return list(found.values())
