"""Writers of JSON: each an encoder that is made once, where the standard library makes one for every text."""

from __future__ import annotations

import json
import json.encoder
from collections.abc import Callable


def json_writer(
    *,
    ascii_only: bool = True,
    sort_keys: bool = False,
    default: Callable[[object], object] | None = None,
) -> Callable[[object], str]:
    """Give a function that writes values as compact JSON; `default` stands in for what isn't JSON's own.

    Values must not hold themselves: nobody looks for it. NaN and infinity raise ValueError.
    """
    encoder = json.JSONEncoder(
        ensure_ascii=ascii_only,
        check_circular=False,
        allow_nan=False,
        sort_keys=sort_keys,
        separators=(",", ":"),
        default=default,
    )
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:  # a Python without the accelerator in C
        return encoder.encode
    # What `encoder.iterencode` makes and uses once, with the same arguments.
    text = json.encoder.encode_basestring_ascii if ascii_only else json.encoder.encode_basestring
    encode = make(None, encoder.default, text, None, ":", ",", sort_keys, False, False)

    def write(value: object) -> str:
        return "".join(encode(value, 0))

    return write
