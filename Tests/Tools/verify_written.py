"""Reads every Parquet file of a folder with pyarrow, DuckDB, Polars and Sluice: all four must read the same values.

Usage: python3 verify_written.py FOLDER

The files are those that tests wrote, see Tests/WrittenFiles; some are of other writers, for Sluice's reader. Beside each lies what
Sluice's reader makes of it, as `.csv`, or why it cannot, as `.error` (WrittenFilesTests, see scripts/test.sh). What the values must
be is each test's own question; here others say whether they read the same, and whether the statistics of Sluice's chunks are those
of their values. Columns that a reader cannot read are left out for it alone; each reason is named and counted. Exit code 0 if
nothing differs.
"""
import collections, concurrent.futures, datetime, decimal, json, multiprocessing, os, sys, uuid
import duckdb, polars, pyarrow, pyarrow.csv, pyarrow.parquet
import verify_parquet

types = pyarrow.types


def unreadable(file):
    """What a reader cannot read: for each, the columns by reason."""
    found = collections.defaultdict(lambda: collections.defaultdict(set))
    for position in range(len(file.schema)):
        column = file.schema.column(position)
        name = column.path.split(".")[0]
        logical = str(column.logical_type)
        groups = [file.metadata.row_group(group).column(position) for group in range(file.metadata.num_row_groups)]
        encodings = {encoding for group in groups for encoding in group.encodings}
        fixed = column.physical_type == "FIXED_LEN_BYTE_ARRAY"
        if logical.startswith("Decimal") and column.precision > 38:
            found["polars"]["decimals of more than 38 digits are refused"].add(name)
            found["duckdb"]["decimals of more than 38 digits become doubles"].add(name)
        if fixed and "BYTE_STREAM_SPLIT" in encodings:
            found["polars"]["BYTE_STREAM_SPLIT of bytes is refused"].add(name)
            found["duckdb"]["BYTE_STREAM_SPLIT of bytes is refused"].add(name)
        if fixed and "DELTA_BYTE_ARRAY" in encodings:
            found["polars"]["DELTA_BYTE_ARRAY of fixed length is refused"].add(name)
        if logical.startswith("Time(") and "nanoseconds" in logical:
            found["duckdb"]["times of day have microseconds"].add(name)
        if column.physical_type == "INT96":
            found["duckdb"]["times in INT96 have microseconds"].add(name)
        if any(group.compression == "BROTLI" for group in groups):
            found["sluice"]["brotli is refused by name"].update(file.schema_arrow.names)
    return found


def plain(value):
    """A value in the form that Sluice's text has as JSON: what Python's types tell apart stays apart."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return "NaN" if value != value else repr(value) if value - value == 0 else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, decimal.Decimal):
        return ("decimal", value)
    if isinstance(value, datetime.datetime):
        if value.tzinfo:
            return value.astimezone(datetime.timezone.utc).replace(tzinfo=None).isoformat() + "Z"
        return value.isoformat()
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value // datetime.timedelta(microseconds=1)
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, dict):
        return [(name, plain(part)) for name, part in value.items()]
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    raise TypeError(f"{type(value).__name__} is not known here")


def typed(value, kind):
    """What stands in Sluice's JSON, or in its text of a plain value, in the form of `plain`."""
    if value is None:
        return None
    if types.is_map(kind):
        return [[typed(key, kind.key_type), typed(part, kind.item_type)] for key, part in value]
    if types.is_struct(kind):
        return [(name, typed(part, kind.field(position).type)) for position, (name, part) in enumerate(value)]
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return [typed(part, kind.value_type) for part in value]
    if types.is_integer(kind) or types.is_duration(kind):
        return int(value)
    if types.is_floating(kind):
        return plain(float(value))
    if types.is_decimal(kind):
        return ("decimal", decimal.Decimal(value))
    return value


