"""A web API: it migrates its database at boot, warms its cache, then serves /health."""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pg8000.dbapi
import redis

#: Every release has some migrations; those of an earlier one are done already in production.
MIGRATIONS = [
    "CREATE TABLE orders (id serial PRIMARY KEY, item text, placed timestamptz DEFAULT now())",
    "INSERT INTO orders (item) SELECT 'item ' || n FROM generate_series(1, 20000) AS n",
    "CREATE INDEX orders_item ON orders (item)",
]
if slow := float(os.environ.get("SLOW_MIGRATION", "0")):
    MIGRATIONS.append(f"SELECT pg_sleep({slow})")  # a rewrite of a large table


def main() -> None:
    database = pg8000.dbapi.connect(
        user="api", password=os.environ["DB_PASSWORD"], host="db", database="api"
    )
    print("database connected", flush=True)
    cursor = database.cursor()
    for number, statement in enumerate(MIGRATIONS, 1):
        print(f"migration {number} of {len(MIGRATIONS)}", flush=True)
        cursor.execute(statement)
        database.commit()
    print("migrated", flush=True)
    cache = redis.Redis(host="cache")
    cursor.execute("SELECT count(*) FROM orders")
    cache.set("orders", cursor.fetchone()[0])
    print("cache warmed", flush=True)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"status": "ok", "orders": int(cache.get("orders"))}).encode()
            self.send_response(200 if self.path == "/health" else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("0.0.0.0", 8000), Handler)
    print(f"api {sys.argv[1] if len(sys.argv) > 1 else '?'} listening", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
