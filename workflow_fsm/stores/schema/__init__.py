"""The schema of a store as versions see it that know more migrations, or fewer, than it has."""
