from __future__ import annotations

import pytest

from pytest_bootgate.records.jobs import Job, JobsError, read_jobs


@pytest.mark.parametrize(
    "text",
    [
        '[{"id": 1, "name": "a", "runs": 3, "x": [1]}]',
        '{"ok": true, "jobs": [{"id": 1, "name": "a", "runs": 3, "x": [1]}], "more": []}',
    ],
)
def test_a_list_or_the_first_list_in_an_object(text):
    assert read_jobs(text) == (Job("1", "a", {"id": 1, "name": "a", "x": [1]}, 3),)


def test_runs_that_are_no_number_are_a_field_like_any_other():
    (job,) = read_jobs('[{"id": "1", "name": "a", "runs": ["x"]}]')
    assert (job.runs, job.fields["runs"]) == (None, ["x"])


def test_no_jobs():
    assert read_jobs("[]") == ()
    assert read_jobs('{"jobs": []}') == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("usage: list", "is not JSON: 'usage: list'"),
        ('{"error": "dead"}', "is not a list"),
        ("3", "is not a list"),
        ('[{"id": 1}]', "has an entry without id and name"),
        ('["a"]', "has an entry without id and name"),
        ('[{"id": 1, "name": "a"}, {"id": "1", "name": "b"}]', "has two jobs with the id '1'"),
    ],
)
def test_what_is_no_list_of_jobs(text, words):
    with pytest.raises(JobsError, match=words):
        read_jobs(text)


def test_enabled_unless_it_says_otherwise_and_tokens_anywhere():
    (on, off) = read_jobs(
        '[{"id": 1, "name": "a", "x": {"y": ["do bootgate12 now"]}},'
        ' {"id": 2, "name": "b", "enabled": false}]'
    )
    assert (on.enabled, off.enabled) == (True, False)
    assert (on.holds("bootgate12"), off.holds("bootgate12")) == (True, False)
