"""Plans: many studies from one file, run unattended, each only when something changed."""
