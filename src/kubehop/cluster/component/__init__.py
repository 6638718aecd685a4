"""One component, one file: each returns data and starts nothing."""
