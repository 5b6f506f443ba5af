BEGIN TRANSACTION;
CREATE TABLE boots (
    id TEXT PRIMARY KEY,
    run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    target TEXT NOT NULL,
    release TEXT NOT NULL,
    version TEXT,
    profile TEXT NOT NULL,
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
INSERT INTO "boots" VALUES('first-baseline-1','first','isolated','baseline','1.0','default',1,1,'cold','campaign',1793491200.0,'started','',NULL,0.4,0.4,2.0,0.01,0.3,0.2,NULL,'{"target":"isolated","release":"baseline","profile":"default","number":1,"start":"cold","id":"first-baseline-1","attempt":1,"warm_up":false,"held":"","outcome":"started","detail":"","stalled":0.0,"timeout":2.0,"ended":0.4,"seconds":0.4,"accepted":0.01,"triggered":true,"ready":0.3,"phases":[{"name":"engine","at":0.1,"seconds":0.1,"optional":false},{"name":"task_started","at":0.4,"seconds":0.30000000000000004,"optional":false}],"stages":[{"source":"engine","name":"plugins","seconds":0.04,"at":0.02,"phase":"engine"}],"signals":[],"cpu_seconds":0.2,"exit_code":null,"load":null,"others_busy":null,"waiting_cores":null,"disk_read":null,"throttled":0.0,"run_delay":0.05,"others_cpu":0.1,"identity":"","version":"1.0","notes":[],"recorded":false,"tails":{"gateway.out":["engine ready"]},"wall":null,"answers":{},"nearest":{}}');
INSERT INTO "boots" VALUES('first-candidate-1','first','isolated','candidate','2.0','default',1,1,'cold','campaign',1793491201.0,'started','',NULL,0.5,0.5,2.0,0.01,0.3,0.2,NULL,'{"target":"isolated","release":"candidate","profile":"default","number":1,"start":"cold","id":"first-candidate-1","attempt":1,"warm_up":false,"held":"","outcome":"started","detail":"","stalled":0.0,"timeout":2.0,"ended":0.5,"seconds":0.5,"accepted":0.01,"triggered":true,"ready":0.3,"phases":[{"name":"engine","at":0.1,"seconds":0.1,"optional":false},{"name":"task_started","at":0.5,"seconds":0.4,"optional":false}],"stages":[{"source":"engine","name":"plugins","seconds":0.04,"at":0.02,"phase":"engine"}],"signals":[],"cpu_seconds":0.2,"exit_code":null,"load":null,"others_busy":null,"waiting_cores":null,"disk_read":null,"throttled":0.0,"run_delay":0.05,"others_cpu":0.1,"identity":"","version":"2.0","notes":[],"recorded":false,"tails":{"gateway.out":["engine ready"]},"wall":null,"answers":{},"nearest":{}}');
INSERT INTO "boots" VALUES('first-candidate-2','first','isolated','candidate','2.0','default',2,1,'cold','campaign',1793491202.0,'timed_out','no proof within 2 s','task_started',NULL,2.0,2.0,0.01,0.3,0.2,NULL,'{"target":"isolated","release":"candidate","profile":"default","number":2,"start":"cold","id":"first-candidate-2","attempt":1,"warm_up":false,"held":"","outcome":"timed_out","detail":"no proof within 2 s","stalled":0.0,"timeout":2.0,"ended":2.0,"seconds":null,"accepted":0.01,"triggered":true,"ready":0.3,"phases":[{"name":"engine","at":0.1,"seconds":0.1,"optional":false},{"name":"task_started","at":null,"seconds":null,"optional":false}],"stages":[{"source":"engine","name":"plugins","seconds":0.04,"at":0.02,"phase":"engine"}],"signals":[{"name":"log","means":"failed","at":2.1,"text":"job failed"}],"cpu_seconds":0.2,"exit_code":null,"load":null,"others_busy":null,"waiting_cores":null,"disk_read":null,"throttled":0.0,"run_delay":0.05,"others_cpu":0.1,"identity":"","version":"2.0","notes":[],"recorded":false,"tails":{"gateway.out":["engine ready"]},"wall":null,"answers":{},"nearest":{}}');
INSERT INTO "boots" VALUES('second-candidate-1','second','isolated','candidate','2.0','default',1,1,'cold','campaign',1793491211.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    boot TEXT REFERENCES boots (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    wall REAL NOT NULL,
    at REAL,
    rest TEXT NOT NULL           -- JSON
) STRICT;
INSERT INTO "events" VALUES(1,'first',NULL,'run_began',1793491200.0,NULL,'{}');
INSERT INTO "events" VALUES(2,'first','first-baseline-1','boot_began',1793491200.0,NULL,'{}');
INSERT INTO "events" VALUES(3,'first','first-baseline-1','trigger_sent',1793491200.0,0.0,'{}');
INSERT INTO "events" VALUES(4,'first','first-baseline-1','trigger_accepted',1793491200.0,0.01,'{}');
INSERT INTO "events" VALUES(5,'first','first-baseline-1','phase_reached',1793491200.0,0.1,'{"phase":"engine"}');
INSERT INTO "events" VALUES(6,'first','first-baseline-1','phase_reached',1793491200.0,0.4,'{"phase":"task_started"}');
INSERT INTO "events" VALUES(7,'first','first-baseline-1','boot_succeeded',1793491200.0,0.4,'{}');
INSERT INTO "events" VALUES(8,'first','first-baseline-1','boot_ended',1793491200.0,0.4,'{}');
INSERT INTO "events" VALUES(9,'first','first-candidate-1','boot_began',1793491201.0,NULL,'{}');
INSERT INTO "events" VALUES(10,'first','first-candidate-1','trigger_sent',1793491201.0,0.0,'{}');
INSERT INTO "events" VALUES(11,'first','first-candidate-1','trigger_accepted',1793491201.0,0.01,'{}');
INSERT INTO "events" VALUES(12,'first','first-candidate-1','phase_reached',1793491201.0,0.1,'{"phase":"engine"}');
INSERT INTO "events" VALUES(13,'first','first-candidate-1','phase_reached',1793491201.0,0.5,'{"phase":"task_started"}');
INSERT INTO "events" VALUES(14,'first','first-candidate-1','boot_succeeded',1793491201.0,0.5,'{}');
INSERT INTO "events" VALUES(15,'first','first-candidate-1','boot_ended',1793491201.0,0.5,'{}');
INSERT INTO "events" VALUES(16,'first','first-candidate-2','boot_began',1793491202.0,NULL,'{}');
INSERT INTO "events" VALUES(17,'first','first-candidate-2','trigger_sent',1793491202.0,0.0,'{}');
INSERT INTO "events" VALUES(18,'first','first-candidate-2','trigger_accepted',1793491202.0,0.01,'{}');
INSERT INTO "events" VALUES(19,'first','first-candidate-2','phase_reached',1793491202.0,0.1,'{"phase":"engine"}');
INSERT INTO "events" VALUES(20,'first','first-candidate-2','boot_timed_out',1793491202.0,2.0,'{"phase":"task_started","detail":"no proof within 2 s"}');
INSERT INTO "events" VALUES(21,'first','first-candidate-2','failure_reported',1793491202.0,2.1,'{"signal":"log","text":"job failed","late":0.1}');
INSERT INTO "events" VALUES(22,'first','first-candidate-2','boot_ended',1793491202.0,2.0,'{}');
INSERT INTO "events" VALUES(23,'first',NULL,'verdict_given',1793491203.0,NULL,'{"profile":"default","target":"isolated","verdict":"pass","findings":[{"verdict":"pass","subject":"boot","text":"well inside","timed":false,"kind":""}],"error":null}');
INSERT INTO "events" VALUES(24,'first',NULL,'run_ended',1793491203.0,NULL,'{}');
INSERT INTO "events" VALUES(25,'second',NULL,'run_began',1793491210.0,NULL,'{}');
INSERT INTO "events" VALUES(26,'second','second-candidate-1','boot_began',1793491211.0,NULL,'{}');
INSERT INTO "events" VALUES(27,'second','second-candidate-1','trigger_sent',1793491211.0,0.0,'{}');
INSERT INTO "events" VALUES(28,'second','second-candidate-1','trigger_accepted',1793491211.0,0.01,'{}');
INSERT INTO "events" VALUES(29,'second','second-candidate-1','phase_reached',1793491211.0,0.1,'{"phase":"engine"}');
INSERT INTO "events" VALUES(30,'second','second-candidate-1','phase_reached',1793491211.0,0.5,'{"phase":"task_started"}');
INSERT INTO "events" VALUES(31,'second','second-candidate-1','boot_succeeded',1793491211.0,0.5,'{}');
CREATE TABLE marks (
    boot TEXT NOT NULL REFERENCES boots (id) ON DELETE CASCADE,
    phase TEXT NOT NULL,
    at REAL NOT NULL,
    seconds REAL,
    PRIMARY KEY (boot, phase)
) STRICT, WITHOUT ROWID;
INSERT INTO "marks" VALUES('first-baseline-1','engine',0.1,0.1);
INSERT INTO "marks" VALUES('first-baseline-1','task_started',0.4,3.00000000000000044408e-01);
INSERT INTO "marks" VALUES('first-candidate-1','engine',0.1,0.1);
INSERT INTO "marks" VALUES('first-candidate-1','task_started',0.5,0.4);
INSERT INTO "marks" VALUES('first-candidate-2','engine',0.1,0.1);
INSERT INTO "marks" VALUES('second-candidate-1','engine',0.1,NULL);
INSERT INTO "marks" VALUES('second-candidate-1','task_started',0.5,NULL);
CREATE TABLE releases (
    run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    image TEXT,
    identity TEXT,               -- the image's digest
    version TEXT,
    recorded TEXT,               -- where it was taken from, if it was not booted
    PRIMARY KEY (run, name)
) STRICT, WITHOUT ROWID;
INSERT INTO "releases" VALUES('first','baseline','gateway:1.0','sha256:1.0','1.0',NULL);
INSERT INTO "releases" VALUES('first','candidate','gateway:2.0','sha256:2.0','2.0',NULL);
INSERT INTO "releases" VALUES('second','baseline','gateway:1.0','sha256:1.0','1.0',NULL);
INSERT INTO "releases" VALUES('second','candidate','gateway:2.0','sha256:2.0','2.0',NULL);
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
INSERT INTO "runs" VALUES('first','/srv/bootgate.yaml',1793491200.0,1793491203.0,'error','docker 20.10','0.1.0','vm',16819,4231961,'f363a6ba-8a6f-49d3-9a08-88f718a9bbd5 pid:[4026531836]','3d1219c7c4c5404aaa1f6d2a48adfda4','{"system":"Linux 6","python":"3.11","cpus":2,"memory":17179869184,"load":0.1,"load5":null,"load15":null,"cpu_limit":null,"memory_limit":null,"available":null,"uptime":null,"disk":"","disk_free":null,"pressure":{},"engine_cpus":null,"engine_memory":null}','{"schema":"bootgate-result/2","file":"/srv/bootgate.yaml","at":"2026-11-01T00:00:00+00:00","bootgate":"0.1.0","run":"first","engine":"docker 20.10","why_engine":"it was asked for","machine":{"system":"Linux 6","python":"3.11","cpus":2,"memory":17179869184,"load":0.1,"load5":null,"load15":null,"cpu_limit":null,"memory_limit":null,"available":null,"uptime":null,"disk":"","disk_free":null,"pressure":{},"engine_cpus":null,"engine_memory":null},"releases":{"baseline":{"image":"gateway:1.0","identity":"sha256:1.0","version":"1.0","recorded":null,"granted":[]},"candidate":{"image":"gateway:2.0","identity":"sha256:2.0","version":"2.0","recorded":null,"granted":[]}},"targets":[{"target":"isolated","profile":"default","runs_as":"isolated","rules":{"timeout":2.0,"fail_at":0.8,"warn_at":0.6,"least":1,"most":1,"slower":0.1,"inconclusive":"warn","cpus":null,"retries":0,"retry_pause":0.0,"noise":3.0,"phases":{},"ready_timeout":120.0},"boots":[],"judgement":null,"left_out":null,"error":null,"notes":[],"machine":null,"verdict":"error"}],"measures":"","upgrades":[],"propagations":[],"unjudged":[],"error":null,"lines":{},"waited":0.0,"verdict":"error","digest":"5215ace91b0782ad54049a22bfb4c78513fa5c9f7f45d0ceed16cd2693fb028f"}');
INSERT INTO "runs" VALUES('second','/srv/bootgate.yaml',1793491210.0,NULL,NULL,'docker 20.10','0.1.0','vm',16819,4231961,'f363a6ba-8a6f-49d3-9a08-88f718a9bbd5 pid:[4026531836]','3d1219c7c4c5404aaa1f6d2a48adfda4','{"system":"Linux 6","python":"3.11","cpus":2,"memory":17179869184,"load":0.1,"load5":null,"load15":null,"cpu_limit":null,"memory_limit":null,"available":null,"uptime":null,"disk":"","disk_free":null,"pressure":{},"engine_cpus":null,"engine_memory":null}',NULL);
CREATE TABLE "signals" (
    boot TEXT NOT NULL REFERENCES boots (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    means TEXT NOT NULL,
    at REAL,                     -- NULL: never
    text TEXT NOT NULL,
    PRIMARY KEY (boot, name)
) STRICT, WITHOUT ROWID;
INSERT INTO "signals" VALUES('first-candidate-2','log','failed',2.1,'job failed');
CREATE TABLE stages (
    boot TEXT NOT NULL REFERENCES boots (id) ON DELETE CASCADE,
    source TEXT NOT NULL,
    name TEXT NOT NULL,
    phase TEXT,
    at REAL,                     -- the system's own clock
    seconds REAL NOT NULL
) STRICT;
INSERT INTO "stages" VALUES('first-baseline-1','engine','plugins','engine',0.02,0.04);
INSERT INTO "stages" VALUES('first-candidate-1','engine','plugins','engine',0.02,0.04);
INSERT INTO "stages" VALUES('first-candidate-2','engine','plugins','engine',0.02,0.04);
CREATE TABLE verdicts (
    run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    profile TEXT NOT NULL,
    target TEXT NOT NULL,
    verdict TEXT,                -- NULL: left out by the gate file
    findings TEXT NOT NULL,      -- JSON
    error TEXT,
    PRIMARY KEY (run, profile, target)
) STRICT, WITHOUT ROWID;
INSERT INTO "verdicts" VALUES('first','default','isolated','pass','[{"verdict":"pass","subject":"boot","text":"well inside","timed":false,"kind":""}]',NULL);
CREATE INDEX runs_by_began ON runs (began);
CREATE INDEX boots_by_began ON boots (began);
CREATE INDEX boots_by_run ON boots (run, began);
CREATE INDEX boots_by_version ON boots (version, began);
CREATE INDEX boots_by_outcome ON boots (outcome, began);
CREATE INDEX boots_by_target ON boots (target, began);
CREATE INDEX stages_by_boot ON stages (boot);
CREATE INDEX events_by_run ON events (run);
CREATE INDEX events_by_boot ON events (boot);
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
COMMIT;
PRAGMA application_id = 1651470196;
PRAGMA user_version = 2;
