"""Write transport files (TS-140): chunk by chunk into a file aside, which takes its place when all is well."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np

from sdtm_convert.errors import InputError, did_you_mean
from sdtm_convert.xpt import ibm
from sdtm_convert.xpt.arrow import encoding_name
from sdtm_convert.xpt.columns import Part, Source, Table, split
from sdtm_convert.xpt.declare import check_label, check_name, declare, declared_by_name
from sdtm_convert.xpt.encode import encode_numbers, encode_text
from sdtm_convert.xpt.files import replacing
from sdtm_convert.xpt.header import RECORD, XptMetadata, XptVariable, pack_library, pack_member, warn
from sdtm_convert.xpt.observations import Coded, Places, observations
from sdtm_convert.xpt.stamps import stamped
from sdtm_convert.xpt.target import ALLOWANCES, Target
from sdtm_convert.xpt.threads import on_threads

CHUNK = 1 << 24  # bytes of observations that a thread encodes at a time; all threads together at most twice as many
BLOCK = 1 << 20  # bytes of them that are put together at a time: few enough for the cache, enough that threads seldom wait for each other
WORTH_THREADS = 1 << 24  # bytes below which one thread is done sooner than several have begun

Put = Callable[[bytes | memoryview, int], None]  # writes bytes at an offset of the file


def write_xpt(
    frame: Table | Iterable[Table],
    path: str | os.PathLike,
    *,
    name: str | None = None,
    label: str = "",
    variables: Mapping | Iterable | None = None,
    created: datetime | str | None = None,
    modified: datetime | str | None = None,
    metadata: XptMetadata | None = None,
    special_missing: Mapping[str, Mapping[int, str]] | None = None,
    encoding: str | None = None,
    allow: Collection[str] = (),
    threads: int = 1,
    chunk_rows: int | None = None,
) -> None:
    """Write one dataset as a SAS transport file, version 5 (TS-140).

    `frame` is a table (pandas, or whatever speaks Arrow's stream protocol), or an iterable of tables that together are the
    dataset; then `variables` must say type and length of each. `variables` maps a column to its attributes, a dict or an object
    with `type` (Char or Num), `length` in bytes, `label`, `format` or `display_format`, `informat`; a sequence of
    `model.Variable` will do. What is not declared is taken from the data. `special_missing` gives, by variable, the letter (A to
    Z or _) of 0-based rows whose number is missing. `encoding` is that of text and labels, ASCII unless named. `metadata`, as
    `read_xpt` returned it, is the default of all of these, each as a whole.

    `created` and `modified` go into the header; `created` alone stands for both, and `modified` alone too where `metadata` know no
    other. Without them it is those of `metadata`, else the environment's SOURCE_DATE_EPOCH, else the present, in UTC. The bytes depend on nothing else: not on `threads`, nor on `chunk_rows`.

    Raises InputError, and leaves an old file as it was, for whatever would be altered or lost: docs/transport-files.md lists it,
    with the words of `allow` that let some of it pass.
    """
    base = XptMetadata("") if metadata is None else _checked(metadata)
    base = replace(base, name=base.name if name is None else name, label=label or base.label, encoding=encoding or base.encoding)
    if special_missing is not None:
        base = replace(base, special_missing=special_missing)
    dataset = _Dataset(frame, stamped(base, created, modified), base.variables if variables is None else variables)
    _write([dataset], os.fsdecode(path), _options(allow, threads, chunk_rows))


def write_members(
    members: Iterable[tuple[Table | Iterable[Table], XptMetadata]],
    path: str | os.PathLike,
    *,
    created: datetime | str | None = None,
    modified: datetime | str | None = None,
    encoding: str | None = None,
    allow: Collection[str] = (),
    threads: int = 1,
) -> None:
    """Write several datasets into one transport file, each as `write_xpt` does; needs allow={"members"}.

    Regulators take one dataset a file; this is for files that were read with several and must be written back.
    """
    options, path = _options(allow, threads, None), os.fsdecode(path)
    datasets = [_Dataset(frame, stamped(_checked(metadata), created, modified), metadata.variables) for frame, metadata in members]
    names = [str(dataset.metadata.name).upper() for dataset in datasets]
    for twice in (name for name in names if names.count(name) > 1):
        raise InputError(f"{path}: two datasets are named {twice}; only the first could be read.")
    encodings = sorted({encoding_name(encoding or dataset.metadata.encoding) for dataset in datasets} - {"ascii"})
    if len(encodings) > 1:
        raise InputError(f"{path}: the datasets are in {' and '.join(encodings)}, but a file has one encoding; name it.")
    in_one = encodings[0] if encodings else "ascii"
    datasets = [replace(dataset, metadata=replace(dataset.metadata, encoding=in_one)) for dataset in datasets]
    if not datasets:
        raise InputError(f"{path}: a transport file needs at least one dataset.")
    if len(datasets) > 1 and "members" not in options.allow:
        raise InputError(f"{path}: {len(datasets)} datasets; regulators take one a file. Pass allow={{'members'}} to write it all the same.")
    _write(datasets, path, options)


@dataclass(frozen=True)
class _Dataset:
    """What the caller wants written."""

    frame: Table | Iterable[Table]
    metadata: XptMetadata
    declared: Mapping | Iterable


def _checked(metadata: object) -> XptMetadata:
    if not isinstance(metadata, XptMetadata):
        raise TypeError(f"metadata: {type(metadata).__name__} is no XptMetadata, as read_xpt returns it.")
    return metadata


@dataclass(frozen=True)
class _Options:
    allow: frozenset[str]
    threads: int
    chunk_rows: int | None


def _options(allow: Collection[str], threads: int, chunk_rows: int | None) -> _Options:
    for what, number in (("threads", threads), ("chunk_rows", chunk_rows)):
        if number is not None and (not isinstance(number, (int, np.integer)) or number < 1):
            raise ValueError(f"{what}={number}: give a whole number, at least 1.")
    allowed = frozenset([allow] if isinstance(allow, str) else allow)
    for unknown in sorted(allowed - set(ALLOWANCES), key=str):
        raise ValueError(f"allow={unknown!r} is unknown. {did_you_mean(str(unknown), ALLOWANCES) or 'Known: ' + ', '.join(ALLOWANCES) + '.'}")
    return _Options(allowed, threads, chunk_rows)


@dataclass(frozen=True)
class _Layout:
    """What all chunks of one dataset share. `special` has rows and IBM doubles of special missing values, by variable."""

    places: Places
    special: Mapping[str, tuple[np.ndarray, np.ndarray]]
    target: Target
    cut: set[str]  # variables whose declared length cut a number; filled as chunks are written
    scratch: threading.local


def _write(datasets: list[_Dataset], path: str, options: _Options) -> None:
    names = [dataset.metadata.name for dataset in datasets]
    if len(names) == 1 and Path(path).stem.upper() != str(names[0]).upper():
        warn(f"{path}: is to hold the dataset {names[0]}; a file is named for its dataset.")
    with replacing(path) as put:
        header = pack_library(datasets[0].metadata.library)
        put(header, 0)
        offset = len(header)
        for dataset in datasets:
            offset = _write_member(put, offset, dataset, path, options)


def _write_member(put: Put, offset: int, dataset: _Dataset, path: str, options: _Options) -> int:
    """Write one dataset at `offset`; return where it ends."""
    metadata = dataset.metadata
    target = Target(path, metadata.name, encoding_name(metadata.encoding), options.allow)
    check_name(metadata.name, target, "dataset")
    check_label(metadata.label, target)
    declared = declared_by_name(dataset.declared)
    parts, whole = split(dataset.frame)
    # Not one table may come: then the dataset is empty, and its columns are the declared ones.
    first = next(parts, None) or Part(tuple(declared), (Source(np.empty(0)),) * len(declared), 0)
    metadata = replace(metadata, variables=declare(first, declared, target, infer=whole))
    header = pack_member(metadata, target.encoding)
    put(header, offset)
    layout = _layout(metadata, target)
    start, rows, last = offset + len(header), 0, b""
    for part in itertools.chain([first], parts):
        last = _write_part(put, start, rows, part, layout, options) or last
        rows += part.rows
    _check_end(layout, rows, last)
    size = rows * layout.places.record
    put(b" " * (-size % RECORD), start + size)
    return start + size + -size % RECORD


def _layout(metadata: XptMetadata, target: Target) -> _Layout:
    widths = [variable.length for variable in metadata.variables]
    numeric = {variable.name for variable in metadata.variables if variable.type == "Num"}
    special = {}
    if not isinstance(metadata.special_missing, Mapping):
        target.refuse("are no special missing values; give, by variable, letters by 0-based row.", value=metadata.special_missing)
    for name, letters in metadata.special_missing.items():
        if name not in numeric:
            target.refuse("is no numeric variable of this dataset, yet has special missing values.", value=name)
        special[name] = _special(name, letters, target)
    positions = tuple(itertools.accumulate([0, *widths[:-1]]))
    return _Layout(Places(metadata.variables, positions, sum(widths)), special, target, set(), threading.local())


def _special(name: str, letters: Mapping[int, str], target: Target) -> tuple[np.ndarray, np.ndarray]:
    """Rows, in order, and IBM doubles of the special missing values of a variable."""
    if not isinstance(letters, Mapping):
        target.refuse("are no special missing values; give letters by 0-based row.", name, value=letters)
    for row, letter in letters.items():
        if isinstance(row, bool) or not isinstance(row, (int, np.integer)) or not -(2**63) <= row < 2**63:
            target.refuse("is no row that could have a special missing value; give its 0-based number.", name, value=row)
        if not isinstance(letter, str) or len(letter) != 1 or letter not in ibm.SPECIAL_MISSING:
            target.refuse("is no special missing value; give A to Z or _.", name, row, letter)
    letters = dict(sorted(letters.items()))
    coded = np.fromiter(map(ord, letters.values()), np.uint64, len(letters)) << np.uint64(56)
    return np.fromiter(letters, np.int64, len(letters)), coded


def _write_part(put: Put, start: int, first_row: int, part: Part, layout: _Layout, options: _Options) -> bytes:
    """Write the rows of one table, which begin at row `first_row` of the dataset; return the last row as written."""
    if part.names != tuple(variable.name for variable in layout.places.variables):
        layout.target.refuse(f"the table that begins at row {first_row + 1} has other columns: {', '.join(map(str, part.names))}.")
    rows = part.rows
    threads = options.threads if options.chunk_rows or rows * layout.places.record > WORTH_THREADS else 1
    step = options.chunk_rows or _chunk_rows(rows, layout.places.record, threads)

    def write_chunk(begin: int) -> bytes:
        end = min(begin + step, rows)
        columns = _encode(part, begin, end, first_row, layout)
        return _put_observations(put, start + (first_row + begin) * layout.places.record, columns, end - begin, layout)

    ends = on_threads(min(threads, -(-rows // step)) if rows else 1, write_chunk, range(0, rows, step))
    return ends[-1] if ends else b""


def _chunk_rows(rows: int, record: int, threads: int) -> int:
    """As many rows as a chunk may have, if need be a little fewer so that each thread gets as many chunks."""
    most = max(1, min(CHUNK, 2 * CHUNK // threads) // record)
    chunks = -(-rows // (most * threads)) * threads
    return max(1, -(-rows // max(1, chunks)))


def _encode(part: Part, begin: int, end: int, first_row: int, layout: _Layout) -> list[Coded]:
    """Rows `begin` to `end` of a table, column by column."""
    columns = []
    for source, variable in zip(part.sources, layout.places.variables, strict=True):
        values = source.chunk(begin, end)
        if variable.type == "Char":
            columns.append(encode_text(values, variable, first_row + begin, layout.target))
            continue
        coded, cut = encode_numbers(values, variable, first_row + begin, layout.target)
        if cut:
            layout.cut.add(variable.name)
        _mark_special(coded, variable, first_row + begin, layout)
        columns.append(coded)
    return columns


def _put_observations(put: Put, offset: int, columns: list[Coded], rows: int, layout: _Layout) -> bytes:
    """Write encoded columns as observations, block by block in a buffer that the thread uses again; return the last."""
    record = layout.places.record
    if not hasattr(layout.scratch, "buffer"):
        layout.scratch.buffer = np.empty(max(BLOCK, record), np.uint8)
    for first, block in observations(columns, rows, layout.places, layout.scratch.buffer):
        put(block, offset + first * record)
    return block[-record:].tobytes()


def _mark_special(coded: np.ndarray, variable: XptVariable, first_row: int, layout: _Layout) -> None:
    rows, letters = layout.special.get(variable.name, ((), ()))
    if not len(rows):
        return
    here = slice(*np.searchsorted(rows, [first_row, first_row + len(coded)]))
    inside = rows[here] - first_row
    filled = inside[coded[inside] != np.uint64(ibm.MISSING)]
    if len(filled):
        layout.target.refuse("has a number where a special missing value is to be.", variable.name, first_row + int(filled[0]))
    coded[inside] = letters[here]


def _check_end(layout: _Layout, rows: int, last: bytes) -> None:
    """What can only be said once all rows are known."""
    for name, (places, _) in layout.special.items():
        if len(places) and not 0 <= places[0] <= places[-1] < rows:
            layout.target.refuse(f"special missing values lie outside the {rows} rows.", name)
    blank = bool(last) and not last.strip(b" ")
    # A row that begins less than a record before the end could be padding as well: no reader can tell.
    if blank and (rows - 1) * layout.places.record > (rows * layout.places.record + RECORD - 1) // RECORD * RECORD - RECORD:
        if "blank rows" not in layout.target.allow:
            why = "is blank, and shorter than a record of 80 bytes: readers would take it for padding."
            layout.target.refuse(why, row=rows - 1, allowance="blank rows")
    if layout.cut:
        where = f"{layout.target.path}: {layout.target.dataset}"
        warn(f"{where}: numbers were cut to the declared length of {', '.join(sorted(layout.cut))}.")
