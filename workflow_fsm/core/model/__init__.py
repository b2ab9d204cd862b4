"""The model: what is stored of a user, as the core holds it, and where it reads and changes that."""
