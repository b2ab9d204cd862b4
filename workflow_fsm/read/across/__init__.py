"""What operators ask across users, a page at a time: claims, money, users and their events, effects."""
