"""Ahead of its turn: what is asked of a far store before it is needed, and decided before its commit."""
