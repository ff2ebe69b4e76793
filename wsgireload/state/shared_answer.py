"""One answer for a process group: the process that has the lock finds it, the others read it."""

from __future__ import annotations

from wsgireload.state.private_dir import Candidates, PrivateFile

LATELY = 10.0  # seconds in which the processes of a group notice the same change
MOST_BYTES = 65536


class SharedAnswer:
    """`take` a question, `publish` the answer. Without a file each process finds its own.

    `name` is the name of the file, the same for the whole group.
    """

    def __init__(self, folders: Candidates, name: str) -> None:
        self._folders = folders
        self._name = name
        self._locked: PrivateFile | None = None
        self._question = ""

    def take(self, question: str, lately: float = LATELY) -> str | bool:
        """The answer, if it was published so many seconds ago at most.

        True: find it yourself; False: another process does.
        """
        self.release()
        self._question = question
        try:
            self._locked = file = self._folders.lock_file(self._name)
            if file is None:
                return False
            answered, _, answer = file.read(MOST_BYTES).decode("utf-8", "replace").partition("\n")
            if answer and answered == question and file.age() < lately:
                self.release()
                return answer
        except OSError as error:
            self._report(error)
        return True

    def publish(self, answer: str) -> None:
        """Let the others read the answer, if this process has taken the question."""
        if self._locked is not None:
            try:
                self._locked.write(f"{self._question}\n{answer}".encode()[:MOST_BYTES])
                self._locked.unlock()
            except OSError as error:
                self._report(error)
            self.release()

    def release(self) -> None:
        """Let another process find the answer."""
        if self._locked is not None:
            self._locked.close()
            self._locked = None

    def _report(self, error: OSError) -> None:
        self._folders.trouble(f"each process of the group runs its own check: {error}")
