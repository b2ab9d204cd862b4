"""The WebSocket `ws/{user_id}`: a user's transitions, as they happen and none missed."""
