"""Several Docker hosts as one engine: each boot is on one of them, which is leased."""
