"""Exceptions and warnings. What to do about one stands in its notes, which a traceback shows."""

from __future__ import annotations


class ParcapError(Exception):
    """Something went wrong. Nothing was committed, unless the message says otherwise."""


class UsageError(ParcapError, ValueError):
    """Arguments are wrong, or do not go together."""


class SettingsDiffer(UsageError):
    """The lake was made with settings that the new rows would not fit."""


class LakeError(ParcapError, OSError):
    """The operating system refused something, such as to write to the lake."""


class LakeBusy(ParcapError):
    """Another run holds the lake: try later, or wait with ``wait="10m"``."""


class DamagedError(ParcapError):
    """Captures are damaged or refused, and that was not allowed."""


class DamageWarning(UserWarning):
    """A capture is damaged or was refused. The packets before the damage were read."""
