"""Checks Parquet files made of JSON: pyarrow, DuckDB and Polars must read the same values, and those of the JSON text.

The JSON is taken apart here, independently of Sluice: by Python's own decoder for plain values, by hand for objects and lists,
so that the text of every value is known.

Needs: pip install pyarrow duckdb polars

Part of verify_parquet.py, which gives it the jobs that have `json`:
  parquet   the file to check
  json      its source: objects one after the other, with white space or line ends between them, or one list of objects
  skip      numbers of records (from 0) that were left out, optional
  types     {column: Arrow type as pyarrow prints it}, optional
"""
import datetime, decimal, json, re
import duckdb, polars, pyarrow, pyarrow.parquet

DECODER = json.JSONDecoder()
SPACE = re.compile(r"[ \t\r\n]*")


class Node:
    """A value, with its text: kind is null, boolean, number, string, list or object."""

    __slots__ = ("kind", "value", "raw")

    def __init__(self, kind, value, raw):
        self.kind, self.value, self.raw = kind, value, raw


def skip_space(text, position):
    return SPACE.match(text, position).end()


def parse(text, position):
    """The value that begins at position, and the position after it."""
    start = position
    if text[position] == "{":
        members = []
        position = skip_space(text, position + 1)
        while text[position] != "}":
            if members:
                assert text[position] == ","
                position = skip_space(text, position + 1)
            name, position = DECODER.raw_decode(text, position)
            position = skip_space(text, position)
            assert text[position] == ":"
            value, position = parse(text, skip_space(text, position + 1))
            members.append((name, value))
            position = skip_space(text, position)
        return Node("object", members, text[start:position + 1]), position + 1
    if text[position] == "[":
        elements = []
        position = skip_space(text, position + 1)
        while text[position] != "]":
            if elements:
                assert text[position] == ","
                position = skip_space(text, position + 1)
            value, position = parse(text, position)
            elements.append(value)
            position = skip_space(text, position)
        return Node("list", elements, text[start:position + 1]), position + 1
    value, end = DECODER.raw_decode(text, position)
    raw = text[start:end]
    kind = {"n": "null", "t": "boolean", "f": "boolean", '"': "string"}.get(raw[0], "number")
    return Node(kind, value, raw), end


def records(path):
    text = open(path, encoding="utf-8-sig", newline="").read()
    position = skip_space(text, 0)
    if position < len(text) and text[position] == "[":
        return parse(text, position)[0].value
    found = []
    while position < len(text):
        node, position = parse(text, position)
        found.append(node)
        position = skip_space(text, position)
    return found


def normalized(name):
    return "".join(c if c in "abcdefghijklmnopqrstuvwxyz0123456789_" else "_" for c in name.strip().lower())


def members(node):
    found = {}
    for name, value in node.value:
        name = normalized(name)
        assert name not in found, f"{name} twice"
        found[name] = value
    return found


def value_of(node, kind):
    """What a column of an Arrow type must hold for a node; raises ValueError where it cannot hold it."""
    if node is None or node.kind == "null":
        return None
    types = pyarrow.types
    wanted = None
    if types.is_struct(kind):
        wanted = "object"
    elif types.is_list(kind) or types.is_large_list(kind):
        wanted = "list"
    elif types.is_boolean(kind):
        wanted = "boolean"
    elif types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        wanted = "number"
    elif types.is_date(kind) or types.is_timestamp(kind) or types.is_time(kind):
        wanted = "string"
    if wanted and node.kind != wanted:
        raise ValueError(f"{node.raw[:60]} in a column of {kind}")
    if wanted == "object":
        found = members(node)
        names = {kind.field(i).name: kind.field(i).type for i in range(kind.num_fields)}
        lost = set(found) - set(names)
        if lost:
            raise ValueError(f"fields {lost} are missing in {kind}")
        return {name: value_of(found.get(name), inner) for name, inner in names.items()}
    if wanted == "list":
        return [value_of(element, kind.value_type) for element in node.value]
    if types.is_boolean(kind):
        return node.value
    if types.is_integer(kind):
        return int(node.raw)
    if types.is_floating(kind):
        if re.fullmatch(r"-?\d+", node.raw) and int(float(node.raw)) != int(node.raw):
            raise ValueError(f"{node.raw} in a column of {kind}")
        return float(node.raw)
    if types.is_decimal(kind):
        return decimal.Decimal(node.raw)
    if types.is_date(kind):
        return datetime.date.fromisoformat(node.value)
    if types.is_time(kind):
        return datetime.time.fromisoformat(node.value)
    if types.is_timestamp(kind):
        moment = datetime.datetime.fromisoformat(node.value)
        if kind.tz:
            return moment.astimezone(datetime.timezone.utc)
        if moment.tzinfo:
            raise ValueError(f"{node.raw} has a zone")
        return moment
    return node.value if node.kind == "string" else node.raw


