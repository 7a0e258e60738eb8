"""Specification files: YAML whose plain scalars stay text, with the place (file, line) of every value.

`No`, `007`, `12:30` and `2025-03-28` are read as the text they are; the JSON Schema says what must be a number. Duplicate
keys are a fault. `extends: FILE` lays one document over another: the study over the sponsor's standard.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import yaml

from .errors import Fault, InputError, Place, SpecError, did_you_mean

Path_ = tuple  # of keys and list positions, from the top of the document to a value
LARGEST_DOCUMENT = 200_000  # values; aliases that expand beyond it are refused
DEEPEST_DOCUMENT = 50  # levels; an alias to what it stands in has no end
_SCALARS = yaml.constructor.SafeConstructor()
_READ_SCALAR = {  # by tag; all else, dates too, is text
    "tag:yaml.org,2002:int": _SCALARS.construct_yaml_int, "tag:yaml.org,2002:float": _SCALARS.construct_yaml_float,
    "tag:yaml.org,2002:bool": _SCALARS.construct_yaml_bool, "tag:yaml.org,2002:null": _SCALARS.construct_yaml_null,
}
DROPPED_FROM = ("variables", "supplemental", "tests")  # what `drop` takes names from


@dataclass(frozen=True)
class Document:
    """One specification file: `data` (dicts, lists, text) and the place of each value by its path of keys."""

    file: str
    data: dict
    places: dict[Path_, Place]
    parents: tuple[str, ...] = ()  # the files that it extends

    def place(self, *path, what: str = "") -> Place:
        """The place of the value at this path of keys, or of its nearest parent that is known."""
        while path and path not in self.places:
            path = path[:-1]
        place = self.places.get(path, Place(self.file, 1))
        return Place(place.file, place.line, what)


def read_document(path: Path, schema: str = "") -> Document:
    """The YAML document at `path`, with what it `extends` laid under it, checked by the JSON Schema of that name.

    Raises SpecError with every fault (not YAML, duplicate keys, against the schema), InputError if the file cannot be read.
    """
    document = _with_parents(Path(path), ())
    if schema:
        faults = list(check_schema(document, schema))
        if faults:
            raise SpecError(faults)
    return document


def parse_document(text: str, file: str) -> Document:
    """The YAML in `text`; `file` names it in messages."""
    node = _compose(text, file)
    places: dict[Path_, Place] = {}
    faults: list[Fault] = []
    data = {} if node is None else _plain(node, (), file, places, faults)
    if not isinstance(data, dict):
        faults.append(Fault(Place(file, 1), "a specification is a mapping of keys to values."))
    if faults:
        raise SpecError(faults)
    return Document(file, data, places)


def parse_values(text: str, file: str) -> dict:
    """The YAML in `text` as YAML means it, numbers, booleans and nothing as such, without places: for files whose places are asked for
    only where they are wrong. What `parse_document` refuses is refused."""
    if "&" in text:
        parse_document(text, file)  # an anchor: aliases could make the document grow
    node = _compose(text, file)
    if not isinstance(node, yaml.MappingNode) or not _keys_are_plain(node):
        return parse_document(text, file).data
    try:
        return _values(node)
    except ValueError as error:
        raise SpecError([Fault(Place(file), f"not YAML: {error}.")]) from None


def _compose(text: str, file: str) -> yaml.Node | None:
    try:
        return yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise SpecError([Fault(Place(file, mark.line + 1 if mark else 0), f"not YAML: {error.problem}.")]) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise SpecError([Fault(Place(file), f"not YAML: {error}.")]) from None


def _plain(node: yaml.Node, path: Path_, file: str, places: dict, faults: list) -> dict | list | str:
    line = node.start_mark.line + 1
    if len(places) > LARGEST_DOCUMENT or len(path) > DEEPEST_DOCUMENT:
        limit = f"{LARGEST_DOCUMENT} values" if len(places) > LARGEST_DOCUMENT else f"{DEEPEST_DOCUMENT} levels"
        raise SpecError([Fault(Place(file, line), f"the document grows beyond {limit}.")])
    places.setdefault(path, Place(file, line))  # of a mapping's value the place of its key, which is there already
    if isinstance(node, yaml.ScalarNode):
        return node.value
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*path, position), file, places, faults) for position, item in enumerate(node.value)]
    result: dict = {}
    for key_node, value_node in node.value:
        key, place = key_node.value, Place(file, key_node.start_mark.line + 1)
        if not isinstance(key_node, yaml.ScalarNode):
            faults.append(Fault(place, "a key must be plain text.", "Put quotes around text that begins with { or [."))
        elif key == "<<":
            faults.append(Fault(place, "merge keys (<<) are not read.", "Lay one mapping over another with `extends`."))
        elif key in result:
            faults.append(Fault(replace(place, what=key), f"the key is given twice, first on line {places[(*path, key)].line}."))
        else:
            places[(*path, key)] = place
            result[key] = _plain(value_node, (*path, key), file, places, faults)
    return result


def _keys_are_plain(node: yaml.Node) -> bool:
    """Whether every mapping has keys of text, each once, and none that merges."""
    if isinstance(node, yaml.ScalarNode):
        return True
    if isinstance(node, yaml.SequenceNode):
        return all(map(_keys_are_plain, node.value))
    keys = {key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)}
    return len(keys) == len(node.value) and "<<" not in keys and all(_keys_are_plain(value) for _, value in node.value)


def _values(node: yaml.Node) -> dict | list | str | float | bool | None:
    if isinstance(node, yaml.ScalarNode):
        read = _READ_SCALAR.get(node.tag)
        return read(node) if read else node.value
    if isinstance(node, yaml.SequenceNode):
        return [_values(item) for item in node.value]
    return {key.value: _values(value) for key, value in node.value}


# --- One document over another ----------------------------------------------------------------------------------------


def _with_parents(path: Path, above: tuple[Path, ...]) -> Document:
    try:
        document = parse_document(path.read_text(encoding="utf-8-sig"), _shown(path))
    except OSError as error:
        raise InputError(f"{path}: the specification cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise SpecError([Fault(Place(_shown(path)), "a specification is UTF-8 text; this file is not.")]) from None
    parent_name = document.data.get("extends")
    if not isinstance(parent_name, str):
        return document
    parent_path = (path.parent / parent_name).resolve()
    place = document.place("extends")
    if parent_path in above or parent_path == path.resolve():
        raise SpecError([Fault(place, f"'{parent_name}' extends itself.")])
    if not parent_path.is_file():
        near = did_you_mean(parent_path.name, [p.name for p in parent_path.parent.glob("*.yml")])
        raise SpecError([Fault(place, f"no file '{parent_name}' to extend.", near)])
    return _overlay(_with_parents(parent_path, (*above, path.resolve())), document)


def _overlay(parent: Document, child: Document) -> Document:
    """The child's keys over the parent's: mappings merge key by key, but a variable's steps and lists are replaced whole."""
    below = dict(parent.data)
    dropped = _dropped(parent, child)
    for group in _groups(parent):
        below[group] = {key: value for key, value in below[group].items() if key not in dropped}
    merged = {(), *((key,) for key, value in child.data.items() if isinstance(value, dict) and isinstance(below.get(key), dict))}
    data = below | {key: below[key] | value if (key,) in merged else value for key, value in child.data.items() if key not in ("extends", "drop")}
    kept = {path: place for path, place in parent.places.items()
            if not any(path[:depth] in child.places and path[:depth] not in merged for depth in range(1, len(path) + 1))}
    return Document(child.file, data, kept | child.places, (*parent.parents, parent.file))


