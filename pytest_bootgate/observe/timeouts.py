"""Whether a report that something failed says that it ran out of time. Pure.

Word for word: "not installed" is no stall, and a "runtime out of memory" no time-out.
"""

from __future__ import annotations

import re

#: Before which a camel-cased or snake-cased name begins its next word.
_NEXT_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|_")
_UNIT = r"(?:ms|m?secs?|s|m|h|(?:milli)?(?:second|minute|hour|day)s?|millis|mins?)\b"
_OVER = r"(?:exceeded|elapsed|expired|reached|passed)"
#: Names and values of settings, which say nothing of what happened.
_SETTING = re.compile(
    rf"--[\w-]*time-?out\b"
    rf"|\b(?:no|any|invalid|unknown|unsupported|missing|option|argument) \W?(?:\w+ )?time-?out\b"
    rf"|\btime-?out\W? (?:{_UNIT}|must\b|should\b|cannot\b|options?\b|settings?\b|values?\b"
    r"|is not\b|is (?:un|in)|of undefined\b|of null\b)"
    # part of a name (agent.timeout, request-timeout), or what was to be set or read
    rf"|(?<=\w\.)time-?out\b(?! (?:{_OVER}|after|error|exception)\b)"
    r"|\b(?:cannot|can't|could not|couldn't|failed to|unable to)"
    r" (?:set|read|parse|load|import|find) (?:[\w-]+ ){0,4}time-?out\b"
    r"|\b(?:plugin|module|property|key|field):? \W?[\w-]*time-?out\b"
    rf"|\btime-?out\W{{0,2}}\s?[=:]\s?\W?(?=\d)(?!\d+\s?\w* {_OVER})"
)
_SAYS = re.compile(
    # timeout, time-out, TimeoutError, timed_out, ETIMEDOUT, ESOCKETTIMEDOUT, times out
    r"\b(?:e(?:socket)?)?timed?-?outs?\b"
    r"|\b(?:timed|times|timing) out\b"
    r"|\btime out\b(?! of\b)"
    r"|\bstall(?:s|ed|ing)?\b"
    # deadline exceeded, exceeded its progress deadline, execution time of 30 seconds exceeded
    rf"|\b(?:deadline|time-?out|(?<!boot )time)\b.{{0,40}}\b{_OVER}\b"
    r"|\bexceed(?:s|ed|ing)? (?:\w+ ){0,3}"
    r"(?:deadline|time-?out|time limit|(?:\w+ing|\w+tion) time)\b"
    r"|\b(?:took|takes|taking|active|run|running|waited) (?:too long|longer than)\b"
    # did not finish within 60 s, no response after 30s, not ready in time
    rf"|\b(?:not|no|never|unable|failed|\w+n't)\b.{{0,80}}\bwithin (?:\w+ ){{0,3}}\d[\d.]* ?{_UNIT}"
    rf"|\b(?:not|no|never|\w+n't)\b(?! valid).{{0,80}}(?<!retry )\b(?:in|after) \d[\d.]* ?"
    rf"(?!days?\b){_UNIT}"
    r"|\b(?:not|no|never|\w+n't)\b.{0,80}(?<!just )\bin time\b(?! zones?)"
)


def says_timeout(text: str) -> bool:
    """Whether a failure's text is that of a time-out."""
    plain = _NEXT_WORD.sub(" ", text).lower()
    return _SAYS.search(_SETTING.sub(" ", plain)) is not None
