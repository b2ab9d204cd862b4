"""Effects: what transitions owe, done at least once and in order, or told to a person."""
