"""The tasks of the application."""

from urllib.request import urlopen

from app import app


@app.task(name="reports.daily")
def daily(token: str) -> None:
    """Deliver a report."""
    urlopen(f"http://127.0.0.1:8099/{token}", data=b"report").close()
