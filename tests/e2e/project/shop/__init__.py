"""A shop with one page."""
