"""``python -m parcap``."""

from parcap._cli import main

main()
