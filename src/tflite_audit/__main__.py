"""`python -m tflite_audit` is the command."""

from .cli import main

main()
