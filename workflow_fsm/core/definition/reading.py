"""The reading of a parsed body to a valid `Event`: every fault at once.

Decides what is well formed and what an event's content is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from workflow_fsm.core.definition import Trigger
from workflow_fsm.core.definition.events import (
    DEFAULT_CURRENCY,
    MOST_ENTRIES,
    UNITS,
    BadEntry,
    Event,
    Part,
    confidence_of,
)
from workflow_fsm.core.errors import EventTooLarge, FieldError, InvalidEvent
from workflow_fsm.core.values import money, strict_json
from workflow_fsm.core.values.fields import (
    Field,
    FieldTable,
    Kind,
    comparable_value,
    listed_name,
    read_entries,
    read_value,
    show_value,
)


def read_event(
    trigger: Trigger,
    body: Mapping[str, Any],
    *,
    ids: Sequence[tuple[str, str]] = (),
    currencies: Mapping[str, int] = MappingProxyType({}),
    is_stored: bool = False,
    refused: Collection[int] = (),
) -> Event:
    """Read a body (JSON values as `strict_json` gives them) as an event of `trigger`.

    `ids` are those that came beside the body, each with the name of what brought it; they go before the
    body's own. `currencies` are those that payouts may be in besides ISO 4217's, with their decimals. What
    `is_stored` was read before: its currencies and amounts are taken as they are, but for the entries of its
    list at the places in `refused`, which are read as if they came now. Raises InvalidEvent with every wrong
    field; one bad entry of a list is no fault of the whole, unless all are bad. Raises EventTooLarge, before
    an entry of it is read, for a list that is longer than one may be.
    """
    if not is_stored and trigger.table.lists:
        _check_lengths(trigger.table, body)
    reading = _Reading(trigger.table, body, currencies, is_stored=is_stored, refused=refused)
    reading.read()
    fields = reading.fields
    given: list[str] = []
    for name, one in ids:
        try:
            given.append(read_value(Kind.ID, one))
        except ValueError as error:
            reading.errors.append(FieldError(field=name, reason=str(error)))
    if "event_id" in fields:
        given.append(fields["event_id"])
    named = fields.get("claim_id")
    listed = next((f for f in trigger.table.lists if f.name in reading.entries), None)
    if listed is not None and named is not None:
        for name in ("claim_id", listed.name):
            reason = f"claim_id and {listed.name} can't come together; name the claims in one of them"
            reading.errors.append(FieldError(field=name, reason=reason))
    parts: tuple[Part, ...]
    bad: tuple[BadEntry, ...] = ()
    if listed is None:
        parts = (Part(claim=named, fields=fields),)
    else:
        parts, bad, contents = _read_list(listed, reading.entries[listed.name], reading)
        reading.content[listed.name] = [show for show, _ in contents]
        reading.comparable[listed.name] = [compare for _, compare in contents]
        if bad and not parts and not is_stored:
            reading.errors.extend(
                FieldError(field=f"{listed.name}[{entry.index}].{e.field}".rstrip("."), reason=e.reason)
                for entry in bad
                for e in entry.errors
            )
    if reading.errors:
        raise InvalidEvent(reading.errors, trigger=trigger.name)
    return Event(
        trigger=trigger.name,
        user_id=fields["user_id"],
        ids=tuple(dict.fromkeys(given)),
        fields=fields,
        parts=parts,
        listed=listed is not None,
        bad=bad,
        body=reading.content,
        fingerprint=_fingerprint(reading.comparable),
        occurred_at=fields.get("occurred_at"),
        hint=" ".join(dict.fromkeys(reading.hints)) or None,
    )


def _check_lengths(table: FieldTable, body: Mapping[str, Any]) -> None:
    """Raise EventTooLarge where a list, or a list in its entries, is longer than one may be."""
    for name, raw in body.items():
        field = table.by_name.get(name)
        if field is None or field.kind is not Kind.ENTRIES or not isinstance(raw, list):
            continue
        _check_length(name, len(raw), "entries")
        inside = {one: each for one, each in field.entries.by_name.items() if each.kind is Kind.IDS}
        for within in inside:
            lists = (entry.get(within) for entry in raw if isinstance(entry, dict))
            _check_length(
                f"{name}[].{within}", sum(len(one) for one in lists if isinstance(one, list)), "names"
            )


def _check_length(name: str, found: int, what: str) -> None:
    if found > MOST_ENTRIES:
        raise EventTooLarge(
            f"{name}: holds {found} {what}, and an event has at most {MOST_ENTRIES} of them; nothing was "
            f"kept: send it in parts, as events of their own, each under an id of its own",
            field=name,
            found=found,
            most=MOST_ENTRIES,
        )


_OF_THEIR_OWN = frozenset({Kind.ENTRIES, Kind.CURRENCY})
"""Kinds whose values hang on more than themselves."""


class _Reading:
    """One object being read: the values read, the content kept, and every error met."""

    def __init__(
        self,
        table: FieldTable,
        body: Mapping[str, Any],
        currencies: Mapping[str, int],
        *,
        is_stored: bool,
        refused: Collection[int] = (),
    ) -> None:
        self.currencies = currencies
        self.is_stored = is_stored
        self.refused = refused
        self._body = body
        self._table = table
        self.fields: dict[str, Any] = {}
        self.entries: dict[str, list[Any]] = {}
        self.content: dict[str, Any] = {}
        self.comparable: dict[str, Any] = {}
        self.errors: list[FieldError] = []
        self.hints: list[str] = []

    def read(self) -> None:
        """Read every field; what isn't listed is kept as it is."""
        given: dict[str, list[tuple[str, Any]]] = {}
        for name, raw in self._body.items():
            field = self._table.by_name.get(name)
            if field is None:
                self.content[name] = raw
                self._hint(name)
            elif raw is not None and not (field.or_count and self._count(field, name, raw)):
                given.setdefault(field.name, []).append((name, raw))
        for name, pairs in given.items():
            field = self._table.by_name[name]
            if len(pairs) > 1 or field.kind in _OF_THEIR_OWN:
                self._read_field(field, pairs)
                continue
            try:
                self.fields[name] = read_value(field.kind, pairs[0][1])
            except ValueError:
                self._read_field(field, pairs)
        for field in self._table.required:
            if field.name not in given:
                hint = next((h for h in self.hints if h.endswith(f"`{field.name}`?")), "")
                reason = "is required" + (f"; {hint}" if hint else "")
                self.errors.append(FieldError(field=field.name, reason=reason))
        if "amount" in self.fields:
            self._check_money(self._table.by_name["amount"].kind)
        content, comparable = self.content, self.comparable
        for name, value in self.fields.items():
            if name == "event_id":
                continue
            if type(value) is str or type(value) is int:  # as of most: it stands for itself
                content[name] = comparable[name] = value
            else:
                content[name] = show_value(value)
                comparable[name] = comparable_value(value)

    def read_inside(self, field: Field, index: int, entry: Mapping[str, Any]) -> _Reading:
        """Read an entry of a list as this is read; one that was refused as if it came now."""
        is_stored = self.is_stored and index not in self.refused
        inside = _Reading(field.entries, entry, self.currencies, is_stored=is_stored)
        inside.read()
        return inside

    def _hint(self, name: str) -> None:
        meant = None if self.is_stored else listed_name(name, self._table.by_name)
        if meant is not None and self._body.get(meant) is None:
            self.hints.append(f"`{name}` is not read: did you mean `{meant}`?")

    def _value(self, field: Field, raw: Any) -> Any:
        if field.kind is not Kind.CURRENCY or not isinstance(raw, str):
            return read_value(field.kind, raw)
        withdrawn = raw.upper()
        pays = "amount" in self._table.by_name and self._table.by_name["amount"].kind is Kind.PAYOUT
        if self.is_stored or (pays and withdrawn in self.currencies):
            return withdrawn
        return read_value(field.kind, raw)

    def _check_money(self, kind: Kind) -> None:
        """Check an amount against its currency; a payout whose currency is told is rounded to it."""
        if self.is_stored:
            return
        amount, currency = self.fields["amount"], self.fields.get("currency")
        in_kind = bool(self.fields.get(UNITS.name))
        try:
            if kind is Kind.ESTIMATE:
                money.estimate(amount, money.decimals(currency or DEFAULT_CURRENCY))
            elif currency is not None:
                places = money.decimals(currency, self.currencies)
                paid = money.payout(amount, currency, places, or_nothing=in_kind)
                self.fields["amount"] = money.amount(money.text(paid))
            elif (amount.value or not in_kind) and not money.payable_somewhere(amount):
                raise money.NotMoney("must be above 0, and have no more decimals than some currency has (4)")
        except money.NotMoney as error:
            self.errors.append(FieldError(field="amount", reason=str(error)))

    def _read_field(self, field: Field, given: Sequence[tuple[str, Any]]) -> None:
        values = []
        for name, raw in given:
            try:
                is_list = field.kind is Kind.ENTRIES
                values.append(read_entries(field, raw) if is_list else self._value(field, raw))
            except ValueError as error:
                if self.is_stored and not field.required:  # it was taken when no field went by that name
                    self.content[name] = raw
                else:
                    self.errors.append(FieldError(field=name, reason=str(error)))
        if not values or (len(values) < len(given) and not self.is_stored):
            return
        if len(values) == 2 and not self.is_stored and not self._are_alike(field, values):
            alias = next(name for name, _ in given if name != field.name)
            reason = f"`{field.name}` and `{alias}` are two names of one field and differ; send one of them"
            self.errors.append(FieldError(field=alias, reason=reason))
        elif field.kind is Kind.ENTRIES:
            self.entries[field.name] = values[0]
        else:
            self.fields[field.name] = values[0]

    def _are_alike(self, field: Field, values: Sequence[Any]) -> bool:
        if field.kind is Kind.ENTRIES:
            apart = _Reading(self._table, {}, self.currencies, is_stored=True)
            contents = (_read_list(field, entries, apart)[2] for entries in values)
            first, second = ([compare for _, compare in content] for content in contents)
        else:
            first, second = (comparable_value(value) for value in values)
        return strict_json.dumps(first) == strict_json.dumps(second)

    def _count(self, field: Field, name: str, raw: Any) -> bool:
        """Take a plain count that stands where a list may; tell whether it was one."""
        if name == field.name or isinstance(raw, list):
            return False
        try:
            self.fields[name] = read_value(Kind.COUNT, raw)
        except ValueError:
            reason = "must be a list of objects, or a plain count: a whole number, 0 or more"
            self.errors.append(FieldError(field=name, reason=reason))
        return True


