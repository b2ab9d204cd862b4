"""This project beside itself as it was at a commit: the same work, done by both by turns."""
