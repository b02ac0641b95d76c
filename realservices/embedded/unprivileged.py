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
    installation = copies / "installation"
    if not installation.is_dir():
        half = copies / f"installation.{os.getpid()}"
        shutil.copytree(binaries.parent, half, symlinks=True)
        who.own(half)
        half.replace(installation)
    return installation / binaries.name
