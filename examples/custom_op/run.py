"""Runs a converted model with the operator from the library: `python run.py MODEL.tflite`."""

import sys
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter, load_delegate

library = load_delegate(str(Path(__file__).parent / "libsoft_threshold.so"))
interpreter = Interpreter(sys.argv[1], experimental_delegates=[library])
classify = interpreter.get_signature_runner()
[name] = classify.get_input_details()
[output] = classify(**{name: np.linspace(-1, 1, 16, dtype=np.float32)[None]}).values()
print(output[0])
