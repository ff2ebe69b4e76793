"""HOW and where: the server this process belongs to."""
