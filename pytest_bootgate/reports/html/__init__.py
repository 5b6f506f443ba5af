"""One self-contained HTML page of what a run found."""