def _read_list(
    field: Field, entries: Sequence[Any], within: _Reading
) -> tuple[tuple[Part, ...], tuple[BadEntry, ...], list[tuple[Any, Any]]]:
    """Read a list's entries: the parts, the bad ones, and each entry's (content kept, content compared)."""
    good: list[tuple[int, Mapping[str, Any], str]] = []
    bad: list[BadEntry] = []
    contents: list[tuple[Any, Any]] = []
    for index, entry in enumerate(entries):
        if not isinstance(entry, dict):
            bad.append(BadEntry(index=index, errors=(FieldError(field="", reason="must be an object"),)))
            contents.append((entry, entry))
            continue
        reading = within.read_inside(field, index, entry)
        within.hints.extend(reading.hints)
        if reading.errors:
            bad.append(BadEntry(index=index, errors=tuple(reading.errors)))
            contents.append((entry, entry))
        else:
            contents.append((reading.content, reading.comparable))
            good.append((index, reading.fields, strict_json.dumps(reading.comparable)))
    parts, twice = _one_part_a_claim(field, good)
    return parts, tuple(sorted([*bad, *twice], key=lambda entry: entry.index)), contents


def _one_part_a_claim(
    field: Field, good: Sequence[tuple[int, Mapping[str, Any], str]]
) -> tuple[tuple[Part, ...], list[BadEntry]]:
    groups: dict[str, list[tuple[int, Mapping[str, Any], str]]] = {}
    for entry in good:
        groups.setdefault(entry[1]["claim_id"], []).append(entry)
    parts: list[Part] = []
    bad: list[BadEntry] = []
    for claim, group in groups.items():
        if not field.several and len({content for _, _, content in group}) > 1:
            error = FieldError(field="claim_id", reason=f"{claim!r} is named twice with different content")
            bad.extend(BadEntry(index=index, errors=(error,)) for index, _, _ in group)
            continue
        best = max(group, key=lambda entry: confidence_of(entry[1]))
        parts.append(Part(claim=claim, fields=best[1], index=group[0][0]))
    return tuple(parts), bad


def _fingerprint(comparable: dict[str, Any]) -> str:
    return hashlib.sha256(strict_json.dumps(comparable).encode()).hexdigest()
