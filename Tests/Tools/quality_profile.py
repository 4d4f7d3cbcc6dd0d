"""Independent figures of a CSV file, for the profile and the rules. Usage:
quality_profile.py make FOLDER SEED   writes data.csv (types, nulls, skew, unique columns) and prints nothing
quality_profile.py profile FILE       prints a JSON object a column: rows, nulls, distinct, min, max, mean, deviation, lengths, top
quality_profile.py personal SEED      prints values with the kind that they look like, a JSON list a line
Computed with DuckDB where it can, else in plain Python.
"""
import json, random, sys

import duckdb


def make(folder, seed):
    r = random.Random(seed)
    rows = 30_000
    words = [f"word {i} é" if i % 7 == 0 else f"word {i}" for i in range(400)]
    with open(folder + "/data.csv", "w", encoding="utf-8") as f:
        f.write("id,code,amount,flag,day,at,name,sha,empty,price\n")
        for i in range(rows):
            fields = [
                str(i * 3),
                str(int(r.paretovariate(1.2)) % 500),
                "" if r.random() < 0.1 else f"{r.uniform(-500, 500):.3f}",
                r.choice(["true", "false"]),
                f"2024-{r.randint(1, 12):02}-{r.randint(1, 28):02}",
                f"2024-01-{r.randint(1, 28):02} {r.randint(0, 23):02}:{r.randint(0, 59):02}:{r.randint(0, 59):02}",
                r.choice(words) if r.random() < 0.8 else "",
                f"{r.getrandbits(128):032x}",
                "",
                f"{r.randint(0, 9999) / 100:.2f}",
            ]
            f.write(",".join(fields) + "\n")


def profile(path):
    con = duckdb.connect()
    con.execute(f"create table t as select * from read_csv('{path}', header=true, nullstr='')")
    columns = [(c[0], c[1]) for c in con.execute("describe t").fetchall()]
    for name, kind in columns:
        q = f'"{name}"'
        one = lambda sql: con.execute(sql).fetchone()[0]
        out = {
            "name": name,
            "rows": one("select count(*) from t"),
            "nulls": one(f"select count(*) from t where {q} is null"),
            "distinct": one(f"select count(distinct {q}) from t"),
        }
        if out["nulls"] < out["rows"]:
            low, high = con.execute(f"select min({q}), max({q}) from t").fetchone()
            out["min"], out["max"] = str(low), str(high)
            if kind in ("BIGINT", "DOUBLE", "INTEGER") or kind.startswith("DECIMAL"):
                out["mean"] = float(one(f"select avg({q}::double) from t"))
                out["deviation"] = float(one(f"select stddev_pop({q}::double) from t"))
            if kind == "VARCHAR":
                out["lengths"] = [float(x) for x in con.execute(
                    f"select min(length({q})), max(length({q})), avg(length({q})) from t").fetchone()]
            out["top"] = [[str(v), n] for v, n in con.execute(
                f"select {q}, count(*) n from t where {q} is not null group by 1 order by n desc limit 3").fetchall()]
        print(json.dumps(out))


def luhn(digits):
    """The digit that makes the sum of a number divisible by ten, by trying."""
    for last in "0123456789":
        total = 0
        for i, d in enumerate(reversed(digits + last)):
            n = int(d) * (1 + i % 2)
            total += n // 10 + n % 10
        if total % 10 == 0:
            return digits + last


def tax_id(r):
    """Ten digits, one of them twice, and the check digit of ISO 7064 MOD 11,10."""
    while True:
        chosen = r.sample("0123456789", 9)
        digits = chosen + [r.choice(chosen)]
        r.shuffle(digits)
        if digits[0] != "0":
            break
    p = 10
    for d in digits:
        s = (int(d) + p) % 10 or 10
        p = 2 * s % 11
    return "".join(digits) + str((11 - p) % 10)


def personal(seed):
    r = random.Random(seed)
    digits = lambda n: "".join(r.choice("0123456789") for _ in range(n))
    letters = "TRWAGMYFPDXBNJZSQVHLCKE"
    for _ in range(300):
        prefix, size = r.choice([("4", 16), ("5105", 16), ("2221", 16), ("37", 15), ("6011", 16), ("4", 13)])
        card = luhn(prefix + digits(size - len(prefix) - 1))
        print(json.dumps([card, "card"]))
        if size == 16:
            print(json.dumps([" ".join(card[i : i + 4] for i in range(0, 16, 4)), "card"]))
        wrong = card[:-1] + str((int(card[-1]) + r.randint(1, 9)) % 10)
        print(json.dumps([wrong, None]))
        number = int(digits(8))
        print(json.dumps([f"{number:08}{letters[number % 23]}", "es-dni"]))
        print(json.dumps([f"{number:08}{letters[(number + r.randint(1, 22)) % 23]}", None]))
        short = int(digits(7))
        first = r.randint(0, 2)
        print(json.dumps([f"{'XYZ'[first]}{short:07}{letters[(first * 10**7 + short) % 23]}", "es-dni"]))
        tax = tax_id(r)
        print(json.dumps([tax, "de-tax-id"]))
        print(json.dumps([tax[:-1] + str((int(tax[-1]) + r.randint(1, 9)) % 10), None]))
        area = r.choice([x for x in range(1, 900) if x != 666])
        print(json.dumps([f"{area:03}-{r.randint(1, 99):02}-{r.randint(1, 9999):04}", "us-ssn"]))
        print(json.dumps([f"{r.choice([0, 666, 900, 999]):03}-{r.randint(1, 99):02}-{r.randint(1, 9999):04}", None]))


command = sys.argv[1]
if command == "make":
    make(sys.argv[2], int(sys.argv[3]))
elif command == "profile":
    profile(sys.argv[2])
else:
    personal(int(sys.argv[2]))
