"""Schemas of records: what JSON Schema says of a shape, from the annotations of its class."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from webapp.routes.openapi.parts import Schema, many, or_null, record, ref
from workflow_fsm.core.records import Limits, Named, Record, key_of

_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordSchemas:
    """Writes the schemas of shapes.

    Those among `components` are referred to by name, others stand where they are used. `named` has the schema
    of each `Named` kind.
    """

    components: Mapping[type[Record], str]
    named: Mapping[str, Schema]

    def of(self, shape: type[Record]) -> dict[str, Any]:
        """Give the schema of a shape."""
        members = self.members(shape)
        optional = {key: members.pop(key) for key in list(members) if key in shape.__optional_keys__}
        return {**record(optional, **members), "description": inspect.getdoc(shape)}

    def members(self, shape: type[Record]) -> dict[str, Schema]:
        """Give the schema of each member of a shape."""
        hints = get_type_hints(shape, include_extras=True)
        return {key_of(name): self._of(hint) for name, hint in hints.items()}

    def _of(self, hint: Any) -> Schema:
        kind, inner = get_origin(hint), get_args(hint)
        if hint is Any:
            return {}
        if kind is Annotated:
            return self._noted(*inner)
        if kind in (Union, UnionType):
            schemas = [self._of(one) for one in inner if one is not NoneType]
            return or_null(schemas[0] if len(schemas) == 1 else {"anyOf": schemas})
        if kind is Literal:
            return {"const": inner[0]} if len(inner) == 1 else {"enum": list(inner)}
        if kind is list:
            return many(self._of(inner[0]))
        if kind is dict:
            return {"type": "object", "additionalProperties": self._of(inner[1])}
        if hint in self.components:
            return ref(f"schemas/{self.components[hint]}")
        return self.of(hint) if issubclass(hint, Record) else {"type": _TYPES[hint]}

    def _noted(self, hint: Any, *notes: object) -> Schema:
        schema = self._of(hint)
        for note in notes:
            match note:
                case Named():
                    schema = self.named[note.name]
                case Limits():
                    limits = asdict(note).items()
                    schema = {**schema, **{word: limit for word, limit in limits if limit is not None}}
                case str():
                    schema = {**schema, "description": note}
        return schema
