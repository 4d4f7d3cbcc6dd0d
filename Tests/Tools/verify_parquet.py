"""Checks Parquet files with pyarrow, DuckDB and Polars: all three must read the same values, and the right ones.

Needs: pip install pyarrow duckdb polars numpy

Usage: python3 verify_parquet.py JOBS.json
       python3 verify_parquet.py OUT.parquet IN.csv
       python3 verify_parquet.py OUT.parquet IN.ndjson

JOBS.json holds a list of jobs; one process checks them all, since imports are slow:
  parquet   the file to check
  csv       its source; pyarrow reads it with the Parquet file's types and must get the same values
  delimiter, quote, null_tokens   how pyarrow is to read the source
  expected  instead of csv: [[column, [values]], …] in order; dates and times as ISO text, decimals as text, NaN and infinities as
            "NaN", "Infinity", "-Infinity"
  types     {column: Arrow type as pyarrow prints it}, optional
  metadata  {key: value} entries that the footer must have, optional
  json      instead of csv and expected: a source of JSON records, see verify_json.py
  source    "pyarrow" | "duckdb" | "polars": write the file from "expected" with this tool first (for readers' tests)

Prints one JSON object a job: {"parquet": …, "ok": true|false, "problems": […], "rows": n}. Exit code 0 if all are ok.
"""
import datetime, decimal, json, sys
import duckdb, numpy, polars, pyarrow, pyarrow.compute as compute, pyarrow.csv, pyarrow.parquet
import verify_json


def canonical(value):
    """A value as it stands in `expected`."""
    if isinstance(value, float):
        if value != value:
            return "NaN"
        if value in (float("inf"), float("-inf")):
            return "Infinity" if value > 0 else "-Infinity"
        return value
    if isinstance(value, datetime.datetime):
        text = value.replace(tzinfo=None).isoformat(sep=" ")
        return text
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    return value


def same(a, b):
    """Whether two columns are equal, NaN included; None, or what differs."""
    a = a.combine_chunks() if isinstance(a, pyarrow.ChunkedArray) else a
    b = b.combine_chunks() if isinstance(b, pyarrow.ChunkedArray) else b
    if a.type != b.type:
        try:
            b = b.cast(a.type)
        except Exception as error:  # noqa: BLE001 - any failure to cast is a difference to report
            return f"type {b.type} instead of {a.type}: {error}"
    if len(a) != len(b):
        return f"{len(b)} rows instead of {len(a)}"
    if pyarrow.types.is_floating(a.type):
        nulls = compute.is_null(a).equals(compute.is_null(b))
        x = a.fill_null(0.0).to_numpy(zero_copy_only=False)
        y = b.fill_null(0.0).to_numpy(zero_copy_only=False)
        equal = (x == y) | (numpy.isnan(x) & numpy.isnan(y))
        if nulls and equal.all() and (numpy.signbit(x) == numpy.signbit(y))[~numpy.isnan(x)].all():
            return None
    elif a.equals(b):
        return None
    for row, (x, y) in enumerate(zip(a.to_pylist(), b.to_pylist())):
        if x != y and not (x != x and y != y):
            return f"row {row}: {y!r} instead of {x!r}"
    return "different"


def check_bounds(where, statistics, column, problems):
    """Least and greatest of a chunk against its values; the bounds of long texts may be cut."""
    if not statistics.has_min_max:
        return
    if pyarrow.types.is_floating(column.type):
        column = column.filter(compute.invert(compute.is_nan(column)))
    bounds = compute.min_max(column)
    low, high = bounds["min"].as_py(), bounds["max"].as_py()
    least, greatest = statistics.min, statistics.max
    if isinstance(low, str):
        low_ok = least.encode() <= low.encode() and low.startswith(least) if len(low.encode()) > 60 else least == low
        high_ok = greatest.encode() >= high.encode() if len(high.encode()) > 60 else greatest == high
    else:
        low_ok, high_ok = least == low, greatest == high
    if not (low_ok and high_ok):
        problems.append(f"{where}: {least!r}…{greatest!r} instead of {low!r}…{high!r}")


def check_statistics(path, table, problems):
    metadata = pyarrow.parquet.ParquetFile(path).metadata
    start = 0
    for group in range(metadata.num_row_groups):
        rows = metadata.row_group(group).num_rows
        for position, name in enumerate(table.column_names):
            column = table[name].slice(start, rows)
            statistics = metadata.row_group(group).column(position).statistics
            where = f"statistics of {name} in row group {group}"
            if statistics is None:
                problems.append(f"{where} are missing")
                continue
            if statistics.null_count != column.null_count:
                problems.append(f"{where}: {statistics.null_count} nulls instead of {column.null_count}")
            check_bounds(where, statistics, column, problems)
        start += rows


