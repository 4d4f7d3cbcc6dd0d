"""Random patterns with values and what Python's re says of them, a JSON list a line. Usage: python quality_patterns.py SEED"""
import json, random, re, sys
from re import _parser as parser

r = random.Random(int(sys.argv[1]))
alphabet = "abc1_ -.é€"


def pattern(depth):
    kind = r.randrange(11 if depth else 5)
    if kind < 3:
        return re.escape(r.choice(alphabet))
    if kind == 3:
        return r.choice([".", r"\d", r"\w", r"\s", r"\D", r"\W", r"\S"])
    if kind == 4:
        members = "".join(r.choice(["a-c", "é", "€", "1", r"\d", "_", "b"]) for _ in range(r.randint(1, 3)))
        return "[" + r.choice(["", "^"]) + members + "]"
    if kind < 8:
        return pattern(depth - 1) + pattern(depth - 1)
    if kind == 8:
        return "(" + pattern(depth - 1) + "|" + pattern(depth - 1) + ")"
    repeat = r.choice(["*", "+", "?", "{2}", "{1,3}", "{0,2}", "{1,}"])
    return "(?:" + pattern(depth - 1) + ")" + repeat


def sample(tree):
    """A value near the pattern, so that about half of them match."""
    out = ""
    for op, arg in tree:
        op = str(op)
        if op == "LITERAL":
            out += chr(arg)
        elif op in ("NOT_LITERAL", "ANY", "IN"):
            out += r.choice(alphabet)
        elif op == "BRANCH":
            out += sample(r.choice(arg[1]))
        elif op == "MAX_REPEAT":
            out += "".join(sample(arg[2]) for _ in range(r.randint(arg[0], arg[0] + min(2, int(arg[1]) - arg[0]))))
        elif op == "SUBPATTERN":
            out += sample(arg[3])
    return out


for _ in range(3000):
    text = pattern(3)
    # Short: Python backtracks, and takes exponential time where the pattern asks for it.
    value = sample(parser.parse(text))[:12] + r.choice(["", "", "", "a", "€"])
    print(json.dumps([text, value, re.fullmatch(text, value, re.ASCII) is not None]))
