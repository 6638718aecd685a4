"""Where kubehop keeps its files, and whose they are: one rule for whoever starts a cluster or looks for it.

They are where the XDG Base Directory Specification has them: below `XDG_STATE_HOME` and `XDG_CACHE_HOME`
where these are absolute paths, else below the home of the person who asked, also when sudo runs us.
"""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import platformdirs


def caller() -> pwd.struct_passwd:
    """Return the account of the person who asked, also when sudo runs us as root."""
    told = os.environ.get("SUDO_UID", "")
    uid = int(told) if os.geteuid() == 0 and told.isdecimal() else os.getuid()
    try:
        return pwd.getpwuid(uid)
    except KeyError:  # in some containers nobody wrote it down
        return pwd.struct_passwd((str(uid), "x", uid, os.getgid(), "", str(Path.home()), "/bin/sh"))


def state_home() -> Path:
    """Return the folder in which every program keeps its state: `XDG_STATE_HOME`, or what stands for it."""
    return _of_caller(platformdirs.user_state_path(), "XDG_STATE_HOME")


def state_root() -> Path:
    """Return the folder of everything that lives as long as a cluster, and of learners' progress."""
    return (state_home() / "kubehop").resolve()  # as the kernel tells it, in the list of mounts


def cache_root() -> Path:
    """Return the folder of what is built once: component binaries and images."""
    return (_of_caller(platformdirs.user_cache_path(), "XDG_CACHE_HOME") / "kubehop").resolve()


def _of_caller(path: Path, variable: str) -> Path:
    """Move a folder from our own home to that of the person who asked, unless a variable chose it."""
    person, own = caller(), Path.home()
    chosen = Path(os.environ.get(variable, "")).is_absolute()
    if chosen or person.pw_uid == os.getuid() or not path.is_relative_to(own):
        return path
    return Path(person.pw_dir) / path.relative_to(own)
