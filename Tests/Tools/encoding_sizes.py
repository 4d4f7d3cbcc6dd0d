"""Columns of many shapes as CSV, and the smallest size that pyarrow reaches for each with any one encoding.

Usage: python3 encoding_sizes.py FOLDER   writes FOLDER/shapes.csv, prints {column: {encoding: compressed bytes}} (snappy)
"""
import datetime, json, random, sys, uuid
import pyarrow as pa, pyarrow.csv, pyarrow.parquet as pq

folder, rows = sys.argv[1], 60_000
random.seed(11)
stamp = lambda s: datetime.datetime.fromtimestamp(s, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
columns = {
    "sequence": [str(1_000_000 + i) for i in range(rows)],
    "steps": [str(5_000_000 + 3 * i + random.randrange(7)) for i in range(rows)],
    "few": [str(random.randrange(100)) for _ in range(rows)],
    "thousands": [str(random.randrange(5000) * 977) for _ in range(rows)],
    "wide": [str(random.randrange(2**62)) for _ in range(rows)],
    "sorted_time": [stamp(1_700_000_000 + i // 3) for i in range(rows)],
    "any_time": [stamp(1_700_000_000 + random.randrange(3_000_000)) for _ in range(rows)],
    "price": ["%d.%02d" % (random.randrange(60), random.randrange(4) * 25) for _ in range(rows)],
    "amount": ["%d.%02d" % (random.randrange(9000), random.randrange(100)) for _ in range(rows)],
    "measure": [repr(random.gauss(100, 15)) for _ in range(rows)],
    "category": ["category %d" % random.randrange(30) for _ in range(rows)],
    "uuid": [str(uuid.UUID(int=random.getrandbits(128))) for _ in range(rows)],
    "path": ["/var/log/app/%06d/file" % i for i in range(rows)],
    "skewed": ["common" if random.random() < 0.9 else "rare %d" % random.randrange(10**9) for _ in range(rows)],
    "words": [" ".join(random.choice(["alpha", "beta", "gamma", "delta", "omega"]) for _ in range(random.randrange(1, 9))) for _ in range(rows)],
}
with open(f"{folder}/shapes.csv", "w") as out:
    out.write(",".join(columns) + "\n")
    for row in zip(*columns.values()):
        out.write(",".join(row) + "\n")
table = pyarrow.csv.read_csv(f"{folder}/shapes.csv", convert_options=pyarrow.csv.ConvertOptions(timestamp_parsers=[pyarrow.csv.ISO8601]))
sizes = {}
for name in table.column_names:
    kind = table.schema.field(name).type
    if pa.types.is_timestamp(kind):
        # The same unit as ours.
        table = table.set_column(table.column_names.index(name), name, table[name].cast(pa.timestamp("us")))
    encodings = ["DICTIONARY", "PLAIN"]
    if pa.types.is_integer(kind) or pa.types.is_timestamp(kind):
        encodings.append("DELTA_BINARY_PACKED")
    if pa.types.is_string(kind):
        encodings.append("DELTA_LENGTH_BYTE_ARRAY")
    if pa.types.is_floating(kind):
        encodings.append("BYTE_STREAM_SPLIT")
    sizes[name] = {}
    for encoding in encodings:
        options = {"use_dictionary": True} if encoding == "DICTIONARY" else {"use_dictionary": False, "column_encoding": {name: encoding}}
        pq.write_table(table.select([name]), f"{folder}/one.parquet", compression="snappy", **options)
        sizes[name][encoding] = pq.ParquetFile(f"{folder}/one.parquet").metadata.row_group(0).column(0).total_compressed_size
print(json.dumps(sizes))
