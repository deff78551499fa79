"""Measure NVIDIA GPUs with NVML or nvidia-smi, and import its recordings."""
