"""Programs of other people's making, installed for the tests beside the scripts that use them."""

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
NPM = ["npm", "install", "--ignore-scripts", "--omit=optional", "--no-package-lock", "--no-audit", "--no-fund"]


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the scripts and what they import installed beside them."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("node and npm are not on the PATH; install Node.js 18 or newer to run this")
    directory: Path = tmp_path_factory.mktemp("workshop")
    for name in ("package.json", "trade.js", "validate.js"):
        shutil.copy(HERE / name, directory)
    done = subprocess.run(NPM, cwd=directory, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode:
        pytest.skip(f"npm could not install what package.json names: {done.stderr[-500:]}")
    return directory
