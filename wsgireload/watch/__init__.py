"""WHEN to scan: what the operating system reports."""
