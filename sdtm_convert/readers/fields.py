"""The names of a raw file's fields, read without its data where the format allows: a specification is checked before data are."""

from __future__ import annotations

from pathlib import Path

from . import read_raw
from .raw import Options, header_names
from .text import MARKS, SAMPLE, TAB, _declared_delimiter, _find_delimiter, _header, read_text

HEAD = 16 * SAMPLE  # bytes of a text file that are looked at for its header


def read_fields(path: Path, **options) -> tuple[str, ...]:
    """The field names of a raw file, in order. `options` as of `read_raw`; InputError as there."""
    from . import SUFFIXES

    path = Path(path)
    if SUFFIXES.get(path.suffix.lower()) is not read_text or path.stat().st_size <= HEAD:
        return tuple(map(str, read_raw(path, **options).frame.columns))
    chosen = Options(**{**options, "missing": tuple(options.get("missing", ()))})
    with path.open("rb") as file:
        data = file.read(HEAD)
    mark, encoding = next(((mark, name) for mark, name in MARKS if data.startswith(mark)), (b"", chosen.encoding or "utf-8"))
    data = data[len(mark):].decode(encoding, "replace").encode("utf-8")
    start, declared = _declared_delimiter(data)
    delimiter = TAB.get(chosen.delimiter, chosen.delimiter) or declared or _find_delimiter(path, data[start : start + SAMPLE].decode("utf-8", "ignore"))
    rows, _, _ = _header(path, data, start, delimiter, chosen.header_rows)
    return tuple(header_names(rows, chosen.header_row, path)[0])
