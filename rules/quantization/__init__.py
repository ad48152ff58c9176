"""Rules on quantized models."""