def check_type(nodes, kind, path, problems):
    """Whether text stands only where nothing better does."""
    present = [node for node in nodes if node is not None and node.kind != "null"]
    kinds = {node.kind for node in present}
    types = pyarrow.types
    if types.is_struct(kind):
        for i in range(kind.num_fields):
            field = kind.field(i)
            inner = [members(node).get(field.name) for node in present]
            if not any(field.name in members(node) for node in present):
                problems.append(f"{path}.{field.name} is in no record")
            check_type(inner, field.type, f"{path}.{field.name}", problems)
    elif types.is_list(kind):
        check_type([element for node in present for element in node.value], kind.value_type, f"{path}[]", problems)
    elif types.is_string(kind):
        if kinds == {"boolean"} or kinds == {"list"}:
            problems.append(f"{path} is text, and all its values are of the kind {kinds}")
        if kinds == {"object"} and any(node.value for node in present):
            names = [normalized(name) for node in present for name, _ in node.value]
            clash = any(len({normalized(n) for n, _ in node.value}) < len(node.value) for node in present)
            if not clash and "" not in names and path.count(".") + path.count("[]") < 16:
                problems.append(f"{path} is text, and all its values are objects")
        if kinds == {"number"} and all(len(node.raw) < 16 and "e" not in node.raw.lower() for node in present):
            problems.append(f"{path} is text, and all its values are numbers like {present[0].raw}")


def plain(value):
    """A value without the differences between readers: zones, tuples."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if isinstance(value, datetime.datetime) and value.tzinfo:
        return value.astimezone(datetime.timezone.utc)
    if isinstance(value, decimal.Decimal):
        return value.normalize() if value else decimal.Decimal(0)
    if isinstance(value, float) and value == 0:
        return "-0.0" if str(value).startswith("-") else "0.0"
    return value


def leaf_values(rows, path):
    """All values of a stored column."""
    found = rows
    for name in path:
        if name == "list":
            continue
        if name == "element":
            found = [element for value in found if value is not None for element in value]
        else:
            found = [value[name] for value in found if value is not None]
    return [value for value in found if value is not None]


def check_statistics(path, rows, problems):
    metadata = pyarrow.parquet.ParquetFile(path).metadata
    start = 0
    for group in range(metadata.num_row_groups):
        group_rows = rows[start:start + metadata.row_group(group).num_rows]
        for position in range(metadata.num_columns):
            column = metadata.row_group(group).column(position)
            values = leaf_values(group_rows, column.path_in_schema.split("."))
            statistics = column.statistics
            where = f"{column.path_in_schema} in row group {group}"
            if statistics is None or statistics.null_count is None:
                problems.append(f"statistics of {where} are missing")
                continue
            if column.num_values - statistics.null_count != len(values):
                problems.append(f"{where}: {statistics.null_count} nulls of {column.num_values}, {len(values)} values")
            if statistics.has_min_max and values and isinstance(values[0], (int, float, datetime.date)):
                least, greatest = statistics.min, statistics.max
                if (least, greatest) != (min(values), max(values)):
                    problems.append(f"{where}: {least}…{greatest} instead of {min(values)}…{max(values)}")
        start += len(group_rows)
    if start != len(rows):
        problems.append(f"row groups have {start} rows of {len(rows)}")


def check(job):
    problems = []
    path = job["parquet"]
    table = pyarrow.parquet.read_table(path)
    for name, wanted in job.get("types", {}).items():
        found = str(table.schema.field(name).type) if name in table.column_names else "missing"
        if found != wanted:
            problems.append(f"{name} is {found} instead of {wanted}")
    skipped = set(job.get("skip", []))
    source = records(job["json"])
    nodes = [node for index, node in enumerate(source) if index not in skipped]
    # Records that rules leave out have no say in types, but their fields are columns.
    typed = [members(node) for node in source]
    rows = [members(node) for node in nodes]
    found = table.to_pylist()
    if len(found) != len(rows):
        problems.append(f"{len(found)} rows instead of {len(rows)}")
    lost = {name for row in typed for name in row} - set(table.column_names)
    if lost:
        problems.append(f"columns {lost} are missing")
    for field in table.schema:
        check_type([row.get(field.name) for row in rows], field.type, field.name, problems)
        for index, (row, result) in enumerate(zip(rows, found)):
            try:
                wanted = value_of(row.get(field.name), field.type)
            except ValueError as error:
                problems.append(f"{field.name}, row {index}: {error}")
                break
            if plain(result[field.name]) != plain(wanted):
                problems.append(f"{field.name}, row {index}: {result[field.name]!r} instead of {wanted!r}")
                break
    check_statistics(path, found, problems)
    result = duckdb.sql(f"SELECT * FROM read_parquet('{path}')")
    result = result.to_arrow_table() if hasattr(result, "to_arrow_table") else result.arrow()
    if not isinstance(result, pyarrow.Table):
        result = result.read_all()
    expected = [plain(row) for row in found]
    for reader, other in (("duckdb", result.to_pylist()), ("polars", polars.read_parquet(path).to_dicts())):
        other = [plain(row) for row in other]
        if other != expected:
            index = next((i for i, (x, y) in enumerate(zip(other, expected)) if x != y), min(len(other), len(expected)))
            names = [n for n in table.column_names if index < len(other) and other[index].get(n) != expected[index].get(n)]
            shown = [(n, other[index].get(n), expected[index].get(n)) for n in names[:2]]
            problems.append(f"{reader}, row {index} of {len(other)}: {shown}")
    return {"parquet": path, "ok": not problems, "problems": problems[:20], "rows": table.num_rows}
