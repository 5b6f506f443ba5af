"""What is known of a command before it runs."""

from __future__ import annotations

import pytest

from pytest_bootgate.gatefile.commands import ports_asked, ports_named, says, vain


@pytest.mark.parametrize(
    "script",
    [
        *("true", "/bin/true", ":", "exit 0", "echo up", "sleep 5", "A=b true", "true && true"),
        *("check || true", "check || :", "check || exit 0", "check || echo down", "a && b || true"),
        *("check; true", "check\ntrue\n", "check; exit 0", "check | true", "true || exit 1"),
        *("curl -fs http://localhost/ || true", "check >/dev/null 2>&1 || true"),
        *("", "# nothing", "exit", "echo up; exit", "check || true # x", "check || true; exit $?"),
        *("(check || true)", "{ check || true; }", "{ (check)\n exit 0; } 2>&1", "check &"),
        *("check | cat", "curl -fs http://x | tee /dev/null", "check | wc -l", "kill -0 1"),
        *("timeout 5 true", "env -u A B=c sh -c 'check || true'", "nice -n 5 true", "nohup true"),
        *("date", "date +%s", "hostname", "printf ok", "(check || exit 1); true", "id; pwd"),
        *("/usr/bin/uptime", "/usr/local/bin/date", "/app/uptime || true", "check | tail -f"),
        *("$HOME/check || true", "${BIN}/check || :", '"$(dirname x)/check" || true'),
        *("command -v curl || true", "check || command exit 0", "check; command true"),
        *("! check $A || true", "time check; true", "echo ${X:-what?}", "check $A || echo $B"),
        *("python3 -c pass", "node -e 'process.exit(0)'", "grep -q ';' x || true", 'sh -c ""'),
    ],
)
def test_what_always_succeeds(script):
    for shell in ("sh", "/bin/bash"):
        assert vain([shell, "-c", script]) == "always succeeds"


@pytest.mark.parametrize(
    "script",
    [
        *(
            "check",
            "false",
            "check && true",
            "a && b | true",
            "check || exit 1",
            "exit 1",
            "exit 2",
        ),
        *("check || exit 1; exit 0", "set -e; check; true", "if check; then exit 1; fi; true"),
        *("if check; then true; else false; fi", "check # || true", "! true", "true | check"),
        *("echo x > /dev/tcp/localhost/80", "exec check || true", ": ${ID:?}", "echo 'a"),
        *(
            "check; exit",
            "check || exit",
            "(check)",
            "{ check; }",
            "true & check",
            "check '; true'",
        ),
        *("{ check || exit 1; true; }", "{ check || exit 1; } || true", "check && exit 1 || true"),
        *(
            "timeout 5 sleep 9 || check",
            "check | cat file",
            "check | sort -c",
            "date -d x",
            "ls /x",
        ),
        *("kill 1 || true", "kill -0 7", "f() { true; }; check", "echo $(check", "cat <<E\nx\nE"),
        *("python3 -c 'import app'", "echo a | grep a", "printf %d x", "( check", "check )", "; ;"),
        *("curl -s http://x | grep ok", 'test "$(curl -s http://x)" = ok', "wget -q http://x"),
        *("/app/uptime", "/srv/id", "./date", "/app/true || exit 1", "timeout 5 tail -f"),
        *("timeout 5 sh -c 'tail -n 1 -F'", "A || command exit 1; true", "A || $FAIL 1; echo x"),
        *("A || builtin exit 1; true", "A || ! exit 1; true", "A || time exit 1; true"),
        *("A || command -p exit 1; true", 'A || "${FAIL}" 1; true', 'A || "$(fail)"; true'),
        *(
            "shopt -s errexit; A; true",
            "echo ${X[0]?unset}",
            "echo ${X[@]:?}",
            "command set -e; A; :",
        ),
        *("curl -fsS x || exit 1", "curl -Ss --fail-with-body x", "curl telnet://x", "curl -V"),
    ],
)
def test_what_may_fail(script):
    assert vain(["sh", "-c", script]) == ""


@pytest.mark.parametrize(
    "options",
    [["-ec"], ["-o", "pipefail", "-c"], ["-euo", "pipefail", "-c"], ["-c", "--"], ["-e", "-xc"]],
)
def test_options_of_a_shell(options):
    assert vain(["bash", *options, "check || true"]) == "always succeeds"


