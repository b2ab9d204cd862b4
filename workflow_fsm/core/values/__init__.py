"""The values that everything is made of: strict JSON, fields, money, instants."""
