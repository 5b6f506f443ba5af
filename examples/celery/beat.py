"""What another release calls its tasks."""

from app import app


@app.task(name="beat.daily")
def daily(token: str) -> None:
    """Deliver a report, under a name that nobody asks for."""
