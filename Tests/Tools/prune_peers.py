"""Checks what Parquet files say of their row groups: whoever prunes by it must find what there is.

Needs: pip install pyarrow duckdb polars

Usage: python3 prune_peers.py make FOLDER     writes files of texts that are no UTF-8, for merging
       python3 prune_peers.py check FILE…     each filter, with and without pruning; files named *bytes* by pyarrow alone

Prints a line for each file; exit code 0 if all is right.
"""
import datetime, decimal, math, random, sys
import duckdb, polars, pyarrow, pyarrow.compute as compute, pyarrow.dataset, pyarrow.parquet


def make(folder):
    """Latin-1 in STRING columns: short and long, some longer than a bound may be."""
    rows = []
    for row in range(3000):
        head = [b"zebra", b"\xfcber", b"na\xefve", b"\xff\xfe", b"abc"][row // 600]
        rows.append(head + b" %05d" % row + (b"\xe9" * (row % 90)))
    raw = pyarrow.array(rows, pyarrow.binary())
    texts = raw.cast(pyarrow.string(), safe=False)
    table = pyarrow.table({"n": pyarrow.array(range(3000)), "s": texts})
    pyarrow.parquet.write_table(table.slice(0, 1500), f"{folder}/bytes-1.parquet", use_dictionary=False)
    pyarrow.parquet.write_table(table.slice(1500), f"{folder}/bytes-2.parquet")


def is_nan(value):
    return isinstance(value, float) and math.isnan(value)


def probes(column, count):
    """Values that are there, the least and the greatest among them, and some that are not."""
    there = column.drop_null().unique()
    if len(there) == 0:
        return []
    picked = random.Random(7).sample(range(len(there)), min(count, len(there)))
    found = [there[i] for i in picked]
    if not pyarrow.types.is_boolean(column.type):
        bounds = compute.min_max(there)
        found += [bounds["min"], bounds["max"]]
    if pyarrow.types.is_string(column.type):
        for scalar in found[:3]:
            data = scalar.as_buffer().to_pybytes()
            found.append(pyarrow.scalar(data + b"!", pyarrow.binary()).cast(pyarrow.string(), safe=False))
    return found


OPERATORS = {
    "=": lambda a, b: a == b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
}
COMPUTE = {"=": compute.equal, "<": compute.less, "<=": compute.less_equal, ">": compute.greater, ">=": compute.greater_equal}


def check_bounds(path, table, problems):
    """Row group by row group: bounds hold the values, nulls are counted."""
    metadata = pyarrow.parquet.ParquetFile(path).metadata
    bounded = 0
    start = 0
    for g in range(metadata.num_row_groups):
        group = metadata.row_group(g)
        part = table.slice(start, group.num_rows)
        start += group.num_rows
        for c in range(group.num_columns):
            chunk, column = group.column(c), part.column(c).combine_chunks()
            statistics = chunk.statistics
            where = f"row group {g}, column {chunk.path_in_schema}"
            if statistics is None or statistics.null_count != column.null_count:
                problems.append(f"{where}: nulls")
                continue
            if not chunk.has_offset_index:
                problems.append(f"{where}: no offset index")
            if not statistics.has_min_max:
                continue
            bounded += 1
            values = column.drop_null()
            if pyarrow.types.is_floating(column.type):
                values = values.filter(compute.invert(compute.is_nan(values)))
            if len(values) == 0:
                problems.append(f"{where}: bounds of nothing")
                continue
            if pyarrow.types.is_string(column.type):
                all_bytes = [value.as_buffer().to_pybytes() for value in values]
                low, high = statistics.min_raw, statistics.max_raw
                if not low <= min(all_bytes) or not max(all_bytes) <= high:
                    problems.append(f"{where}: {low} to {high}")
            else:
                bounds = compute.min_max(values)
                low, high = statistics.min, statistics.max
                if isinstance(low, datetime.datetime) and bounds["min"].type.tz is None:
                    low, high = low.replace(tzinfo=None), high.replace(tzinfo=None)
                if not (low == bounds["min"].as_py() and high == bounds["max"].as_py()):
                    problems.append(f"{where}: {low} to {high}, and the values are {bounds}")
    return bounded


def check(path):
    problems = []
    file = pyarrow.parquet.ParquetFile(path)
    table = file.read()
    bounded = check_bounds(path, table, problems)
    dataset = pyarrow.dataset.dataset(path)
    fragment = next(dataset.get_fragments())
    groups = file.metadata.num_row_groups
    pruned = 0
    is_text = "bytes" not in path.rsplit("/", 1)[-1]
    if is_text:
        database = duckdb.connect()
        database.execute("set threads = 1; set timezone = 'UTC'")
        database.execute(f"create table whole as select * from '{path}'")
        frame, lazy = polars.read_parquet(path, use_statistics=False), polars.scan_parquet(path)
    for name in table.column_names:
        for scalar in probes(table.column(name).combine_chunks(), 12):
            for operator in OPERATORS:
                wanted = compute.sum(compute.fill_null(COMPUTE[operator](table.column(name), scalar), False)).as_py() or 0
                condition = OPERATORS[operator](pyarrow.dataset.field(name), scalar)
                found = dataset.count_rows(filter=condition)
                left = fragment.subset(condition).num_row_groups if groups > 1 else 1
                pruned += groups - left
                if found != wanted:
                    problems.append(f"pyarrow: {name} {operator} {scalar!r}: {found} rows, not {wanted}")
                if not is_text:
                    continue
                value = scalar.as_py()
                query = f'select count(*) from {{}} where "{name}" {operator} ?'
                # To DuckDB NaN is the greatest number, and so not to pyarrow: it is compared with itself, without bounds.
                wanted = database.execute(query.format("whole"), [value]).fetchone()[0]
                found = database.execute(query.format(f"'{path}'"), [value]).fetchone()[0]
                if found != wanted:
                    problems.append(f"DuckDB: {name} {operator} {value!r}: {found} rows, not {wanted}")
                literal = polars.lit(value, dtype=frame.schema[name])
                condition = OPERATORS[operator](polars.col(name), literal)
                wanted = frame.filter(condition).height
                found = lazy.filter(condition).select(polars.len()).collect().item()
                if found != wanted:
                    problems.append(f"Polars: {name} {operator} {value!r}: {found} rows, not {wanted}")
    if groups > 1 and pruned == 0:
        problems.append("nothing was pruned")
    print(f"{path}: {groups} row groups, {bounded} chunks with bounds, {pruned} groups passed over")
    for problem in problems[:20]:
        print(f"  {problem}", file=sys.stderr)
    return not problems


if sys.argv[1] == "make":
    make(sys.argv[2])
else:
    sys.exit(0 if all([check(path) for path in sys.argv[2:]]) else 1)
