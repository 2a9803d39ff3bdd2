"""The command ``parcap``, as pip installs it."""

from __future__ import annotations

import signal
import sys

from parcap import _parcap


def main() -> None:
    """Runs the command line of this process, and ends with its exit status."""
    # Python's handler would only note the signal, for a time when no Rust runs. The command has handlers of its own.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(_parcap.main(["parcap", *sys.argv[1:]]))
