"""From files to surveys: instruments, codebooks, readers, examples, simulation."""