def _dropped(parent: Document, child: Document) -> list[str]:
    """What the child's `drop` names; a fault where it names nothing that the parent has."""
    names = child.data.get("drop", [])
    if not isinstance(names, list):
        raise SpecError([Fault(child.place("drop", what="drop"), "it is not a list.", "Write [NAME, NAME].")])
    known = [key for group in _groups(parent) for key in parent.data[group]]
    faults = [Fault(child.place("drop", position, what="drop"), f"{parent.file} has no variable or test '{name}'.", did_you_mean(str(name), known))
              for position, name in enumerate(names) if name not in known]
    if faults:
        raise SpecError(faults)
    return names


def _groups(document: Document) -> list[str]:
    return [group for group in DROPPED_FROM if isinstance(document.data.get(group), dict)]


def _shown(path: Path) -> str:
    """The path as messages show it: relative to the working folder where it lies below it."""
    try:
        return str(Path(path).resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


# --- JSON Schema ------------------------------------------------------------------------------------------------------


@lru_cache
def load_schema(name: str) -> dict:
    """The JSON Schema that ships under this name: study or mapping or rule."""
    return json.loads((files("sdtm_convert.schemas") / f"{name}.json").read_text(encoding="utf-8"))


@lru_cache
def _validator(name: str):
    from jsonschema_rs import Draft202012Validator

    return Draft202012Validator(load_schema(name))


def check_schema(document: Document, name: str) -> list[Fault]:
    """Every fault of the document against the JSON Schema, each with its place and, for a wrong key, did-you-mean."""
    validator = _validator(name)
    if validator.is_valid(document.data):
        return []
    errors = [_deepest(error) for error in validator.iter_errors(document.data)]
    return [fault for error in errors for fault in _schema_faults(document, error, load_schema(name))]


def _deepest(error):
    """Of the alternatives of an anyOf, the failure that got furthest: it tells most about what was meant."""
    while error.kind.name == "anyOf":
        inner = [inner for alternative in error.kind.context for inner in alternative]
        error = max(inner, key=lambda inner: (len(inner.instance_path), inner.kind.name != "type"))
    return error


def _schema_faults(document: Document, error, schema: dict) -> list[Fault]:
    path, kind = tuple(error.instance_path), error.kind.name
    what = ".".join(str(part) for part in path)
    if "propertyNames" in error.schema_path:
        while hasattr(error.kind, "error"):
            error = error.kind.error
        hint = _part(schema, error.schema_path).get("description", "")
        return [Fault(document.place(*path, error.instance, what=what), f"'{error.instance}' cannot be a name here.", hint)]
    rule = _part(schema, error.schema_path)
    if kind == "additionalProperties":
        known = list(rule.get("properties", {}))
        return [Fault(document.place(*path, key, what=what), f"unknown key '{key}'.", did_you_mean(key, known) or f"Known here: {', '.join(known)}.")
                for key in error.kind.unexpected]
    if kind == "required" and "dependentRequired" not in error.schema_path:
        return [Fault(document.place(*path, what=what), f"the key '{error.kind.property}' is missing.")]
    shown = json.dumps(error.instance, ensure_ascii=False)
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    messages = {
        "type": f"{shown} is not {_type_words(rule.get('type', ()))}.",
        "minLength": "it is empty.",
        "enum": f"{shown} is none of {', '.join(map(str, rule.get('enum', ())))}.",
        "pattern": f"{shown} does not have the form that is needed here.",
        "minProperties": "it is empty.",
        "minItems": "the list is empty.",
        "maxProperties": f"{shown} has more keys than may stand here.",
    }
    hint = did_you_mean(str(error.instance), map(str, rule["enum"])) if kind == "enum" else rule.get("description", "")
    return [Fault(document.place(*path, what=what), messages.get(kind) or f"{error.message}.", hint)]


def _part(schema: dict, path: list) -> dict:
    """The part of the schema whose keyword a path leads to."""
    for step in path[:-1]:
        schema = schema[step]
    return schema


def _type_words(types: str | list[str]) -> str:
    words = {"string": "text", "object": "a mapping", "array": "a list", "number": "a number", "integer": "a whole number",
             "boolean": "true or false"}
    names = [types] if isinstance(types, str) else list(types)
    names = ["string"] if set(names) == {"string", "number", "boolean"} else names
    return " or ".join(words.get(name, name) for name in names)
