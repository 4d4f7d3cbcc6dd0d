"""Writes the small file that ReaderFileTests describes. Usage: python reader_small.py FOLDER"""
import datetime, decimal, sys
import pyarrow as pa, pyarrow.parquet as pq

utc = datetime.timezone.utc
schema = pa.schema([
    pa.field("id", pa.int64(), nullable=False), ("name", pa.string()), ("price", pa.decimal128(9, 2)),
    ("at", pa.timestamp("us", "UTC")), ("tags", pa.list_(pa.string()))], metadata={"owner": "tests"})
table = pa.table({
    "id": [1, 2, 3, 4],
    "name": ["Ada", None, "Grace", "Zoë"],
    "price": [decimal.Decimal("-0.50"), decimal.Decimal("1234567.89"), None, decimal.Decimal("0.00")],
    "at": [datetime.datetime(2024, 2, 29, 12, 30, 0, 1, utc), datetime.datetime(1969, 12, 31, 23, 59, 59, 999999, utc), None,
           datetime.datetime(1, 1, 1, tzinfo=utc)],
    "tags": [["a", 'q"uote', None], [], None, ["\x1f"]],
}, schema=schema)
pq.write_table(table, sys.argv[1] + "/small.parquet", compression="zstd", row_group_size=3, write_page_index=True,
               store_decimal_as_integer=True)
