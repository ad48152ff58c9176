"""A linter for `.tflite`, and the flight recorder of the conversion that made it."""
