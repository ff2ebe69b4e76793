"""WHAT changed: sources, what was loaded, and what lies on disk."""
