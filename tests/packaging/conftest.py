"""The wheel, built once a run, and a bare environment that holds it, what it requires, and nothing else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from importlib import metadata
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from filelock import FileLock
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
SOURCES = ("workflow_fsm", "webapp", "tests")
BUILDER = Requirement("setuptools>=77")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheel:
    """The file that `pip install` would get."""

    path: Path

    def files(self) -> set[str]:
        """Name the files in it."""
        with ZipFile(self.path) as archive:
            return set(archive.namelist())

    def read(self, name: str) -> str:
        """Read one of the files that describe it."""
        with ZipFile(self.path) as archive:
            [found] = (each for each in archive.namelist() if each.endswith(f".dist-info/{name}"))
            return archive.read(found).decode()

    @property
    def metadata(self) -> Message:
        """What it says of itself."""
        return Parser().parsestr(self.read("METADATA"))

    def requirements(self, extra: str = "") -> set[str]:
        """Name all distributions that it requires here, with an extra or without, and that those require."""
        return set(_closure(self.metadata.get_all("Requires-Dist", []), extra))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bare:
    """A virtual environment in which the wheel was installed as users without extras install it."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def run(self, *command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run a command of the environment's, in its own words: no variable of ours reaches it."""
        program, *arguments = command
        return subprocess.run(
            [self.folder / "bin" / program, *arguments],
            cwd=cwd,
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
        )

    def tell(self, script: str, *, cwd: Path) -> Any:
        """Run a script in it; give the JSON that it printed."""
        done = self.run("python", "-c", script, cwd=cwd)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel and the environment, in the one of the test processes that asks first."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "built"
    with FileLock(f"{folder}.lock"):
        if not (folder / "whole").exists():
            shutil.rmtree(folder, ignore_errors=True)  # another process failed half-way
            wheel = Wheel(path=_build(folder))
            _install(wheel, folder / "bare")
            (folder / "whole").touch()
    return folder


@pytest.fixture(scope="session")
def wheel(built: Path) -> Wheel:
    [path] = built.glob("*.whl")
    return Wheel(path=path)


@pytest.fixture(scope="session")
def bare(built: Path) -> Bare:
    return Bare(folder=built / "bare")


def _build(folder: Path) -> Path:
    """Build from a copy of the sources, so that neither an earlier build nor a later one is touched."""
    source = folder / "source"
    for name in SOURCES:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in ROOT.iterdir():
        if path.is_file() and path.suffix in {".cfg", ".toml", ".md", ".in", ""}:
            shutil.copy(path, source)
    here = _installed(BUILDER.name)
    isolation = ["--no-isolation"] if here and Version(here.version) in BUILDER.specifier else []
    _call("build", "--wheel", *isolation, "--outdir", folder, source)
    [path] = folder.glob("*.whl")
    return path


def _install(wheel: Wheel, folder: Path) -> None:
    """Install the wheel in an environment whose other packages are links to those that are here already."""
    venv.create(folder, symlinks=True, with_pip=False)
    into = ("--disable-pip-version-check", "--python", folder / "bin" / "python")
    _call("pip", *into, "install", "--no-deps", "--no-index", "--no-compile", wheel.path)
    [packages] = folder.glob("lib/python*/site-packages")
    for name in wheel.requirements():
        _link(metadata.distribution(name), packages)


def _call(module: str, *arguments: str | Path) -> None:
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50)
    assert done.returncode == 0, done.stdout + done.stderr


def _link(distribution: metadata.Distribution, packages: Path) -> None:
    assert distribution.files is not None, f"{distribution.name} has no list of its files"
    for top in {file.parts[0] for file in distribution.files} - {"..", "__pycache__"}:
        (packages / top).symlink_to(Path(str(distribution.locate_file(top))))


def _closure(requirements: Iterable[str], extra: str = "") -> Iterator[str]:
    """Follow requirements to the end; a distribution that is there twice is gone through once."""
    seen: set[tuple[str, str]] = set()
    open_ends = [(Requirement(text), extra) for text in requirements]
    while open_ends:
        requirement, asked = open_ends.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": asked}):
            continue
        name = canonicalize_name(requirement.name)
        for each in {"", *requirement.extras}:
            if (name, each) not in seen:
                seen.add((name, each))
                found = metadata.requires(name) or []
                open_ends.extend((Requirement(text), each) for text in found)
        yield name


def _installed(name: str) -> metadata.Distribution | None:
    return next(iter(metadata.distributions(name=name)), None)