def test_an_option_by_which_a_failure_counts():
    for options, script in (
        (["-ec"], "check; true"),
        (["-e", "-c"], "(check; true)"),
        (["-o", "pipefail", "-c"], "check | cat"),
        (["-uc"], "echo $A"),
    ):
        assert vain(["bash", *options, script]) == "", script


def test_words_without_a_shell():
    assert vain(["true"]) == vain(["/usr/bin/true"]) == vain(["env"]) == "always succeeds"
    assert vain(["sh", "check.sh"]) == vain([]) == vain(["timeout", "5"]) == ""
    for deep in (["env"] * 5000 + ["true"], ["sh", "-c", "(" * 5000]):
        assert vain(deep) == "" == "".join(says(deep))


@pytest.mark.parametrize(
    "script",
    [
        *("curl -s http://x/", "curl -sSo /dev/null x || exit 1", "timeout 5 curl -s x"),
        *("sleep 1; curl -s x", "curl -s x && echo up", "nice curl -s x || exit"),
    ],
)
def test_a_request_to_which_any_answer_is_good(script):
    assert "be it an error 500" in vain(["sh", "-c", script])


@pytest.mark.parametrize(
    ("command", "ports"),
    [
        ("nc -z localhost 8080", [8080]),
        ("urlopen('http://localhost:8080/a?b=c:9')", [8080]),
        ("create_connection(('127.0.0.1', 81))", [81]),
        ("curl -f http://[::1]:82/ https://user@localhost/", [82, 443]),
        ("pg_isready -h localhost -p 5432; psql --host=db --port=5433", [5432, 5433]),
        ("exec 3<>/dev/tcp/127.0.0.1/99; exec 4<>/dev/tcp/0/98", [99, 98]),
        ("pg_isready -q -p 5432 -h localhost || redis-cli -p 6379 -a x -h 0 ping", [5432, 6379]),
        ("mysqladmin -P3306 -h127.0.0.1 ping; pg_isready -h db -U postgres -p 5433", [3306, 5433]),
        ("psql 'port=5432 host=localhost'; psql --port 5433 --host ::1", [5432, 5433]),
        (
            "connect(('0', 81)); connect(('127.1', port:=82)); connect(port=83, host='db')",
            [81, 82, 83],
        ),
        ("nc -z 0 84; nc -z ::1 85; curl http://0:86/", [84, 85, 86]),
        ("redis-cli -p 6379 -h other; nc -z localhost x; kill -0 1; a[0:9]; f(10, 20)", []),
        ("curl http://localhost.example:80/ 10.127.0.0.1:81 /data/db 5 mydb:7", []),
        ("pg_isready -q", []),
        ("get('http://localhost:3000/',r=>process.exit(r.statusCode===200?0:1))", [3000]),
        ("curl localhost:81 | awk '{exit ($1==200) ?0:1}'; range(0, 3); s.slice(0, 100)", [81]),
        ("get({host:'localhost',port:3000,path:'/'}); {port: 5432, host: 'db'}", [3000, 5432]),
        ("curl http://localhost.:82/; new(PeerAddr=>'db',PeerPort=>83)", [82, 83]),
        ("pg_isready -h db \\\n -p 84; connect({'host': '0', 'port': 85})", [84, 85]),
    ],
)
def test_ports_that_a_command_asks(command, ports):
    assert ports_asked(["sh", "-c", command], ["db"]) == ports
    assert ports_named([command]) >= {*ports}


def test_ports_that_a_command_names():
    assert ports_named(["nc", "-p5432", "db", "10.0.0.1", "123456"]) == {5432, 10, 1}
    assert ports_named(["curl", "https://db/"]) == {443}


def test_what_a_command_says_itself():
    assert [*says(["echo", "job", "x"])] == ["job x"]
    script = "run; echo 'job x'; run && echo a; echo b >> f; echo c | run; run || exit 0; printf d"
    assert [*says(["sh", "-c", script])] == ["job x", "d"]
    assert [*says(["sh", "-c", "if run; then echo x; fi"])] == [*says([])] == []
