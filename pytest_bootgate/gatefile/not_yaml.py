"""What is wrong with a text that is no YAML, in the words of its author."""

from __future__ import annotations

import re

import yaml

from pytest_bootgate.gatefile.secrets import tells_secret

#: What Git leaves of two versions of a file, in column 1, where no value of a mapping stands.
_CONFLICT = re.compile(r"^(?:<{7}|>{7}|\|{7})(?: .*)?$|^={7}$", re.MULTILINE)
_RESOLVE = "resolve the conflict, then take out its marker lines"
#: Where a block was to end, at a line that is indented less, or with the file.
_ENDS = ("expected <block end>", "expected '<document start>'")
#: Signs that begin no text without quotes.
_SIGNS = re.compile(r"found character '(.)' that cannot start any token")
#: A line is shown up to so many characters.
_LONGEST = 120


def conflict(text: str) -> tuple[int, str, str] | None:
    """The line (from 1) of the first marker of a conflict, what it is, and the way out."""
    found = _CONFLICT.search(text)
    if found is None or not re.search(r"^(?:<{7}|>{7})", text, re.MULTILINE):
        return None
    return text.count("\n", 0, found.start()) + 1, "this is a Git conflict marker", _RESOLVE


def explained(error: yaml.MarkedYAMLError, text: str) -> tuple[int, int, str, str]:
    """Line and column (from 1) of what is wrong, what it is, and the way out."""
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    problem, context = error.problem or "", error.context or ""
    start = error.context_mark or mark
    begun = (start.line, start.column) if start else (0, 0)  # where what is not over begins
    lines = text.splitlines()

    def told(what: str, way_out: str) -> tuple[int, int, str, str]:
        return line + 1, column + 1, what, way_out

    if mark and text[: mark.index + 1].endswith("${"):
        return told("a variable inside { } or [ ] without quotes", 'write "${NAME}"')
    if r"'\t'" in problem:
        return told("a tab stands where YAML takes spaces", "indent with spaces")
    if (sign := _SIGNS.search(problem)) is not None:
        return told(f"a text begins with {sign[1]}", "write the whole text in quotes")
    if problem.startswith(_ENDS) and "block mapping start" in problem:
        return told(*_indented(lines, line, column))
    if problem.startswith(_ENDS):
        what = "what follows the end of a value"
        return told(what, "write the whole value in quotes, or begin a new line")
    if problem.startswith("mapping values are not allowed"):
        before = lines[line][:column] if line < len(lines) else ""
        if re.fullmatch(r"[^:]*\S", before) and line:  # the first colon of its line
            above = next((n for n in range(line - 1, -1, -1) if _indent(lines[n]) is not None), 0)
            own, indent = _indent(lines[line]) or 0, _indent(lines[above]) or 0
            if own == indent:  # both lines are one text
                line, column = above, indent
                return told("this line has no ': '", "write key: value")
            column = own
            what = f"this key stands below line {above + 1}, which has a value"
            return told(what, f"indent it by {_spaces(indent)} as well, or take that value away")
        return told("a second ': ' in one line", "write the text that has it in quotes")
    if "could not find expected ':'" in problem:
        line, column = begun
        return told("this line has no ': '", "write key: value")
    for opened, closing in (("{", "}"), ("[", "]")):
        if f"or '{closing}'" in problem:
            what = f"the {opened} of line {begun[0] + 1} has no end before this"
            return told(what, f"write {closing}, or a comma between two entries")
    if "unexpected end of stream" in problem and "quoted scalar" in context:
        line, column = begun
        return told("this quote has no end", "close it")
    if "expected a single document" in context:
        return told(
            "a second document begins", "keep one; what is in the other is a file of its own"
        )
    if "undefined alias" in problem:
        return told(
            problem.removeprefix("found "), "write the whole text in quotes, or &name first"
        )
    return told("this is not YAML", " ".join(part for part in (context, problem) if part))


def _indented(lines: list[str], line: int, column: int) -> tuple[str, str]:
    """That a line is indented by no number of spaces of a line beside which it could stand."""
    above = [
        (abs(indent - column), -number, indent)
        for number, each in enumerate(lines[:line])
        if (indent := _indent(each)) is not None and indent != column
    ]
    if not above:
        return "this line is indented otherwise than those beside it", "indent them alike"
    _, number, indent = min(above)
    what = (
        f"this line is indented by {_spaces(column)}, its sibling in line {1 - number} by {indent}"
    )
    return what, "indent both by the same number"


def _indent(line: str) -> int | None:
    """By how many spaces a line is indented; None where nothing but a comment stands in it."""
    rest = line.lstrip(" ")
    return len(line) - len(rest) if rest and not rest.startswith("#") else None


def _spaces(number: int) -> str:
    return f"{number} space{'' if number == 1 else 's'}"


def excerpt(text: str, line: int, column: int) -> tuple[str, ...]:
    """A line with a caret below its column; nothing where it may hold a secret or is too long."""
    lines = text.replace("\t", " ").splitlines()
    shown = lines[line - 1] if 0 < line <= len(lines) else ""
    if not shown.strip() or len(shown) > _LONGEST or not shown.isprintable():
        return ()
    if any(map(tells_secret, lines[max(0, line - 2) : line])):
        return ()
    return f"    {shown}", f"    {' ' * (column - 1)}^"
