"""The judgement: rules read facts and return findings; they never open a file, start a process or import TensorFlow."""
