"""CODEOWNERS: who owns a file, by the rules of GitHub and GitLab (the last line that matches wins).

https://docs.github.com/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners
https://docs.gitlab.com/user/project/codeowners/reference/
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pathspec

PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")


@dataclass(frozen=True, slots=True)
class _Rule:
    pattern: pathspec.GitIgnoreSpec
    flat: bool
    """Whether it names the files of a folder, not those of the folders in it, as `docs/*` does here."""
    owners: str

    def matches(self, path: str) -> bool:
        folder = path.rpartition("/")[0]
        return self.pattern.match_file(path) and not (self.flat and folder and self.pattern.match_file(folder))


def open_owners(root: Path) -> Callable[[str], str] | None:
    """A function from a posix path to its owners, "" where nobody is named; None where the project has no such file."""
    for place in PLACES:
        try:
            text = (root / place).read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        rules = _rules(text)
        rules.reverse()
        return lambda path: next((rule.owners for rule in rules if rule.matches(path)), "")
    return None


def _rules(text: str) -> list[_Rule]:
    rules: list[_Rule] = []
    default = ""
    for raw in text.splitlines():
        line = raw.partition(" #")[0].strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith(("[", "^[")):  # a section of GitLab; its owners are those of lines that name none
            default = " ".join(word for word in line.split() if word.startswith("@") or "@" in word[1:])
            continue
        pattern, *owners = line.replace("\\ ", "\0").split()
        pattern = pattern.replace("\0", "\\ ")
        rules.append(
            _Rule(pathspec.GitIgnoreSpec.from_lines([pattern]), pattern.endswith("/*"), " ".join(owners) or default)
        )
    return rules
