"""Rules on 16x8 quantization."""
