"""`python -m load_tests.comparison`: see `command`."""

from load_tests.comparison.command import command

if __name__ == "__main__":
    command()