def read_csv(job, schema):
    parse = pyarrow.csv.ParseOptions(
        newlines_in_values=True, delimiter=job.get("delimiter", ","),
        quote_char=job.get("quote", '"'), ignore_empty_lines=len(schema.names) > 1)
    nulls = job.get("null_tokens", []) + [""]
    convert = pyarrow.csv.ConvertOptions(
        column_types={name: schema.field(name).type for name in schema.names}, strings_can_be_null=True,
        quoted_strings_can_be_null=False, null_values=nulls)
    read = pyarrow.csv.ReadOptions(column_names=schema.names, skip_rows=1, block_size=64 << 20)
    return pyarrow.csv.read_csv(job["csv"], parse_options=parse, convert_options=convert, read_options=read)


def write(job):
    columns = {}
    for name, values in job["expected"]:
        columns[name] = pyarrow.array(values)
    table = pyarrow.table(columns)
    if job["source"] == "pyarrow":
        pyarrow.parquet.write_table(table, job["parquet"])
    elif job["source"] == "polars":
        polars.from_arrow(table).write_parquet(job["parquet"])
    else:
        duckdb.sql(f"COPY (SELECT * FROM \"table\") TO '{job['parquet']}' (FORMAT parquet)")


def check(job):
    problems = []
    path = job["parquet"]
    if "source" in job:
        write(job)
    table = pyarrow.parquet.read_table(path)
    for name, wanted in job.get("types", {}).items():
        if name not in table.column_names:
            problems.append(f"column {name} is missing")
        elif str(table.schema.field(name).type) != wanted:
            problems.append(f"{name} is {table.schema.field(name).type} instead of {wanted}")
    for key, value in job.get("metadata", {}).items():
        found = (table.schema.metadata or {}).get(key.encode())
        if found is None or found.decode() != value:
            problems.append(f"metadata {key} is {found!r} instead of {value!r}")
    if "csv" in job:
        reference = read_csv(job, table.schema)
        for name in table.column_names:
            difference = same(reference[name], table[name])
            if difference:
                problems.append(f"pyarrow, {name}: {difference}")
    if "expected" in job:
        names = [name for name, _ in job["expected"]]
        if names != table.column_names:
            problems.append(f"columns are {table.column_names} instead of {names}")
        for name, wanted in job["expected"]:
            if name not in table.column_names:
                continue
            found = [canonical(value) for value in table[name].to_pylist()]
            if found != wanted:
                row = next((i for i, (x, y) in enumerate(zip(found, wanted)) if x != y), min(len(found), len(wanted)))
                problems.append(
                    f"{name}: {len(found)} values, {len(wanted)} wanted; first difference in row {row}: "
                    f"{found[row:row + 1]} instead of {wanted[row:row + 1]}")
    if "source" not in job:
        check_statistics(path, table, problems)
    result = duckdb.sql(f"SELECT * FROM read_parquet('{path}')")
    result = result.to_arrow_table() if hasattr(result, "to_arrow_table") else result.arrow()
    if not isinstance(result, pyarrow.Table):
        result = result.read_all()
    frame = polars.read_parquet(path).to_arrow()
    for reader, other in (("duckdb", result), ("polars", frame)):
        for name in table.column_names:
            difference = same(table[name], other[name])
            if difference:
                problems.append(f"{reader}, {name}: {difference}")
    return {"parquet": path, "ok": not problems, "problems": problems[:20], "rows": table.num_rows}


def main(arguments):
    if len(arguments) == 2:
        form = "json" if arguments[1].endswith(("json", "jsonl")) else "csv"
        jobs = [{"parquet": arguments[0], form: arguments[1]}]
    else:
        with open(arguments[0]) as file:
            jobs = json.load(file)
    duckdb.execute("SET TimeZone='UTC'")
    all_ok = True
    for job in jobs:
        try:
            result = verify_json.check(job) if "json" in job else check(job)
        except Exception as error:  # noqa: BLE001 - whatever a reader throws is what is wrong with the file
            result = {"parquet": job["parquet"], "ok": False, "problems": [f"{type(error).__name__}: {error}"], "rows": 0}
        all_ok = all_ok and result["ok"]
        print(json.dumps(result), flush=True)
    return 0 if all_ok else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