def first_difference(wanted, found):
    for row, (x, y) in enumerate(zip(wanted, found)):
        if x != y:
            return f"row {row}: {y!r} instead of {x!r}"
    return None


def difference(wanted, found):
    """What differs between two columns that were read, or None; types count as far as casts without loss tell."""
    if isinstance(wanted.type, pyarrow.UuidType):
        # DuckDB has texts, Polars bytes.
        values = (uuid.UUID(bytes=value) if isinstance(value, bytes) else value for value in found.to_pylist())
        return first_difference(map(plain, wanted.to_pylist()), map(plain, values))
    if types.is_nested(wanted.type):
        return first_difference(map(plain, wanted.to_pylist()), map(plain, found.to_pylist()))
    return verify_parquet.same(wanted, found)


def check_peer(reader, path, columns):
    """These columns as DuckDB or Polars read them."""
    if reader == "polars":
        return polars.read_parquet(path, columns=columns).to_arrow()
    names = ", ".join('"' + name.replace('"', '""') + '"' for name in columns)
    result = duckdb.sql(f"SELECT {names} FROM read_parquet(?, binary_as_string=false)", params=[path]).arrow()
    return result if isinstance(result, pyarrow.Table) else result.read_all()


def is_text(kind):
    return types.is_string(kind) or types.is_large_string(kind)


def check_text(path, table):
    """The columns in Sluice's text that differ. A null is an empty field without quotes."""
    if os.path.exists(path + ".error"):
        with open(path + ".error", errors="replace") as file:
            return [file.read()]
    kinds = {}
    for field in table.schema:
        kind = field.type
        # What pyarrow's CSV can parse is compared as values, bytes as bytes, everything else by its text.
        direct = (
            types.is_boolean(kind) or types.is_integer(kind) or types.is_float32(kind) or types.is_float64(kind)
            or types.is_decimal128(kind) or types.is_date(kind) or types.is_time(kind) or types.is_timestamp(kind))
        kinds[field.name] = kind if direct else pyarrow.binary() if is_text(kind) else pyarrow.string()
    convert = pyarrow.csv.ConvertOptions(
        column_types=kinds, strings_can_be_null=True, quoted_strings_can_be_null=False, null_values=[""])
    read = pyarrow.csv.ReadOptions(block_size=64 << 20)
    parse = pyarrow.csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=len(kinds) > 1)
    own = pyarrow.csv.read_csv(path + ".csv", parse_options=parse, convert_options=convert, read_options=read)
    if own.column_names != table.column_names or own.num_rows != table.num_rows:
        return [f"{own.num_rows} rows of {own.column_names} instead of {table.num_rows} of {table.column_names}"]
    problems = []
    for field in table.schema:
        wanted, found = table[field.name], own[field.name]
        if is_text(field.type):
            problem = verify_parquet.same(wanted.cast(pyarrow.binary()), found)
        elif not types.is_string(found.type):
            problem = verify_parquet.same(wanted, found)
        elif types.is_nested(field.type):
            read = (None if text is None else json.loads(
                text, parse_float=str, parse_int=str, object_pairs_hook=list) for text in found.to_pylist())
            problem = first_difference(map(plain, wanted.to_pylist()), (typed(value, field.type) for value in read))
        else:
            problem = first_difference(
                map(plain, wanted.to_pylist()), (typed(text, field.type) for text in found.to_pylist()))
        if problem:
            problems.append(f"{field.name}: {problem}")
    return problems


def is_utf8(table):
    try:
        table.validate(full=True)
    except pyarrow.ArrowInvalid as error:
        if "UTF8" not in str(error):
            raise
        return False
    return True


