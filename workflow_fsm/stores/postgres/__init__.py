"""The store on PostgreSQL: pooled connections, statements in a pipeline, any number of hosts."""
