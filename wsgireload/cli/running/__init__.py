"""The running monitors of this machine, and the processes they belong to."""
