"""From a notebook and parameters to a report: schema, kernel, runner, publication, command line."""
