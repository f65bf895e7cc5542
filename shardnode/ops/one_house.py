"""The directories of one house, as offline commands are given them: all of one house, each of them once."""

from pathlib import Path

from shardnode.storage.offline import OfflineDirectory
from shardnode.storage.port import StorageFault


class OneHouse:
    """Those seen so far."""

    def __init__(self) -> None:
        self._directories: dict[str, Path] = {}
        """By their identities."""
        self._naming_key = b""

    def check(self, data_dir: Path, directory: OfflineDirectory) -> None:
        """Raise StorageFault for a directory that was named already, or belongs to another house."""
        same = self._directories.get(directory.identity)
        if same is not None:
            raise StorageFault(f"{data_dir}: is {same} again, or a copy of it; name each node's directory once")
        first = next(iter(self._directories.values()), data_dir)
        if self._naming_key not in (b"", directory.naming_key):
            raise StorageFault(
                f"{data_dir}: belongs to another house than {first}, its stores are named under another key; name the "
                "directories of one house together, and no others"
            )
        self._directories[directory.identity] = data_dir
        self._naming_key = directory.naming_key
