"""``python -m servlab`` is the command line."""

from servlab.studies.cli import main

if __name__ == "__main__":
    main()
