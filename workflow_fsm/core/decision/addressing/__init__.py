"""Addressing: whom an event is for, and who could be meant where nobody can tell."""
