"""How fast headstart is beside the loops that people write today: ``make bench``."""
