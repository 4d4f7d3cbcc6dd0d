"""Files to merge, and what a merge must give.

Usage: python3 merge_peers.py write FOLDER   makes FOLDER/<set>/<n>.parquet with pyarrow, DuckDB and Polars; prints the sets
       python3 merge_peers.py check FOLDER   compares FOLDER/<set>.merged/*.parquet with all rows of the set, in order, as
                                             pyarrow, DuckDB and Polars read them; prints what differs, exit code 1
"""
import datetime, decimal, glob, os, sys
import duckdb, polars, pyarrow as pa, pyarrow.compute as pc, pyarrow.parquet as pq

verb, folder = sys.argv[1:3]


def write(name, tables, **options):
    os.makedirs(f"{folder}/{name}")
    for index, table in enumerate(tables):
        pq.write_table(table, f"{folder}/{name}/{index:03}.parquet", **options)
    print(name)


def plain(start, rows):
    base = datetime.datetime(2024, 1, 1)
    ids = range(start, start + rows)
    def some(values, kind):
        return pa.array([None if i % 7 == 3 else v for i, v in zip(ids, values)], kind)
    return pa.table({
        "id": pa.array(ids, pa.int64()),
        "price": some([i / 3 for i in ids], pa.float64()),
        "word": some([f"word {i % 20}" for i in ids], pa.string()),
        "text": some([f"text €{i * 7919} \"quoted\"" for i in ids], pa.string()),
        "flag": some([i % 3 == 0 for i in ids], pa.bool_()),
        "day": some([datetime.date(2020, 1, 1) + datetime.timedelta(days=i % 900) for i in ids], pa.date32()),
        "at": some([base + datetime.timedelta(microseconds=i * 1001) for i in ids], pa.timestamp("us")),
        "utc": some([base + datetime.timedelta(seconds=i) for i in ids], pa.timestamp("us", "UTC")),
        "clock": some([datetime.time(i % 24, i % 60, i % 59, i) for i in ids], pa.time64("us")),
        "small": some([decimal.Decimal(i).scaleb(-2) for i in ids], pa.decimal128(9, 2)),
        "large": some([decimal.Decimal((-1) ** i * (10 ** 30 + i)).scaleb(-5) for i in ids], pa.decimal128(38, 5)),
    })


def foreign(start, rows):
    ids = range(start, start + rows)
    return pa.table({
        "a": pa.array(ids, pa.int32()), "u": pa.array([2**64 - 1 - i for i in ids], pa.uint64()),
        "f": pa.array([i / 7 for i in ids], pa.float32()), "b": pa.array([bytes([i % 256]) * 3 for i in ids], pa.binary()),
        "ns": pa.array([i * 10**9 + 1 for i in ids], pa.timestamp("ns")),
        "list": pa.array([[i, None] if i % 3 else None for i in ids], pa.list_(pa.int64())),
        "struct": pa.array([{"x": i, "y": [str(i)]} for i in ids], pa.struct([("x", pa.int64()), ("y", pa.list_(pa.string()))])),
        "map": pa.array([[("k", i)] for i in ids], pa.map_(pa.string(), pa.int32())),
    })


