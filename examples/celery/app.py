"""The application of the worker; which tasks it has is a matter of its configuration."""

import os

from celery import Celery

app = Celery("app", broker="redis://broker:6379/0", include=[os.environ["TASKS"]])
app.conf.broker_connection_retry_on_startup = True