def check(path):
    """A file's writer, its problems, and what was left out."""
    problems, left, writer = [], [], "?"
    try:
        file = pyarrow.parquet.ParquetFile(path)
        writer = (file.metadata.created_by or "?").split(" ")[0]
        table = file.read()
        refused = unreadable(file)
        is_valid = is_utf8(table)
        if not is_valid:
            for reader in ("duckdb", "polars"):
                refused[reader]["texts that are no UTF-8 (merged from another writer's) are refused"] = set(table.column_names)
        for reader in ("duckdb", "polars", "sluice"):
            without = set().union(*refused[reader].values())
            # Sluice's own files must be readable by all, but for texts that it only passed on.
            left += [(reader, reason, writer) for reason in refused[reader]]
            columns = [name for name in table.column_names if name not in without]
            if not columns:
                continue
            try:
                if reader == "sluice":
                    problems += [f"sluice, {problem}" for problem in check_text(path, table)]
                    continue
                other = check_peer(reader, path, columns)
                if other.column_names != columns or other.num_rows != table.num_rows:
                    problems.append(f"{reader}: {other.num_rows} rows of {other.column_names} instead of {table.num_rows}")
                    continue
                for name in columns:
                    problem = difference(table[name], other[name])
                    if problem:
                        problems.append(f"{reader}, {name}: {problem}")
            except BaseException as error:  # noqa: BLE001 - whatever a reader throws; Polars throws its panics
                problems.append(f"{reader}: {type(error).__name__}: {error}")
        if writer != "sluice":
            pass
        elif any(types.is_nested(field.type) for field in table.schema):
            left.append(("statistics", "numbers of nulls within lists and structures", writer))
            check_nested_bounds(file, table, problems)
        elif not is_valid:
            left.append(("statistics", "texts that are no UTF-8", writer))
        else:
            verify_parquet.check_statistics(path, table, problems)
    except BaseException as error:  # noqa: BLE001
        problems.append(f"{type(error).__name__}: {error}")
    return path, writer, problems, left


def leaves(column):
    """The innermost values of a column, in the order of the file's columns."""
    if types.is_struct(column.type):
        return [leaf for part in column.flatten() for leaf in leaves(part)]
    if types.is_list(column.type):
        return leaves(column.flatten())
    if types.is_map(column.type):
        # By way of Python: the keys and items of a part of a map are those of the whole.
        entries = [entry for entries in column.to_pylist() if entries is not None for entry in entries]
        return [
            leaf for position, kind in enumerate((column.type.key_type, column.type.item_type))
            for leaf in leaves(pyarrow.array([entry[position] for entry in entries], kind))
        ]
    return [column]


def check_nested_bounds(file, table, problems):
    start = 0
    for group in range(file.metadata.num_row_groups):
        metadata = file.metadata.row_group(group)
        part = table.slice(start, metadata.num_rows)
        found = [leaf for column in part.columns for leaf in leaves(column.combine_chunks())]
        for position, leaf in enumerate(found):
            statistics = metadata.column(position).statistics
            if statistics is not None:
                name = metadata.column(position).path_in_schema
                verify_parquet.check_bounds(f"statistics of {name} in row group {group}", statistics, leaf, problems)
        start += metadata.num_rows


def begin():
    duckdb.execute("SET TimeZone='UTC'")
    duckdb.execute("SET threads=1")


def main(folder):
    paths = sorted(entry.path for entry in os.scandir(folder) if entry.name.endswith(".parquet"))
    bad, writers, reasons = 0, collections.Counter(), collections.Counter()
    # New processes: what the readers' libraries have started does not survive a fork.
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context, initializer=begin) as pool:
        for path, writer, problems, left in pool.map(check, paths, chunksize=16):
            bad += bool(problems)
            writers[writer] += 1
            reasons.update(left)
            for problem in problems[:5]:
                print(f"{os.path.basename(path)}: {problem}"[:400])
    by = ", ".join(f"{count} by {writer}" for writer, count in writers.most_common())
    print(f"{len(paths)} files of tests ({by}), {bad} of them read differently")
    for (reader, reason, writer), count in reasons.most_common():
        print(f"left out in {count} files by {writer}, for {reader}: {reason}")
    return 1 if bad or not paths else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
