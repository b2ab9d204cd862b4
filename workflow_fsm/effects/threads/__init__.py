"""Threads: those of a worker, watched, and shared among its handlers."""
