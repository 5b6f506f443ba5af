"""No form of a secret is in a masked text, and nothing else is gone."""

from __future__ import annotations

import base64
import html
import json
import shlex
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import quote, quote_plus

import pytest

from pytest_bootgate.masking import HIDDEN, Mask, shortened

SECRET = 'pä55/w&rd+"x" 1'
FORMS = {
    "as it is": SECRET,
    "JSON": json.dumps(SECRET)[1:-1],
    "JSON, not ASCII": json.dumps(SECRET, ensure_ascii=False)[1:-1],
    "HTML": html.escape(SECRET),
    "URL": quote(SECRET, safe=""),
    "a path": quote(SECRET),
    "a form": quote_plus(SECRET),
    "hex": SECRET.encode().hex(),
    "a shell": shlex.quote(SECRET),
    "JSON of PHP": json.dumps(SECRET)[1:-1].replace("/", "\\/"),
    "JSON of Go": json.dumps(SECRET)[1:-1].replace("&", "\\u0026"),
    "entities": "".join(f"&#{ord(sign)};" for sign in SECRET),
    "hexadecimal entities": SECRET.replace("&", "&#x26;").replace('"', "&#X22;"),
    "all escaped": "".join(f"\\u{ord(sign):04X}" for sign in SECRET),
    "coloured": f"{SECRET[:5]}\x1b[31m{SECRET[5:]}",
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_each_form_is_hidden(form):
    found = Mask([SECRET]).text(f"key={form}&more")
    assert HIDDEN in found
    assert found.startswith("key=")
    assert found.endswith("&more")
    assert form not in found


@pytest.mark.parametrize("before", ["", "u", "us", "user:"])
@pytest.mark.parametrize("after", ["", ":", "xy"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_base64_is_hidden_wherever_it_stands_in_it(before, after, encode):
    secret = "sk-Zm9v?>~bar-0123"
    text = encode(f"{before}{secret}{after}".encode()).decode()
    found = Mask([secret]).text(f"Basic {text} .")
    assert HIDDEN in found
    # At its ends a letter may be left that also belongs to what stands beside it.
    assert len(found) <= len("Basic *** .") + (len(before) + len(after)) * 4 // 3 + 8


def test_what_is_cut_off_at_the_end_is_hidden():
    mask = Mask(["0123456789abcdef"])
    assert mask.text("key 0123456789ab") == f"key {HIDDEN}"
    assert mask.text("key 012345") == f"key {HIDDEN}"
    assert mask.text("at 01234") == "at 01234"
    assert mask.text(f"{shortened('key 0123456789abcdef', 14)} (cut)") == f"key {HIDDEN}… (cut)"
    assert shortened("key", 3) == "key"


def test_of_two_that_overlap_the_longer_one_goes():
    assert Mask(["secret-1", "secret-1-and-more"]).text("secret-1-and-more") == HIDDEN


@dataclass(frozen=True, slots=True)
class Told:
    text: str
    outcome: Literal["started-1"] = "started-1"
    parts: tuple[str, ...] = ()
    more: dict[str, list[str]] | None = None
    inner: Told | None = None


def test_values_keep_their_shape():
    mask = Mask(["started-1"])
    before = Told("a", parts=("x started-1", "y"), more={"k": ["started-1"]}, inner=Told("z"))
    after = mask.value(before)
    assert after == replace(before, parts=(f"x {HIDDEN}", "y"), more={"k": [HIDDEN]})
    assert after.inner is before.inner
    assert mask.value(after) is after
    assert Mask().value(before) is before


def test_a_name_with_a_secret_in_it_is_shown_where_it_stands_alone():
    mask = Mask(["airflow", "staging"], ["airflow-worker", "airflow_ready", "staging-web", "webs"])
    told = {
        "airflow-worker::airflow_ready": "airflow-worker::airflow_ready",
        "airflow-worker@staging": "airflow-worker@***",
        "postgres://airflow:airflow@db": "postgres://***:***@db",
        "airflow-worker-2": "***-worker-2",
        "my-airflow-worker": "my-***-worker",
        "at last airflow-worker": "at last airflow-worker",
    }
    assert {text: mask.text(text) for text in told} == told
    assert mask.value({"staging-web": 1, "airflow-web": 2}) == {"staging-web": 1, "***-web": 2}


def test_a_secret_that_begins_with_a_name_is_hidden_whole():
    token = "shop-api:Zk3f9LmQ44"
    mask = Mask(["shop", token, "api:Xy7z8w", "hunter22"], ["shop-api", "run hunter22"])
    told = {
        f"token={token}": f"token={HIDDEN}",
        f"x {token} y": f"x {HIDDEN} y",
        "cut: shop-api:Zk3f9…": f"cut: {HIDDEN}…",
        "cut: shop-api:Zk3": f"cut: {HIDDEN}",
        "begins inside: shop-api:Xy7z8w": f"begins inside: shop-{HIDDEN}",
        # What is no longer than the name is the name.
        "of shop-api:": "of shop-api:",
        "shop-api…": "shop-api…",
        "shop-api: 3 boots, run hunter22, hunter22": f"shop-api: 3 boots, run hunter22, {HIDDEN}",
    }
    assert {text: mask.text(text) for text in told} == told


def test_a_long_secret_that_begins_with_another_one_is_hidden_whole():
    long = "shop-" + "0aZ9" * 40
    assert Mask(["shop", long]).text(f"is {long}, yes") == f"is {HIDDEN}, yes"
