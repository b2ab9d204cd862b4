"""Access: where a request comes from, who sends it, and what they may do."""
