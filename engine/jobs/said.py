"""What holds where two can say it, the settings and clients: what was said last. Pure.

What the settings said at the time is stored beside what clients set; a setting that differs from
that is news, and holds.
"""

from typing import TypeVar

import msgspec

Values = TypeVar("Values", bound=msgspec.Struct)
Configured = TypeVar("Configured", bound=msgspec.Struct)


def said_last(kept: Values, then: Configured, now: Configured) -> Values:
    """Return `kept` with what the settings say `now` and did not say `then`.

    The fields of `Configured` are some of those of `Values`.
    """
    before, after = map(msgspec.structs.asdict, (then, now))
    news = {name: value for name, value in after.items() if value != before[name]}
    return msgspec.structs.replace(kept, **news)
