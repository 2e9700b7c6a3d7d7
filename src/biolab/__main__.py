"""``python -m biolab`` is the command line."""

from biolab.cli import main

if __name__ == "__main__":
    main()
