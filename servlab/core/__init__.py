"""What every layer uses: errors, checks, column names, linear algebra, threads."""
