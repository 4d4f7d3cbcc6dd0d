"""Writes Parquet files with pyarrow, DuckDB and Polars in many encodings, and what pyarrow reads from each.

Usage: python reader_peers.py FOLDER. For each FOLDER/name.parquet there is a FOLDER/name.txt with one line a row, in the
notation of `canonical` below, which ReaderPeersTests builds from this repository's reader in the same way. Prints the names.
"""
import datetime, decimal, struct, sys, uuid
import duckdb, polars, pyarrow as pa, pyarrow.parquet as pq

folder = sys.argv[1]


def scalar(value):
    kind = value.type
    if isinstance(kind, pa.BaseExtensionType):
        return scalar(value.value) if str(kind) != "extension<arrow.uuid>" else "u:" + value.value.as_py().hex()
    if not value.is_valid:
        return "null"
    if pa.types.is_dictionary(kind):
        return scalar(value.dictionary[value.index.as_py()])
    if pa.types.is_boolean(kind):
        return "true" if value.as_py() else "false"
    if pa.types.is_integer(kind):
        return "i:%d" % value.as_py()
    if pa.types.is_float64(kind):
        return "d:" + struct.pack(">d", value.as_py()).hex()
    if pa.types.is_floating(kind):
        return "f:" + struct.pack(">f", value.as_py()).hex()
    if pa.types.is_decimal(kind):
        return "c:" + format(value.as_py(), "f")
    if pa.types.is_date(kind):
        return "D:%d" % (value.as_py() - datetime.date(1970, 1, 1)).days
    if pa.types.is_time(kind):
        unit = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}[kind.unit]
        return "t:%d" % (value.value * unit)
    if pa.types.is_timestamp(kind):
        unit = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}[kind.unit]
        return "T:%d:%d:%s" % (*divmod(value.value * unit, 86400 * 10**9), "true" if kind.tz else "false")
    if pa.types.is_struct(kind):
        return "(" + ",".join(kind.field(i).name + "=" + scalar(value[i]) for i in range(kind.num_fields)) + ")"
    if pa.types.is_map(kind):
        return "{" + ",".join(scalar(p[0]) + "=" + scalar(p[1]) for p in value.values) + "}"
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return "[" + ",".join(scalar(v) for v in value.values) + "]"
    if pa.types.is_null(kind):
        return "null"
    data = value.as_py()
    return "s:" + data.encode().hex() if isinstance(data, str) else "b:" + data.hex()


def expect(name, table=None):
    table = table if table is not None else pq.read_table(f"{folder}/{name}.parquet", use_threads=False)
    columns = [[scalar(v) for v in column] for column in table.columns]
    with open(f"{folder}/{name}.txt", "w") as out:
        for row in zip(*columns):
            out.write("|".join(row) + "\n")
    print(name)


def write(name, table, **options):
    pq.write_table(table, f"{folder}/{name}.parquet", **options)
    expect(name)


def nulls(values, every):
    return [None if every and i % every == 0 else v for i, v in enumerate(values)]


