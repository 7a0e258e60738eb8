"""The present, or the time that a reproducible build is told to take for it."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from .errors import InputError


def now() -> datetime:
    """The environment's SOURCE_DATE_EPOCH (seconds since 1970), else the present; in UTC, so that a time zone changes no byte.

    Raises InputError for a SOURCE_DATE_EPOCH that is no whole number of at most 11 digits.
    """
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not epoch:
        return datetime.now(UTC)
    if not (epoch.isascii() and epoch.isdecimal()) or len(epoch) > 11:
        raise InputError(f"SOURCE_DATE_EPOCH={epoch!r}: is no whole number of seconds since 1970.")
    return datetime.fromtimestamp(int(epoch), UTC)
