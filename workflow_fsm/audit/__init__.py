"""Is the store sound: everything read, chains folded, events and money added up, copies compared."""
