"""What the outside hears when the store fails under what it asked for."""

import functools
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from engine.jobs.views import Unavailable
from engine.store.errors import StoreError

P = ParamSpec("P")
T = TypeVar("T")


def told_plainly(
    asked: Callable[P, Coroutine[Any, Any, T]],
) -> Callable[P, Coroutine[Any, Any, T]]:
    """Let what is asked for raise Unavailable where the store raises StoreError."""

    @functools.wraps(asked)
    async def plainly(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await asked(*args, **kwargs)
        except StoreError as problem:
            raise Unavailable(str(problem)) from problem

    return plainly
