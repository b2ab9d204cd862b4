"""Serving: gunicorn, the worker beside it, slow clients, and a start that says what is wrong."""
