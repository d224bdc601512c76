"""A wall around a folder, by Linux itself: Landlock (docs.kernel.org/userspace-api/landlock.html).

Behind it this process, and what it starts, changes no file outside the folder, in whichever language it is written.
"""

import ctypes
import os
import sys
from pathlib import Path

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # system calls, the same on every processor
VERSION = 1  # flag of CREATE_RULESET: say how much of it there is
NO_NEW_PRIVILEGES = 38  # of prctl; without it the kernel walls in nobody but root
PATH_BENEATH = 1
WRITE_FILE = 1 << 1
CHANGES = WRITE_FILE | sum(1 << bit for bit in range(4, 13))
"""Write, remove files and folders, make anything."""
REFER, TRUNCATE = 1 << 13, 1 << 14  # since versions 2 and 3
TCP = 0b11  # bind and connect, since version 4


class _Ruleset(ctypes.Structure):
    _fields_ = [("files", ctypes.c_uint64), ("network", ctypes.c_uint64)]


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32)]


def wall_in(folder: Path) -> bool:
    """Let this process change nothing outside `folder`, for good; whether this system can do that.

    Holds for the calling thread and for those that it starts: call it before there are others. Reading stays free.
    """
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), VERSION)
    if version < 1:
        return False
    files = CHANGES | (REFER if version >= 2 else 0) | (TRUNCATE if version >= 3 else 0)
    wanted = _Ruleset(files, TCP)
    known = ctypes.sizeof(wanted) if version >= 4 else ctypes.sizeof(ctypes.c_uint64)  # older ones know only files
    rules = libc.syscall(CREATE_RULESET, ctypes.byref(wanted), ctypes.c_size_t(known), 0)
    if rules < 0:
        return False
    try:
        allowed = [(str(folder), files), (os.devnull, WRITE_FILE | (files & TRUNCATE))]
        return all(_allow(libc, rules, path, what) for path, what in allowed) and (
            libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0 and libc.syscall(RESTRICT_SELF, rules, 0) == 0
        )
    finally:
        os.close(rules)


def _allow(libc: ctypes.CDLL, rules: int, path: str, what: int) -> bool:
    opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = _Beneath(what, opened)
        return libc.syscall(ADD_RULE, rules, PATH_BENEATH, ctypes.byref(rule), 0) == 0
    finally:
        os.close(opened)
