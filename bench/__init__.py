"""Workloads on this machine: rates, latency, CPU, memory and disk, and ratios to a bare loop of the same rows."""
