"""Registration: which handlers this process has the code of, and what can be one at all."""
