"""The tables of the journal, as numbered migrations.

A wall-clock instant (`began`, `finished`, `wall`) is in Unix seconds; every other time is in
seconds, and an instant of a boot counts from its trigger. What has no column of its own stands in
JSON. A migration that was released never changes: what comes later is a new one, at the end.
"""

from __future__ import annotations

#: Marks a SQLite file as a journal (`PRAGMA application_id`): "boot" in ASCII.
APPLICATION = 0x626F6F74

_FIRST = """
CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    gate_file TEXT,
    began REAL NOT NULL,
    finished REAL,               -- NULL: running, killed, or on another machine (bootgate log)
    verdict TEXT,
    engine TEXT,
    bootgate TEXT,               -- the version of pytest-bootgate
    host_name TEXT,
    pid INTEGER,
    pid_started INTEGER,         -- in clock ticks since the machine started
    kernel TEXT,                 -- which start of the machine, and which of its pid namespaces
    machine_id TEXT,
    machine TEXT,                -- facts as JSON
    result TEXT                  -- the complete result as JSON, once finished
) STRICT;
CREATE INDEX runs_by_began ON runs (began);
CREATE TABLE releases (
    run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    image TEXT,
    identity TEXT,               -- the image's digest
    version TEXT,
    recorded TEXT,               -- where it was taken from, if it was not booted
    PRIMARY KEY (run, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE boots (
    id TEXT PRIMARY KEY,
    run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    target TEXT NOT NULL,
    release TEXT NOT NULL,
    version TEXT,
    host TEXT NOT NULL,
    number INTEGER NOT NULL,     -- of its pair; 0: thrown away
    attempt INTEGER NOT NULL,
    start TEXT NOT NULL,         -- cold or warm
    during TEXT NOT NULL,        -- campaign, or upgrade (in place)
    began REAL NOT NULL,
    outcome TEXT,                -- NULL: in flight
    detail TEXT,
    phase TEXT,                  -- in which it ended without a proof
    seconds REAL,                -- from trigger to proof
    ended REAL,
    timeout REAL,
    accepted REAL,
    ready REAL,                  -- from the gateway's start to ready
    cpu_seconds REAL,
    exit_code INTEGER,
    whole TEXT                   -- everything known of it, as JSON
) STRICT;
CREATE INDEX boots_by_began ON boots (began);
CREATE INDEX boots_by_run ON boots (run, began);
CREATE INDEX boots_by_version ON boots (version, began);
CREATE INDEX boots_by_outcome ON boots (outcome, began);
CREATE INDEX boots_by_target ON boots (target, began);
CREATE TABLE marks (
    boot TEXT NOT NULL REFERENCES boots (id) ON DELETE CASCADE,
    phase TEXT NOT NULL,
    at REAL NOT NULL,
    seconds REAL,
    PRIMARY KEY (boot, phase)
) STRICT, WITHOUT ROWID;
CREATE TABLE stages (
    boot TEXT NOT NULL REFERENCES boots (id) ON DELETE CASCADE,
    source TEXT NOT NULL,
    name TEXT NOT NULL,
    phase TEXT,
    at REAL,                     -- the system's own clock
    seconds REAL NOT NULL
) STRICT;
CREATE INDEX stages_by_boot ON stages (boot);
CREATE TABLE told (
    boot TEXT NOT NULL REFERENCES boots (id) ON DELETE CASCADE,
    channel TEXT NOT NULL,
    says TEXT NOT NULL,
    at REAL,                     -- NULL: never
    text TEXT NOT NULL,
    PRIMARY KEY (boot, channel)
) STRICT, WITHOUT ROWID;
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    boot TEXT REFERENCES boots (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    wall REAL NOT NULL,
    at REAL,
    rest TEXT NOT NULL           -- JSON
) STRICT;
CREATE INDEX events_by_run ON events (run);
CREATE INDEX events_by_boot ON events (boot);
CREATE TABLE verdicts (
    run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    host TEXT NOT NULL,
    target TEXT NOT NULL,
    verdict TEXT,                -- NULL: left out by the gate file
    findings TEXT NOT NULL,      -- JSON
    broken TEXT,
    PRIMARY KEY (run, host, target)
) STRICT, WITHOUT ROWID;
CREATE VIEW boot_log AS
    SELECT datetime(b.began, 'unixepoch') AS began_utc, r.gate_file, b.run, b.host, b.target,
        b.release, b.version, b.number, b.attempt, b.start, b.during,
        coalesce(b.outcome, 'in flight') AS outcome, b.seconds,
        round(100 * coalesce(b.seconds, b.ended) / b.timeout, 1) AS percent_of_timeout,
        b.timeout, b.phase, b.detail, b.id AS boot
    FROM boots b JOIN runs r ON r.id = b.run;
CREATE VIEW boots_in_flight AS
    SELECT datetime(b.began, 'unixepoch') AS began_utc, r.gate_file, b.run, r.host_name, r.pid,
        b.host, b.target, b.release, b.version, b.number, b.attempt,
        (SELECT m.phase FROM marks m WHERE m.boot = b.id ORDER BY m.at DESC LIMIT 1) AS last_mark,
        b.id AS boot
    FROM boots b JOIN runs r ON r.id = b.run
    WHERE b.outcome IS NULL;
CREATE VIEW last_boots AS
    SELECT datetime(max(b.began), 'unixepoch') AS began_utc, r.gate_file, b.run, b.host, b.target,
        b.release, b.version, b.outcome, b.seconds,
        round(100 * coalesce(b.seconds, b.ended) / b.timeout, 1) AS percent_of_timeout,
        b.id AS boot
    FROM boots b JOIN runs r ON r.id = b.run
    WHERE b.number > 0 AND b.outcome IS NOT NULL
    GROUP BY r.gate_file, b.host, b.target, b.release;
"""

