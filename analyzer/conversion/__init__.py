"""A source model becomes a `.tflite`, in a child process, with everything that happened on the way."""