if verb == "write":
    write("plain", [plain(i * 37, 37 + i % 3) for i in range(30)], compression="zstd", row_group_size=20)
    write("plain_v2", [plain(i * 5000, 5000) for i in range(4)], data_page_version="2.0", compression="gzip", use_dictionary=False)
    write("foreign", [foreign(i * 50, 50) for i in range(8)], row_group_size=30, compression="snappy")
    widened = [
        pa.table({"n": pa.array([1, None, 3], pa.int32()), "d": pa.array([1, 2, 3], pa.int64()), "t": [datetime.date(2024, 1, 2)] * 3,
                  "p": pa.array([decimal.Decimal("1.5")] * 3, pa.decimal128(5, 1)), "f": pa.array([1.5, 2.5, None], pa.float32()), "k": pa.array([5, 6, 7], pa.uint32())}),
        pa.table({"n": pa.array([2**40], pa.int64()), "d": pa.array([0.25]), "t": pa.array([datetime.datetime(2024, 1, 2, 3)], pa.timestamp("ms")),
                  "p": pa.array([decimal.Decimal("123456789.125")], pa.decimal128(20, 3)), "f": pa.array([1e300]), "extra": ["x"]}),
        pa.table({"p": pa.array([7], pa.int64()), "k": pa.array([-1], pa.int64()), "extra": pa.array([None], pa.string())}),
    ]
    write("widened", widened)
    for name, tables in {
        "text_and_number": [pa.table({"id": [1], "v": ["x"]}), pa.table({"id": [1], "v": [5]})],
        "local_and_utc": [pa.table({"v": pa.array([0], pa.timestamp("us"))}), pa.table({"v": pa.array([0], pa.timestamp("us", "UTC"))})],
        "large_and_double": [pa.table({"v": [2**53 + 1]}), pa.table({"v": [0.5]})],
        "too_wide": [pa.table({"v": pa.array([decimal.Decimal(1)], pa.decimal128(38, 0))}), pa.table({"v": pa.array([decimal.Decimal("0.5")], pa.decimal128(10, 5))})],
        "nested_and_more": [pa.table({"v": [[1]]}), pa.table({"v": [[1]], "w": [1]})],
    }.items():
        write("refused_" + name, tables)
    os.makedirs(f"{folder}/writers")
    duckdb.execute("create table t as select range as i, 'name ' || (range % 9) as name, (range * 1.5)::decimal(12,3) as price, range % 2 = 0 as even, date '2024-01-01' + (range % 99)::int as day, range / 4.0::double as ratio from range(500)")
    duckdb.execute(f"copy t to '{folder}/writers/000.parquet' (format parquet)")
    polars.from_arrow(duckdb.sql("select * from t").to_arrow_table()).write_parquet(f"{folder}/writers/001.parquet")
    pq.write_table(duckdb.sql("select * from t").to_arrow_table(), f"{folder}/writers/002.parquet")
    print("writers")
    sys.exit(0)

problems = []
for merged in sorted(glob.glob(f"{folder}/*.merged")):
    name = os.path.basename(merged)[: -len(".merged")]
    outputs = sorted(glob.glob(f"{merged}/*.parquet"))
    found = pa.concat_tables([pq.read_table(path) for path in outputs])
    parts = [pq.read_table(path) for path in sorted(glob.glob(f"{folder}/{name}/*.parquet"))]
    columns = list(dict.fromkeys(c for part in parts for c in part.column_names))
    if found.column_names != columns:
        problems.append(f"{name}: columns {found.column_names} instead of {columns}")
        continue
    if name == "foreign" and found.schema != parts[0].schema:
        problems.append(f"{name}: schema {found.schema}")
    for column in columns:
        kind = found.schema.field(column).type
        wanted = []
        for part in parts:
            values = part[column].to_pylist() if column in part.column_names else [None] * part.num_rows
            if pa.types.is_timestamp(kind) and not pa.types.is_nested(kind):
                values = [datetime.datetime(v.year, v.month, v.day) if type(v) is datetime.date else v for v in values]
            wanted += values
        for reader, table in (("pyarrow", found), ("polars", polars.read_parquet(outputs).to_arrow()),
                              ("duckdb", duckdb.read_parquet(outputs).to_arrow_table())):
            if name == "foreign" and reader != "pyarrow":
                continue
            values = table[column].to_pylist()
            if values != wanted:
                row = next((i for i, (x, y) in enumerate(zip(values, wanted)) if x != y), -1)
                problems.append(f"{name}.{column} by {reader}: {len(values)} of {len(wanted)}, row {row}: {values[row:row+1]} instead of {wanted[row:row+1]}")
for problem in problems:
    print(problem)
sys.exit(1 if problems else 0)