#: The words of 0.2.0: a profile was a host, a signal was told, propagation was silence, and the
#: verdicts inconclusive and error were unsure and broken. In JSON a quote inside of a text is
#: escaped, so ``"verdict":"broken"`` is never part of one.
_WORDS = """
DROP VIEW IF EXISTS boot_log;
DROP VIEW IF EXISTS boots_in_flight;
DROP VIEW IF EXISTS last_boots;
ALTER TABLE boots RENAME COLUMN host TO profile;
ALTER TABLE verdicts RENAME COLUMN host TO profile;
ALTER TABLE verdicts RENAME COLUMN broken TO error;
ALTER TABLE told RENAME TO signals;
ALTER TABLE signals RENAME COLUMN channel TO name;
ALTER TABLE signals RENAME COLUMN says TO means;
UPDATE boots SET during = 'propagation' WHERE during = 'silence';
UPDATE boots SET whole = json_remove(
        json_set(whole, '$.profile', json_extract(whole, '$.host'), '$.signals', (
            SELECT json_group_array(json_object(
                'name', json_extract(one.value, '$.channel'),
                'means', json_extract(one.value, '$.says'),
                'at', json_extract(one.value, '$.at'),
                'text', json_extract(one.value, '$.text')))
            FROM json_each(whole, '$.told') AS one)),
        '$.host', '$.told')
    WHERE json_valid(whole) AND json_type(whole, '$.host') IS NOT NULL;
UPDATE runs SET verdict = CASE verdict WHEN 'unsure' THEN 'inconclusive' ELSE 'error' END
    WHERE verdict IN ('unsure', 'broken');
UPDATE verdicts SET verdict = CASE verdict WHEN 'unsure' THEN 'inconclusive' ELSE 'error' END
    WHERE verdict IN ('unsure', 'broken');
UPDATE verdicts SET target = substr(target, 1, length(target) - 7) || 'propagation'
    WHERE target LIKE '%::silence';
UPDATE verdicts SET findings = replace(replace(replace(replace(findings,
    '"verdict":"unsure"', '"verdict":"inconclusive"'), '"verdict":"broken"', '"verdict":"error"'),
    '"kind":"unsure"', '"kind":"inconclusive"'), '"subject":"silence"', '"subject":"propagation"');
UPDATE events SET kind = 'failure_reported' WHERE kind = 'failure_told';
UPDATE events SET rest = replace(rest, '"channel":', '"signal":')
    WHERE kind IN ('failure_reported', 'task_completed');
UPDATE events SET rest = replace(replace(rest,
    '"host":"', '"profile":"'), '::silence","', '::propagation","')
    WHERE kind IN ('host_warned', 'verdict_given');
UPDATE events SET rest = replace(replace(replace(replace(replace(rest,
    '"verdict":"unsure"', '"verdict":"inconclusive"'), '"verdict":"broken"', '"verdict":"error"'),
    '"kind":"unsure"', '"kind":"inconclusive"'), '"subject":"silence"', '"subject":"propagation"'),
    '"broken":', '"error":')
    WHERE kind = 'verdict_given';
CREATE VIEW boot_log AS
    SELECT datetime(b.began, 'unixepoch') AS began_utc, r.gate_file, b.run, b.profile, b.target,
        b.release, b.version, b.number, b.attempt, b.start, b.during,
        coalesce(b.outcome, 'in flight') AS outcome, b.seconds,
        round(100 * coalesce(b.seconds, b.ended) / b.timeout, 1) AS percent_of_timeout,
        b.timeout, b.phase, b.detail, b.id AS boot
    FROM boots b JOIN runs r ON r.id = b.run;
CREATE VIEW boots_in_flight AS
    SELECT datetime(b.began, 'unixepoch') AS began_utc, r.gate_file, b.run, r.host_name, r.pid,
        b.profile, b.target, b.release, b.version, b.number, b.attempt,
        (SELECT m.phase FROM marks m WHERE m.boot = b.id ORDER BY m.at DESC LIMIT 1) AS last_mark,
        b.id AS boot
    FROM boots b JOIN runs r ON r.id = b.run
    WHERE b.outcome IS NULL;
CREATE VIEW last_boots AS
    SELECT datetime(max(b.began), 'unixepoch') AS began_utc, r.gate_file, b.run, b.profile,
        b.target, b.release, b.version, b.outcome, b.seconds,
        round(100 * coalesce(b.seconds, b.ended) / b.timeout, 1) AS percent_of_timeout,
        b.id AS boot
    FROM boots b JOIN runs r ON r.id = b.run
    WHERE b.number > 0 AND b.outcome IS NOT NULL
    GROUP BY r.gate_file, b.profile, b.target, b.release;
"""

#: What leads from each schema version to the next, the first from an empty file.
MIGRATIONS: tuple[str, ...] = (_FIRST, _WORDS)
#: The version that this code reads and writes (`PRAGMA user_version`).
VERSION = len(MIGRATIONS)
