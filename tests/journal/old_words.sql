BEGIN TRANSACTION;
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
INSERT INTO "boots" VALUES('older-candidate-1','older','isolated','candidate','2.0','low-spec',1,1,'cold','campaign',1793491201.0,'timed_out','no proof within 2 s','task_started',NULL,2.0,2.0,0.01,0.3,0.2,NULL,'{"target":"isolated","release":"candidate","host":"low-spec","number":1,"start":"cold","id":"older-candidate-1","attempt":1,"warm_up":false,"held":"","outcome":"timed_out","detail":"no proof within 2 s","stalled":0.0,"timeout":2.0,"ended":2.0,"seconds":null,"accepted":0.01,"triggered":true,"ready":0.3,"phases":[{"name":"engine","at":0.1,"seconds":0.1,"optional":false},{"name":"task_started","at":null,"seconds":null,"optional":false}],"stages":[{"source":"engine","name":"plugins","seconds":0.04,"at":0.02,"phase":"engine"}],"told":[{"channel":"log","says":"failed","at":2.1,"text":"job failed"}],"cpu_seconds":0.2,"exit_code":null,"load":null,"others_busy":null,"waiting_cores":null,"disk_read":null,"throttled":0.0,"run_delay":0.05,"others_cpu":0.1,"identity":"","version":"2.0","notes":[],"recorded":false,"tails":{"gateway.out":["engine ready"]},"wall":null,"answers":{},"nearest":{}}');
INSERT INTO "boots" VALUES('older-candidate-2','older','isolated','candidate','2.0','default',2,1,'cold','silence',1793491202.0,'timed_out','no proof within 2 s','task_started',NULL,2.0,2.0,0.01,0.3,0.2,NULL,'{"target":"isolated","release":"candidate","host":"default","number":2,"start":"cold","id":"older-candidate-2","attempt":1,"warm_up":false,"held":"","outcome":"timed_out","detail":"no proof within 2 s","stalled":0.0,"timeout":2.0,"ended":2.0,"seconds":null,"accepted":0.01,"triggered":true,"ready":0.3,"phases":[{"name":"engine","at":0.1,"seconds":0.1,"optional":false},{"name":"task_started","at":null,"seconds":null,"optional":false}],"stages":[{"source":"engine","name":"plugins","seconds":0.04,"at":0.02,"phase":"engine"}],"told":[{"channel":"log","says":"failed","at":2.1,"text":"job failed"}],"cpu_seconds":0.2,"exit_code":null,"load":null,"others_busy":null,"waiting_cores":null,"disk_read":null,"throttled":0.0,"run_delay":0.05,"others_cpu":0.1,"identity":"","version":"2.0","notes":[],"recorded":false,"tails":{"gateway.out":["engine ready"]},"wall":null,"answers":{},"nearest":{}}');
INSERT INTO "boots" VALUES('older-candidate-3','older','isolated','candidate','2.0','default',3,1,'cold','campaign',1793491203.0,'lost','its end was not heard of',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    boot TEXT REFERENCES boots (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    wall REAL NOT NULL,
    at REAL,
    rest TEXT NOT NULL           -- JSON
) STRICT;
INSERT INTO "events" VALUES(1,'older',NULL,'run_began',1793491200.0,NULL,'{}');
INSERT INTO "events" VALUES(2,'older','older-candidate-1','boot_began',1793491201.0,NULL,'{}');
INSERT INTO "events" VALUES(3,'older','older-candidate-1','trigger_sent',1793491201.0,0.0,'{}');
INSERT INTO "events" VALUES(4,'older','older-candidate-1','trigger_accepted',1793491201.0,0.01,'{}');
INSERT INTO "events" VALUES(5,'older','older-candidate-1','phase_reached',1793491201.0,0.1,'{"phase":"engine"}');
INSERT INTO "events" VALUES(6,'older','older-candidate-1','boot_timed_out',1793491201.0,2.0,'{"phase":"task_started","detail":"no proof within 2 s"}');
INSERT INTO "events" VALUES(7,'older','older-candidate-1','failure_told',1793491201.0,2.1,'{"channel":"log","text":"job failed","late":0.1}');
INSERT INTO "events" VALUES(8,'older','older-candidate-1','boot_ended',1793491201.0,2.0,'{}');
INSERT INTO "events" VALUES(9,'older','older-candidate-2','boot_began',1793491202.0,NULL,'{}');
INSERT INTO "events" VALUES(10,'older','older-candidate-2','trigger_sent',1793491202.0,0.0,'{}');
INSERT INTO "events" VALUES(11,'older','older-candidate-2','trigger_accepted',1793491202.0,0.01,'{}');
INSERT INTO "events" VALUES(12,'older','older-candidate-2','phase_reached',1793491202.0,0.1,'{"phase":"engine"}');
INSERT INTO "events" VALUES(13,'older','older-candidate-2','boot_timed_out',1793491202.0,2.0,'{"phase":"task_started","detail":"no proof within 2 s"}');
INSERT INTO "events" VALUES(14,'older','older-candidate-2','failure_told',1793491202.0,2.1,'{"channel":"log","text":"job failed","late":0.1}');
INSERT INTO "events" VALUES(15,'older','older-candidate-2','boot_ended',1793491202.0,2.0,'{}');
INSERT INTO "events" VALUES(16,'older','older-candidate-3','task_completed',1793491203.0,0.6,'{"channel":"log"}');
INSERT INTO "events" VALUES(17,'older',NULL,'host_warned',1793491204.0,NULL,'{"host":"low-spec","target":"isolated","text":"the host has 1 CPU"}');
INSERT INTO "events" VALUES(18,'older',NULL,'verdict_given',1793491205.0,NULL,'{"host":"low-spec","target":"isolated","verdict":"unsure","findings":[{"verdict":"unsure","subject":"boot","text":"3 % slower: \"verdict\":\"broken\" is a text","timed":false,"kind":"unsure"}],"broken":null}');
INSERT INTO "events" VALUES(19,'older',NULL,'verdict_given',1793491205.0,NULL,'{"host":"default","target":"isolated::silence","verdict":"broken","findings":[{"verdict":"broken","subject":"silence","text":"the stall did not hold","timed":false,"kind":""}],"broken":null}');
INSERT INTO "events" VALUES(20,'older',NULL,'verdict_given',1793491205.0,NULL,'{"host":"default","target":"main","verdict":"broken","findings":[],"broken":"the engine went away"}');
INSERT INTO "events" VALUES(21,'older',NULL,'run_ended',1793491206.0,NULL,'{}');
CREATE TABLE marks (
    boot TEXT NOT NULL REFERENCES boots (id) ON DELETE CASCADE,
    phase TEXT NOT NULL,
    at REAL NOT NULL,
    seconds REAL,
    PRIMARY KEY (boot, phase)
) STRICT, WITHOUT ROWID;
INSERT INTO "marks" VALUES('older-candidate-1','engine',0.1,0.1);
INSERT INTO "marks" VALUES('older-candidate-2','engine',0.1,0.1);
CREATE TABLE releases (
    run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    image TEXT,
    identity TEXT,               -- the image's digest
    version TEXT,
    recorded TEXT,               -- where it was taken from, if it was not booted
    PRIMARY KEY (run, name)
) STRICT, WITHOUT ROWID;
INSERT INTO "releases" VALUES('older','baseline','gateway:1.0','sha256:1.0','1.0',NULL);
INSERT INTO "releases" VALUES('older','candidate','gateway:2.0','sha256:2.0','2.0',NULL);
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
INSERT INTO "runs" VALUES('older','/srv/bootgate.yaml',1793491200.0,1793491206.0,'broken','docker 20.10','0.1.0','vm',16213,4228539,'f363a6ba-8a6f-49d3-9a08-88f718a9bbd5 pid:[4026531836]','3d1219c7c4c5404aaa1f6d2a48adfda4','{"system":"Linux 6","python":"3.11","cpus":2,"memory":17179869184,"load":0.1,"load5":null,"load15":null,"cpu_limit":null,"memory_limit":null,"available":null,"uptime":null,"disk":"","disk_free":null,"pressure":{},"engine_cpus":null,"engine_memory":null}','{"schema":"bootgate-result/1","file":"/srv/bootgate.yaml","at":"2026-11-01T00:00:00+00:00","bootgate":"0.1.0","run":"older","engine":"docker 20.10","why_engine":"it was asked for","machine":{"system":"Linux 6","python":"3.11","cpus":2,"memory":17179869184,"load":0.1,"load5":null,"load15":null,"cpu_limit":null,"memory_limit":null,"available":null,"uptime":null,"disk":"","disk_free":null,"pressure":{},"engine_cpus":null,"engine_memory":null},"releases":{"baseline":{"image":"gateway:1.0","identity":"sha256:1.0","version":"1.0","recorded":null,"granted":[]},"candidate":{"image":"gateway:2.0","identity":"sha256:2.0","version":"2.0","recorded":null,"granted":[]}},"targets":[{"target":"isolated","host":"low-spec","runs_as":"isolated","rules":{"timeout":2.0,"near":0.8,"warn":0.6,"least":1,"most":1,"slower":0.1,"unsure":"fail","cpus":null,"retries":0,"retry_pause":0.0,"noise":3.0,"phases":{},"ready_timeout":120.0},"boots":[{"target":"isolated","release":"candidate","host":"low-spec","number":1,"start":"cold","id":"older-candidate-1","attempt":1,"warm_up":false,"held":"","outcome":"timed_out","detail":"no proof within 2 s","stalled":0.0,"timeout":2.0,"ended":2.0,"seconds":null,"accepted":0.01,"triggered":true,"ready":0.3,"phases":[{"name":"engine","at":0.1,"seconds":0.1,"optional":false},{"name":"task_started","at":null,"seconds":null,"optional":false}],"stages":[{"source":"engine","name":"plugins","seconds":0.04,"at":0.02,"phase":"engine"}],"told":[{"channel":"log","says":"failed","at":2.1,"text":"job failed"}],"cpu_seconds":0.2,"exit_code":null,"load":null,"others_busy":null,"waiting_cores":null,"disk_read":null,"throttled":0.0,"run_delay":0.05,"others_cpu":0.1,"identity":"","version":"2.0","notes":[],"recorded":false,"tails":{"gateway.out":["engine ready"]},"wall":null,"answers":{},"nearest":{},"net_seconds":null}],"judgement":{"verdict":"unsure","findings":[{"verdict":"unsure","subject":"boot","text":"3 % slower: \"verdict\":\"broken\" is a text","timed":false,"kind":"unsure"}],"headrooms":{},"regression":null,"attribution":null,"phases":[],"next_look":null,"notes":[],"stopped":"","host":""},"left_out":null,"broken":null,"notes":[],"machine":null,"verdict":"unsure"},{"target":"main","host":"default","runs_as":"main","rules":{"timeout":2.0,"near":0.8,"warn":0.6,"least":1,"most":1,"slower":0.1,"unsure":"fail","cpus":null,"retries":0,"retry_pause":0.0,"noise":3.0,"phases":{},"ready_timeout":120.0},"boots":[],"judgement":null,"left_out":null,"broken":"the engine went away","notes":[],"machine":null,"verdict":"broken"}],"measures":"","takeovers":[{"host":"default","takeover":null,"findings":[],"broken":"no engine","verdict":"broken"}],"silences":[{"target":"isolated","host":"default","stall":null,"findings":[{"verdict":"broken","subject":"silence","text":"the stall did not hold","timed":false,"kind":""}],"broken":"the stall did not hold","verdict":"broken"}],"unjudged":[],"broken":null,"lines":{"isolated::silence":7,"isolated":5},"waited":0.0,"verdict":"broken","digest":"3ae92246d6f4964d0eb38abc75b4096359543d38e1e320dc30b3e5790cc0ead2"}');
CREATE TABLE stages (
    boot TEXT NOT NULL REFERENCES boots (id) ON DELETE CASCADE,
    source TEXT NOT NULL,
    name TEXT NOT NULL,
    phase TEXT,
    at REAL,                     -- the system's own clock
    seconds REAL NOT NULL
) STRICT;
INSERT INTO "stages" VALUES('older-candidate-1','engine','plugins','engine',0.02,0.04);
INSERT INTO "stages" VALUES('older-candidate-2','engine','plugins','engine',0.02,0.04);
CREATE TABLE told (
    boot TEXT NOT NULL REFERENCES boots (id) ON DELETE CASCADE,
    channel TEXT NOT NULL,
    says TEXT NOT NULL,
    at REAL,                     -- NULL: never
    text TEXT NOT NULL,
    PRIMARY KEY (boot, channel)
) STRICT, WITHOUT ROWID;
INSERT INTO "told" VALUES('older-candidate-1','log','failed',2.1,'job failed');
INSERT INTO "told" VALUES('older-candidate-2','log','failed',2.1,'job failed');
CREATE TABLE verdicts (
    run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    host TEXT NOT NULL,
    target TEXT NOT NULL,
    verdict TEXT,                -- NULL: left out by the gate file
    findings TEXT NOT NULL,      -- JSON
    broken TEXT,
    PRIMARY KEY (run, host, target)
) STRICT, WITHOUT ROWID;
INSERT INTO "verdicts" VALUES('older','default','isolated::silence','broken','[{"verdict":"broken","subject":"silence","text":"the stall did not hold","timed":false,"kind":""}]',NULL);
INSERT INTO "verdicts" VALUES('older','default','main','broken','[]','the engine went away');
INSERT INTO "verdicts" VALUES('older','low-spec','isolated','unsure','[{"verdict":"unsure","subject":"boot","text":"3 % slower: \"verdict\":\"broken\" is a text","timed":false,"kind":"unsure"}]',NULL);
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
COMMIT;
PRAGMA application_id = 1651470196;
PRAGMA user_version = 1;
