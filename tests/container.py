"""Reads a Dockerfile and plays its COPY and RUN steps in a folder, for machines without a container engine.

Covers what our Dockerfile uses: stages, WORKDIR, COPY with and without --from, RUN in shell form. Absolute paths
become paths under the stage's folder, and `python` is that of a fresh virtual environment.
"""

import fnmatch
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath


@dataclass(frozen=True)
class Step:
    """One instruction: its upper-case name and the rest, with continued lines joined."""

    name: str
    rest: str


def steps(text: str) -> tuple[Step, ...]:
    """The instructions of a Dockerfile, comments left out."""
    joined = re.sub(r"\\\n\s*", " ", "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#")))
    words = (line.split(None, 1) for line in joined.splitlines() if line.strip())
    return tuple(Step(name.upper(), rest[0].strip() if rest else "") for name, *rest in words)


def stages(text: str) -> tuple[tuple[Step, ...], ...]:
    """The instructions, cut before each FROM."""
    cut: list[list[Step]] = []
    for step in steps(text):
        if step.name == "FROM":
            cut.append([])
        cut[-1].append(step)
    return tuple(map(tuple, cut))


def copies(stage: tuple[Step, ...]) -> tuple[tuple[str | None, tuple[str, ...], str], ...]:
    """Each COPY as (stage copied from or None for the checkout, sources, destination)."""
    found = []
    for words in (step.rest.split() for step in stage if step.name == "COPY"):
        origin = next((word.removeprefix("--from=") for word in words if word.startswith("--from=")), None)
        *sources, destination = (word for word in words if not word.startswith("--"))
        found.append((origin, tuple(sources), destination))
    return tuple(found)


def is_ignored(path: str, rules: str) -> bool:
    """Whether .dockerignore keeps a path of the checkout from the builder: the last rule that matches decides."""
    ignored = False
    lineage = [path, *map(str, PurePosixPath(path).parents)]
    for line in rules.splitlines():
        rule = line.strip()
        if not rule or rule.startswith("#"):
            continue
        pattern = rule.removeprefix("!")
        if any(fnmatch.fnmatch(part, pattern) or fnmatch.fnmatch(f"/{part}", pattern) for part in lineage):
            ignored = not rule.startswith("!")
    return ignored


@dataclass
class Player:
    """Plays stages under `root`; `checkout` is the build context."""

    root: Path
    checkout: Path
    rules: str
    folders: dict[str, Path] = field(default_factory=dict)

    def play(self, stage: tuple[Step, ...]) -> Path:
        """Carry out one stage; gives its virtual environment. Raises CalledProcessError when a RUN fails."""
        name = match.group(1) if (match := re.search(r"\sAS\s+(\w+)$", stage[0].rest)) else "final"
        home = self.folders[name] = self.root / name
        home.mkdir()
        environment = home / "venv"
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        work = home
        for step in stage:
            match step.name:
                case "WORKDIR":
                    work = self.inside(home, work, step.rest)
                    work.mkdir(parents=True, exist_ok=True)
                case "COPY":
                    self.copy(step, home, work)
                case "RUN":
                    self.run(step, home, work, environment)
                case _:
                    pass  # the others leave the file system alone
        return environment

    @staticmethod
    def inside(home: Path, work: Path, path: str) -> Path:
        """Where a path of the container lies under the stage's folder."""
        return home / path.lstrip("/") if path.startswith("/") else work / path

    def copy(self, step: Step, home: Path, work: Path) -> None:
        """COPY, from the checkout or from an earlier stage."""
        [(origin, sources, destination)] = copies((step,))
        target = self.inside(home, work, destination)
        for source in sources:
            found = self.folders[origin] / source.lstrip("/") if origin else self.checkout / source
            if found.is_dir():
                shutil.copytree(found, target, ignore=shutil.ignore_patterns("__pycache__"))
                continue
            into = target / found.name if destination.endswith("/") else target
            into.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(found, into)

    @staticmethod
    def run(step: Step, home: Path, work: Path, environment: Path) -> None:
        """RUN in the virtual environment; only root can give a folder to another user, so others pass that by."""
        if "-o 10001" in step.rest and os.geteuid() != 0:
            return
        command = re.sub(r"(?<=\s)/(?=\w)", f"{home}/", step.rest)
        path = f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}"
        variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"PATH": path}
        done = subprocess.run(
            ["sh", "-c", command], cwd=work, env=variables, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"RUN {step.rest}\n{done.stdout}\n{done.stderr}"
