"""Between live objects and JSON: events, ticks, values, exceptions, outcomes."""
