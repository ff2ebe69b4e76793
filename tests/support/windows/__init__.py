"""The same for a winnt Apache in the lab, which is wine."""