def flat(rows, every):
    day, base = datetime.date(1969, 12, 1), datetime.datetime(1969, 12, 31, 23, 59, 59, 999000)
    u = [uuid.UUID(int=i * 7919 + (i << 100)).bytes for i in range(rows)]
    make = lambda values, kind: pa.array(nulls(list(values), every), kind)
    return pa.table({
        "flag": make((i % 3 == 0 for i in range(rows)), pa.bool_()),
        "tiny": make(((i % 256) - 128 for i in range(rows)), pa.int8()),
        "word": make((i % 65536 for i in range(rows)), pa.uint16()),
        "number": make(((i * 2654435761) % 2**32 - 2**31 for i in range(rows)), pa.int32()),
        "unsigned": make(((i * 2654435761) % 2**32 for i in range(rows)), pa.uint32()),
        "big": make(((i * 6364136223846793005) % 2**64 - 2**63 for i in range(rows)), pa.int64()),
        "step": make((1_000_000 + 3 * i + i % 5 for i in range(rows)), pa.int64()),
        "huge": make(((i * 6364136223846793005) % 2**64 for i in range(rows)), pa.uint64()),
        "single": make((i / 7 for i in range(rows)), pa.float32()),
        "real": make((float("nan") if i % 97 == 5 else i / 3e5 - 1e300 * (i % 11 == 3) for i in range(rows)), pa.float64()),
        "text": make(("naïve €%d %s" % (i % 50, "x" * (i % 13)) for i in range(rows)), pa.string()),
        "path": make(("/var/log/app/%06d/file" % i for i in range(rows)), pa.string()),
        "raw": make((bytes([i % 256, 0, 255]) * (i % 4) for i in range(rows)), pa.binary()),
        "fixed": make(u, pa.binary(16)),
        "day": make((day + datetime.timedelta(days=i) for i in range(rows)), pa.date32()),
        "milli": make((base + datetime.timedelta(milliseconds=i * 977) for i in range(rows)), pa.timestamp("ms")),
        "micro": make((base + datetime.timedelta(microseconds=i * 977) for i in range(rows)), pa.timestamp("us", "UTC")),
        "nano": make((i * 10**9 * 86399 - 5 for i in range(rows)), pa.timestamp("ns")),
        "clock": make((i * 1000003 % (86400 * 10**6) for i in range(rows)), pa.time64("us")),
        "small": make((decimal.Decimal(i - 50).scaleb(-2) for i in range(rows)), pa.decimal128(7, 2)),
        "money": make((decimal.Decimal((-1) ** i * i * 10**20 + i).scaleb(-4) for i in range(rows)), pa.decimal128(38, 4)),
        "vast": make((decimal.Decimal((-1) ** i * i * 10**50 + i).scaleb(-4) for i in range(rows)), pa.decimal256(70, 4)),
        "void": pa.nulls(rows),
    })


def nested(rows):
    item = pa.struct([("a", pa.int64()), ("b", pa.list_(pa.string()))])
    def element(i):
        return None if i % 11 == 0 else {"a": i, "b": None if i % 5 == 0 else ["v%d" % j if j % 3 else None for j in range(i % 4)]}
    return pa.table({
        "id": pa.array(range(rows), pa.int64()),
        "list": pa.array([None if i % 7 == 0 else [j if j % 4 else None for j in range(i % 6)] for i in range(rows)], pa.list_(pa.int32())),
        "deep": pa.array([None if i % 9 == 0 else [None if k == 2 else ["%d" % (i * k)] * k for k in range(i % 5)] for i in range(rows)], pa.list_(pa.list_(pa.string()))),
        "struct": pa.array([element(i) for i in range(rows)], item),
        "structs": pa.array([[element(i + k) for k in range(i % 3)] for i in range(rows)], pa.list_(item)),
        "map": pa.array([None if i % 8 == 0 else [("k%d" % k, k * 1.5 if k != 1 else None) for k in range(i % 4)] for i in range(rows)], pa.map_(pa.string(), pa.float64())),
    })


for compression in ("none", "snappy", "zstd", "gzip", "lz4"):
    for version in ("1.0", "2.0"):
        for every in (0, 3):
            name = f"pyarrow_{compression}_{version[0]}_{'nulls' if every else 'full'}"
            write(name, flat(1200, every), compression=compression, data_page_version=version, data_page_size=4096,
                  row_group_size=500, write_page_index=every != 0, write_page_checksum=every != 0)

encodings = {"DELTA_BINARY_PACKED": ["tiny", "number", "unsigned", "big", "step", "huge", "day", "milli", "micro"],
             "DELTA_LENGTH_BYTE_ARRAY": ["text", "path", "raw"], "DELTA_BYTE_ARRAY": ["text", "path", "raw", "fixed"],
             "BYTE_STREAM_SPLIT": ["number", "big", "single", "real", "fixed"], "RLE": ["flag"], "PLAIN": ["text", "big"]}
for encoding, columns in encodings.items():
    for version in ("1.0", "2.0"):
        for every in (0, 4):
            write(f"encoding_{encoding}_{version[0]}_{every}", flat(900, every).select(columns), use_dictionary=False,
                  column_encoding={c: encoding for c in columns}, data_page_version=version, data_page_size=2048)

