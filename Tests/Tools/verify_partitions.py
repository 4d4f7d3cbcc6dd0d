"""Reads a Hive-partitioned folder of Parquet files with pyarrow, DuckDB and Polars, and compares all rows.

Usage: python3 verify_partitions.py JOB.json
JOB.json: {"folder": …, "columns": [names, partition columns among them], "rows": [[text or null, …], …]}
Values are compared as texts, rows in any order. Prints what differs; exit code 0 if nothing does.
"""
import collections, json, sys
import duckdb, polars, pyarrow as pa, pyarrow.dataset


def text(value):
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


with open(sys.argv[1]) as file:
    job = json.load(file)
folder, columns = job["folder"], job["columns"]
wanted = collections.Counter(tuple(row) for row in job["rows"])
partition_names = job["partitions"]
problems = []


def compare(reader, rows):
    found = collections.Counter(tuple(text(value) for value in row) for row in rows)
    if found != wanted:
        problems.append(f"{reader}: more {list((found - wanted).items())[:3]}, missing {list((wanted - found).items())[:3]}")


schema = pa.schema([(name, pa.string()) for name in partition_names])
dataset = pyarrow.dataset.dataset(folder, format="parquet", partitioning=pyarrow.dataset.partitioning(schema, flavor="hive") if partition_names else None)
table = dataset.to_table(columns=columns)
compare("pyarrow", zip(*(column.to_pylist() for column in table.columns)))
types = "hive_types = {" + ", ".join(f"'{name}': VARCHAR" for name in partition_names) + "}"
types = f"hive_partitioning = true, {types}" if partition_names else "hive_partitioning = false"
names = ", ".join(f'"{name}"' for name in columns)
compare("duckdb", duckdb.sql(
    f"SELECT {names} FROM read_parquet('{folder}/**/*.parquet', {types})").fetchall())
hive = {name: polars.String for name in partition_names}
frame = polars.scan_parquet(folder, hive_partitioning=bool(hive), hive_schema=hive or None)
compare("polars", frame.select(columns).collect().rows())
for problem in problems:
    print(problem)
sys.exit(1 if problems else 0)
