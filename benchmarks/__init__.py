"""Benchmarks: servlab beside what a user would pick instead."""
