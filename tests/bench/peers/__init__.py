"""This project beside others' libraries: the same work, durable on each side, done by turns."""
