"""Times, lengths, sizes and counts in the operator's words."""

from datetime import datetime

_MINUTE_S, _HOUR_S = 60, 3600


def friendly_time(recorded_at: str, now: datetime) -> str:
    """An ISO 8601 time as "today 14:32", "yesterday 09:10", "Tue 10:02", "24 Nov 10:02" or "24 Nov 2025".

    A text that is no time comes back as it is.
    """
    try:
        moment = datetime.fromisoformat(recorded_at)
    except ValueError:
        return recorded_at
    if moment.tzinfo is not None:
        moment = moment.astimezone().replace(tzinfo=None)
    days = (now.date() - moment.date()).days
    if days in (0, 1):
        return f"{('today', 'yesterday')[days]} {moment:%H:%M}"
    if 0 < days < 7:
        return f"{moment:%a %H:%M}"
    if 0 < days < 200:
        return f"{moment.day} {moment:%b %H:%M}"
    return f"{moment.day} {moment:%b %Y}"


def long_duration(seconds: float) -> str:
    """ "42 s", "7 min 5 s" or "1 h 12 min"."""
    if seconds < _MINUTE_S:
        return f"{seconds:.0f} s"
    if seconds < _HOUR_S:
        minutes, rest = divmod(round(seconds), _MINUTE_S)
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(round(seconds / _MINUTE_S), 60)
    return f"{hours:,} h {minutes} min"


def size(megabytes: float) -> str:
    """ "820 kB", "12.3 MB" or "4.1 GB"."""
    if megabytes >= 1000:
        return f"{megabytes / 1000:.1f} GB"
    return f"{megabytes:.1f} MB" if megabytes >= 1 else f"{megabytes * 1000:.0f} kB"


def count(number: int, thing: str) -> str:
    """ "1 episode", "1,204 episodes"."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"
