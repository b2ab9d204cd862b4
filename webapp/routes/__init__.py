"""The routes: each reads a request, asks the workflow, and answers."""
