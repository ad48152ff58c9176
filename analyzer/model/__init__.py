"""A `.tflite` file becomes a checked `Model` and an operator graph."""
