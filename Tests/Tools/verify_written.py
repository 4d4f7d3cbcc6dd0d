"""Reads every Parquet file of a folder with pyarrow, DuckDB and Polars: all three must read the same values.

Usage: python3 verify_written.py FOLDER

The files are those that tests wrote into memory, see Tests/ColumnarTests/MemorySink.swift. What the values must be is each
test's own question; here others say whether they read the same. Exit code 0 if they do.
"""
import datetime, decimal, os, sys
import duckdb, polars, pyarrow, pyarrow.parquet


def plain(value):
    """A value without what only a reader's types say: NaN equals NaN, a time has no zone, a decimal no trailing zeros."""
    if isinstance(value, float):
        return "NaN" if value != value else repr(value)
    if isinstance(value, datetime.datetime):
        if value.tzinfo:
            value = value.astimezone(datetime.timezone.utc)
        return value.replace(tzinfo=None).isoformat()
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    return value


def check(path):
    table = pyarrow.parquet.read_table(path)
    others = {"polars": polars.read_parquet(path).to_arrow()}
    result = duckdb.sql(f"SELECT * FROM read_parquet('{path}', binary_as_string=false)").arrow()
    others["duckdb"] = result if isinstance(result, pyarrow.Table) else result.read_all()
    problems = []
    for reader, other in others.items():
        if other.num_rows != table.num_rows:
            problems.append(f"{reader}: {other.num_rows} rows instead of {table.num_rows}")
            continue
        for position, name in enumerate(table.column_names):
            wanted, found = table.column(position).to_pylist(), other.column(position).to_pylist()
            if wanted == found:
                continue
            for row, (x, y) in enumerate(zip(wanted, found)):
                if plain(x) != plain(y):
                    problems.append(f"{reader}, {name}, row {row}: {y!r} instead of {x!r}"[:300])
                    break
    return problems


def main(folder):
    duckdb.execute("SET TimeZone='UTC'")
    paths = sorted(entry.path for entry in os.scandir(folder) if entry.name.endswith(".parquet"))
    bad = 0
    for path in paths:
        try:
            problems = check(path)
        except Exception as error:  # noqa: BLE001 - whatever a reader throws is what is wrong with the file
            problems = [f"{type(error).__name__}: {error}"[:300]]
        bad += bool(problems)
        for problem in problems[:5]:
            print(f"{path}: {problem}")
    print(f"{len(paths)} files written by tests, {bad} of them read differently")
    return 1 if bad or not paths else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
