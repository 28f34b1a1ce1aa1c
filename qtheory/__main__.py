"""``python -m qtheory`` is the ``qtheory`` command."""

from qtheory.cli import main

if __name__ == "__main__":
    main()
