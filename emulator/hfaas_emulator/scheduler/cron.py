"""AWS's cron expressions: six fields with `?`, `L`, `W` and `#`, in nobody's time zone yet.

    minutes  hours  day of month  month  day of week  year
    0-59     0-23   1-31 L W      1-12   1-7 L #      1970-2199      weeks begin on SUN, which is 1

Unlike Unix's there are years, and of the two fields for days exactly one is `?`.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class ExpressionError(ValueError):
    """An expression that AWS does not understand."""


@dataclass(frozen=True, slots=True)
class _Field:
    """What a field may say; `names` stand for the numbers from `low` on."""

    low: int
    high: int
    names: tuple[str, ...] = ()
    steps: bool = True


MINUTES = _Field(0, 59)
HOURS = _Field(0, 23)
DATES = _Field(1, 31)
MONTHS = _Field(1, 12, ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"))
WEEKDAYS = _Field(1, 7, ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), steps=False)
YEARS = _Field(1970, 2199)


class Days(Protocol):
    """Some days of each month."""

    def of(self, year: int, month: int) -> set[int]:
        """Return those of one month; days that it does not have do no harm."""


@dataclass(frozen=True, slots=True)
class Dates:
    """Days by their dates."""

    dates: frozenset[int]

    def of(self, year: int, month: int) -> set[int]:  # noqa: ARG002
        return set(self.dates)


@dataclass(frozen=True, slots=True)
class LastDate:
    """`L`: the last day of the month."""

    def of(self, year: int, month: int) -> set[int]:
        return {_length(year, month)}


@dataclass(frozen=True, slots=True)
class Workday:
    """`3W`: the day from Monday to Friday next to a date, in the same month."""

    date: int

    def of(self, year: int, month: int) -> set[int]:
        last = _length(year, month)
        if self.date > last:
            return set()
        match calendar.weekday(year, month, self.date):
            case calendar.SATURDAY:
                return {self.date - 1 if self.date > 1 else 3}
            case calendar.SUNDAY:
                return {self.date + 1 if self.date < last else self.date - 2}
        return {self.date}


@dataclass(frozen=True, slots=True)
class Weekdays:
    """Days by their weekdays."""

    weekdays: frozenset[int]

    def of(self, year: int, month: int) -> set[int]:
        return {day for each in self.weekdays for day in _weekdays(year, month, each)}


@dataclass(frozen=True, slots=True)
class NthWeekday:
    """`3#2`: the second Tuesday; `3L`: the last one (-1)."""

    weekday: int
    number: int

    def of(self, year: int, month: int) -> set[int]:
        found = _weekdays(year, month, self.weekday)
        if self.number < 0:
            return {found[-1]}
        return set(found[self.number - 1 : self.number])


def _length(year: int, month: int) -> int:
    return calendar.monthrange(year, month)[1]


def _weekdays(year: int, month: int, weekday: int) -> range:
    """Return the dates of a weekday, which is 1 on Sundays."""
    first, length = calendar.monthrange(year, month)
    return range(1 + (weekday - 2 - first) % 7, length + 1, 7)


@dataclass(frozen=True, slots=True)
class Cron:
    """A cron expression, read."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[Days, ...]
    months: tuple[int, ...]
    years: tuple[int, ...]

    def since(self, moment: datetime) -> Iterator[datetime]:
        """Yield the times from `moment` on, without a zone, in order."""
        for year in self.years:
            for month in self.months:
                if (year, month) >= (moment.year, moment.month):
                    yield from self._in_month(year, month, moment)

    def _in_month(self, year: int, month: int, moment: datetime) -> Iterator[datetime]:
        last = _length(year, month)
        for day in sorted({day for each in self.days for day in each.of(year, month) if day <= last}):
            if (year, month, day) >= (moment.year, moment.month, moment.day):
                times = (datetime(year, month, day, hour, minute) for hour in self.hours for minute in self.minutes)
                yield from (time for time in times if time >= moment)


def read(text: str) -> Cron:
    """Read the six fields; ExpressionError."""
    fields = text.upper().split()
    if len(fields) != 6:
        raise ExpressionError(f"a cron expression has six fields, not {len(fields)}")
    minutes, hours, dates, months, weekdays, years = fields
    if (dates == "?") == (weekdays == "?"):
        raise ExpressionError("exactly one of day-of-month and day-of-week is ?")
    return Cron(
        _sorted(minutes, MINUTES),
        _sorted(hours, HOURS),
        _dates(dates) if weekdays == "?" else _of_weeks(weekdays),
        _sorted(months, MONTHS),
        _sorted(years, YEARS),
    )


def _dates(text: str) -> tuple[Days, ...]:
    return tuple(_date(part) for part in text.split(","))


def _date(part: str) -> Days:
    if part == "L":
        return LastDate()
    if part.endswith("W"):
        return Workday(_number(part[:-1], DATES))
    return Dates(frozenset(_part(part, DATES)))


def _of_weeks(text: str) -> tuple[Days, ...]:
    parts = text.split(",")
    if "#" in text and len(parts) > 1:
        raise ExpressionError("with # there is only one day-of-week")
    return tuple(_weekday(part) for part in parts)


def _weekday(part: str) -> Days:
    if part == "L":
        return Weekdays(frozenset({WEEKDAYS.high}))
    if part.endswith("L"):
        return NthWeekday(_number(part[:-1], WEEKDAYS), -1)
    if "#" in part:
        weekday, _, number = part.partition("#")
        return NthWeekday(_number(weekday, WEEKDAYS), _number(number, _Field(1, 5)))
    return Weekdays(frozenset(_part(part, WEEKDAYS)))


def _sorted(text: str, field: _Field) -> tuple[int, ...]:
    return tuple(sorted({number for part in text.split(",") for number in _part(part, field)}))


def _part(part: str, field: _Field) -> range:
    """Read `*`, `5`, `5-9`, and any of them with `/2` where the field has steps."""
    span, slash, step = part.partition("/")
    if slash and not field.steps:
        raise ExpressionError(f"{part} cannot be a day-of-week")
    first, dash, last = span.partition("-")
    if span == "*":
        low, high = field.low, field.high
    else:
        low = _number(first, field)
        high = _number(last, field) if dash else (field.high if slash else low)
    if low > high:
        raise ExpressionError(f"{part} ends before it begins")
    return range(low, high + 1, _number(step, _Field(1, field.high)) if slash else 1)


def _number(text: str, field: _Field) -> int:
    if text in field.names:
        return field.low + field.names.index(text)
    if not (text.isascii() and text.isdecimal()) or not field.low <= int(text) <= field.high:
        raise ExpressionError(f"{text or 'nothing'} is not from {field.low} to {field.high}")
    return int(text)
