"""Signatures: whether what is registered can be called as a handler is, and does its work when it is."""

from __future__ import annotations

import inspect

from workflow_fsm.core.errors import HandlerInvalid


def refuse_uncallable(function: object, called: str) -> None:
    """Raise HandlerInvalid for what can't be called with one argument, or would only begin its work.

    `called` names it in the sentence.
    """
    if not callable(function):
        raise HandlerInvalid(
            f"{called} is {type(function).__name__}, which can't be called; register a function with one "
            "parameter, which is given what it is owed for"
        )
    own = function if inspect.isroutine(function) else getattr(function, "__call__", None)  # noqa: B004  # its code
    for code in (function, own):
        if inspect.iscoroutinefunction(code) or inspect.isasyncgenfunction(code):
            raise HandlerInvalid(
                f"{called} is an async function, which only begins when it is called; register a plain one "
                "(asyncio.run can call it)"
            )
        if inspect.isgeneratorfunction(code):
            raise HandlerInvalid(
                f"{called} is a generator, which only begins when it is called; return what it fires, "
                "several in a list"
            )
    try:
        signature = inspect.signature(function)
    except (ValueError, TypeError):  # of some that are written in C
        return
    try:
        signature.bind(object())
    except TypeError:
        takes = ", ".join(signature.parameters)
        raise HandlerInvalid(
            f"{called} takes ({takes}), and is called with one argument; give it exactly one parameter "
            "without a default, which is given what it is owed for"
        ) from None