write("int96", flat(500, 6).select(["nano"]), use_deprecated_int96_timestamps=True)
write("empty", flat(0, 0))
big = flat(3000, 5)
write("defaults", big)
write("large_pages", big, data_page_size=64 << 20, compression="gzip", compression_level=9)
write("tiny_dictionary", big, dictionary_pagesize_limit=64, data_page_size=512)
write("spark_flavor", big.drop(["huge", "vast", "void"]), flavor="spark", use_deprecated_int96_timestamps=True)
write("format_1", big.drop(["nano"]), version="1.0", use_dictionary=False)
write("format_24", big.drop(["nano"]), version="2.4", store_decimal_as_integer=True, write_statistics=False)
write("stored_decimals", pa.table({f"d{p}": pa.array([decimal.Decimal(((-1) ** i * (10 ** p - 1 - i)).__str__() + "e-%d" % (p // 3)) for i in range(9)] + [None], pa.decimal128(p, p // 3)) for p in (1, 4, 9, 10, 18, 19, 28, 38)}), store_decimal_as_integer=True)
write("required", pa.table({"a": [1, 2, 3], "t": ["x", "", "z"]}, schema=pa.schema([pa.field("a", pa.int64(), nullable=False), pa.field("t", pa.string(), nullable=False)])))
write("all_null", pa.table({"a": pa.array([None] * 5000, pa.int64()), "b": pa.array([None] * 5000, pa.string())}), data_page_version="2.0")
write("one_text", pa.table({"a": ["x" * 3_000_000]}))
write("constant", pa.table({"a": pa.array([7] * 200_000, pa.int32())}))
for version in ("1.0", "2.0"):
    write(f"nested_{version[0]}", nested(900), data_page_version=version, data_page_size=1024, row_group_size=400)

pq.write_table(flat(50, 0).select(["text"]), f"{folder}/refused.brotli", compression="brotli")

duck = duckdb.connect()
duck.execute("""create table t as select i, i % 10 as small, 'name ' || (i % 100) as name, i / 7.0 as ratio, i % 2 = 0 as even,
  case when i % 5 = 0 then null else date '2020-01-01' + i::int end as day, timestamp '2020-01-01' + to_microseconds(i * 1001) as at,
  timestamptz '2020-01-01 00:00:00+00' + to_seconds(i) as instant, (i * 1.5)::decimal(12,3) as price, i::utinyint % 7 as tiny,
  time '00:00:00' + to_seconds(i % 80000) as clock, ('00000000-0000-0000-0000-' || lpad(i::varchar, 12, '0'))::uuid as id,
  [i, i + 1, null] as list, {'a': i, 'b': 'x' || i} as struct, map(['k'], [i]) as map, (i::varchar)::blob as raw
  from (select range as i from range(0, 7000)) where i < 250 or true""".replace("i::utinyint % 7", "(i % 250)::utinyint"))
for compression in ("snappy", "zstd", "uncompressed", "gzip", "lz4_raw"):
    for version in ("v1", "v2"):
        name = f"duckdb_{compression}_{version}"
        duck.execute(f"copy t to '{folder}/{name}.parquet' (format parquet, codec '{compression}', parquet_version '{version}', row_group_size 2048)")
        expect(name)

frame = polars.DataFrame({
    "i": range(3000), "text": [None if i % 6 == 0 else f"text {i % 300}" for i in range(3000)],
    "real": [i / 3 for i in range(3000)], "flag": [i % 2 == 0 for i in range(3000)],
    "day": [datetime.date(2020, 1, 1) + datetime.timedelta(days=i % 1000) for i in range(3000)],
    "at": [datetime.datetime(2020, 1, 1) + datetime.timedelta(seconds=i) for i in range(3000)],
    "clock": [datetime.time(i % 24, i % 60) for i in range(3000)],
    "money": [decimal.Decimal(i).scaleb(-2) for i in range(3000)],
    "list": [None if i % 4 == 0 else list(range(i % 3)) for i in range(3000)],
    "struct": [{"a": i, "b": None if i % 3 else str(i)} for i in range(3000)],
    "category": polars.Series([f"c{i % 5}" for i in range(3000)], dtype=polars.Categorical),
})
for compression in ("zstd", "snappy", "uncompressed", "gzip", "lz4"):
    frame.write_parquet(f"{folder}/polars_{compression}.parquet", compression=compression)
    expect(f"polars_{compression}")
