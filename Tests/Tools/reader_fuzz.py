"""Writes one small file to be damaged. Usage: python reader_fuzz.py FOLDER NAME"""
import sys
import pyarrow as pa, pyarrow.parquet as pq

folder, name = sys.argv[1:3]
path, n = f"{folder}/{name}.parquet", 300
table = pa.table({
    "i": pa.array([None if i % 7 == 0 else i * i for i in range(n)], pa.int64()),
    "text": [None if i % 5 == 0 else "text %d" % (i % 40) for i in range(n)],
    "real": [i / 3 for i in range(n)],
    "flag": [i % 2 == 0 for i in range(n)],
})
if name.startswith("flat"):
    pq.write_table(table, path, compression=name[5:], row_group_size=150, data_page_size=512)
elif name == "int96":
    pq.write_table(pa.table({"at": pa.array([None if i % 6 == 0 else i * 10**15 for i in range(n)], pa.timestamp("ns"))}), path,
                   use_deprecated_int96_timestamps=True, use_dictionary=False)
elif name == "delta":
    pq.write_table(table.select(["i"]), path, use_dictionary=False, column_encoding="DELTA_BINARY_PACKED", data_page_version="2.0")
elif name == "delta_bytes":
    pq.write_table(table.select(["text"]), path, use_dictionary=False, column_encoding="DELTA_BYTE_ARRAY", compression="none")
elif name == "split":
    pq.write_table(table.select(["real", "i"]), path, use_dictionary=False, column_encoding="BYTE_STREAM_SPLIT", compression="none")
elif name == "nested":
    rows = [None if i % 7 == 0 else [{"a": i + k, "b": ["x"] * k} for k in range(i % 4)] for i in range(n)]
    pq.write_table(pa.table({"n": rows, "m": pa.array([[("k", i)] for i in range(n)], pa.map_(pa.string(), pa.int64()))}), path)
elif name == "checksum":
    texts = ["%x" % (i * 6364136223846793005 % 2**64) for i in range(n)]
    pq.write_table(pa.table({"text": texts}), path, use_dictionary=False, write_page_checksum=True, compression="none")
elif name == "duckdb":
    import duckdb
    duckdb.register("t", table)
    duckdb.sql(f"copy t to '{path}' (format parquet)")
elif name == "polars":
    import polars
    polars.from_arrow(table).write_parquet(path)
