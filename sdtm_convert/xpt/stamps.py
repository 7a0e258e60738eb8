"""Which timestamps the header of a transport file gets."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pandas as pd

from sdtm_convert.clock import now
from sdtm_convert.errors import InputError
from sdtm_convert.xpt.header import Stamp, XptMetadata, format_timestamp


def stamped(metadata: XptMetadata, created: datetime | str | None, modified: datetime | str | None) -> XptMetadata:
    """The metadata with the timestamps that the caller asks for, else with those it has, else with the present."""
    asked = {name: _timestamp(moment) for name, moment in (("created", created), ("modified", modified)) if moment is not None}
    fresh = asked.get("created") or asked.get("modified")
    if fresh is None and None in (metadata.library.created, metadata.library.modified, metadata.member.created, metadata.member.modified):
        fresh = _timestamp(now())

    def anew(stamp: Stamp) -> Stamp:
        known = {"created": stamp.created, "modified": fresh if created is not None else stamp.modified} | asked
        return replace(stamp, **{name: fresh if moment is None else moment for name, moment in known.items()})

    return replace(metadata, library=anew(metadata.library), member=anew(metadata.member))


def _timestamp(moment: datetime | str) -> str:
    try:
        moment = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
        if not isinstance(moment, datetime) or moment is pd.NaT:
            raise ValueError
    except ValueError:
        raise ValueError(f"created or modified {moment!r}: give a datetime or a text such as '2024-01-31T12:00:00'.") from None
    if moment.tzinfo is not None and 1 < moment.year < 9999:  # others would leave Python's calendar
        moment = moment.astimezone(UTC)
    if not 1960 <= moment.year < 2060:
        raise InputError(f"{moment:%Y-%m-%d} as the time of creation: a transport file has two digits for the year, 1960 to 2059.")
    return format_timestamp(moment)
