"""Secrets inside of longer texts: passwords in URLs, settings, options, tokens of known shapes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

#: What comes before the `@` of a URL, as the standard has it.
_URL = re.compile(r"\w://[^/\s:@]*:([^/\s@]+)@")
#: And as people write it, with a `/` or an `@` in the password; a port is none.
_LOOSE_URL = re.compile(r"\w://[^/\s:@]*:(?!\d*[/?#])([^\s,;\"'<>]*[/@][^\s,;\"'<>]*)@(?=[\w.\[-])")
#: Tokens that tell by their beginning what they are: of GitHub, GitLab, Slack, Stripe, npm, AWS,
#: OpenAI, Vault and Google; a JSON Web Token; a webhook of Slack.
_TOKEN = re.compile(
    r"(?<![A-Za-z0-9])(?:gh[oprsu]_[A-Za-z0-9]{16,}|github_pat_\w{20,}|glpat-[\w-]{16,}"
    r"|xox[abeprs]-[\w-]{10,}|[rs]k_(?:live|test)_\w{10,}|npm_[A-Za-z0-9]{30,}|AKIA[A-Z0-9]{16}"
    r"|sk-[\w-]{20,}|hvs\.[\w-]{20,}|AIza[\w-]{30,}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"
    r"|(?<=hooks\.slack\.com/services/)[\w/]{10,})"
)
#: A private key, of which each line is secret.
_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----(.*?)(?:-----END|$)", re.DOTALL)
#: ``jdbc:oracle:thin:user/password@host``.
_ORACLE = re.compile(r"jdbc:oracle:\w+:[^/\s@]+/([^@\s]+)@")
#: ``password=…`` in a query or a connection string, ``--password=…`` and ``--password …``.
_SETTING = re.compile(
    r"""(?<![\w.-])(--?)?([A-Za-z][\w.-]*)(?(1)(?:\s*=\s*|\s+)|\s*=\s*)(?:"([^"]*)"|'([^']*)'|([^\s&;"']+))"""
)
#: ``"password": "…"``, as JSON has it.
_MEMBER = re.compile(r'"([A-Za-z][\w.-]*)"\s*:\s*"((?:[^"\\]|\\.)+)"')
#: ``X-Api-Key: …``, as the headers of a request in a command have it.
_HEADER = re.compile(r"(?i)(?<![\w-])([a-z][\w-]*):\s*(?:(?:bearer|basic|token)\s+)?([^\s\"';,]+)")
#: How names of a password end that do not write it out, but for words such as `bypass`.
ABBREVIATED = "[a-z]*(?<!by)(?<!com)(?<!sur)(?<!tres)(?<!over)(?<!under)pass"
#: What a key is called that is a secret, and how it may be written.
KEY = "(?:api|access|private|account|secret|encryption|signing|master|shared|client).?key"
CODED = "(?:_?(?:b64|base64|hex|pem))?"
_PASSWORD = re.compile(
    rf"(?i)(?:passw(?:or)?d|passphrase|passcode|pwd|(?:^|[._-])(?:pw|{ABBREVIATED}))$"
)
_OTHER = re.compile(
    rf"(?i)(?:token|secret|{KEY}|secret[._-]?id|auth|authorization|credentials?|cookie"
    rf"|(?:^|[._-])sig|signature){CODED}$"
)
#: Values of fewer characters are none, nor are plain words of names that may have a mode.
_LEAST, _LEAST_OTHER = 4, 6
_WORD = re.compile(r"[A-Za-z]{1,11}")
#: What is no value but a program's text, which computes it.
_CODE = re.compile(r"[\[\](){}<>|\\$]|^-")


def of_urls(text: str) -> Iterator[str]:
    """The password in a URL such as ``postgres://user:password@host/``, and known tokens."""
    for found in (*_URL.finditer(text), *_LOOSE_URL.finditer(text)):
        yield from (found[1], unquote(found[1]))
    yield from (*_TOKEN.findall(text), *_ORACLE.findall(text))
    for key in _PEM.findall(text):
        yield from (line for line in key.replace("\\n", "\n").split() if len(line) >= _LEAST_OTHER)


def of_text(text: str) -> Iterator[str]:
    """All of them in a value."""
    yield from of_urls(text)
    yield from of_settings(text)


def of_settings(text: str, *, code: bool = False) -> Iterator[str]:
    """The values of settings and options in a text whose names call them secret.

    With `code` it may be a program's, or a command line.
    """
    for _, name, *quoted in _SETTING.findall(text):
        yield from _of_setting(name, value := "".join(quoted), code=code)
        yield from of_settings(value.partition(",")[2], code=code)  # ``timeout=5,password=…``
    for name, value in (*_MEMBER.findall(text), *_HEADER.findall(text)):
        yield from _of_setting(name, value, code=code)


def of_arguments(option: str, value: str) -> Iterator[str]:
    """A word of a command behind an option whose name calls it secret."""
    if found := re.fullmatch(r"--?([A-Za-z][\w.-]*)", option):
        yield from _of_setting(found[1], value, code=True)


def told_by(name: str, value: str) -> bool:
    """Whether its own name holds the value, as `POSTGRES_PASSWORD: postgres` does."""
    return value.casefold() in re.split(r"[\W_]+", name.casefold())


def _of_setting(name: str, value: str, *, code: bool) -> Iterator[str]:
    if told_by(name, value) or (code and _CODE.search(value)):
        return
    other = len(value) >= _LEAST_OTHER and not _WORD.fullmatch(value) and _OTHER.search(name)
    if other or (len(value) >= _LEAST and _PASSWORD.search(name)):
        yield from (value, unquote(value))
