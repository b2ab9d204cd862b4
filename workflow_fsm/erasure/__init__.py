"""Erasure: a user is forgotten, and a stub stands in the user's place."""
