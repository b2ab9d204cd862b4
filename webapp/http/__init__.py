"""HTTP itself: requests read, credentials proved, answers and problems written, lines logged."""
