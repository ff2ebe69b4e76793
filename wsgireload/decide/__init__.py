"""MAY the process be replaced, and now? One gate per module."""
