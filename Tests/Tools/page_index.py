"""Checks the page index of Parquet files, and their footers and page headers, by the format's own definition: decoders
that thriftpy2 makes of parquet.thrift. The values are those that pyarrow reads.

Needs: pip install pyarrow thriftpy2 fastparquet (which brings parquet.thrift)

Usage: python3 page_index.py FILE…   prints {"file", "pages", "bounded"} for each file; exit code 0 if all is right, 2 if not
"""
import datetime, decimal, importlib.util, io, json, math, os, struct, sys
import pyarrow.parquet
import thriftpy2
from thriftpy2.protocol.compact import TCompactProtocol

# The package's code, with numpy and pandas, is not needed.
definition = os.path.join(os.path.dirname(importlib.util.find_spec("fastparquet").origin), "parquet.thrift")
fmt = thriftpy2.load(definition, module_name="parquet_thrift")


def decode(kind, data):
    """A structure, and the bytes that it takes."""
    buffer = io.BytesIO(data)
    value = kind()
    value.read(TCompactProtocol(buffer))
    return value, buffer.tell()


def leaves(value, path):
    """The values of a leaf within a value of its column; None where it, or a list, is null or empty."""
    if value is None:
        yield None
    elif not path:
        yield value
    elif path[:2] == ["list", "element"]:
        if not value:
            yield None
        for element in value:
            yield from leaves(element, path[2:])
    else:
        yield from leaves(value[path[0]], path[1:])


def stored(value, element):
    """A value in the order and unit in which it is stored."""
    if isinstance(value, datetime.datetime):
        zone = datetime.timezone.utc if value.tzinfo else None
        return (value - datetime.datetime(1970, 1, 1, tzinfo=zone)) // datetime.timedelta(microseconds=1)
    if isinstance(value, datetime.date):
        return (value - datetime.date(1970, 1, 1)).days
    if isinstance(value, datetime.time):
        return ((value.hour * 60 + value.minute) * 60 + value.second) * 1_000_000 + value.microsecond
    if isinstance(value, decimal.Decimal):
        return int(value.scaleb(element.scale or 0, decimal.Context(prec=60)))
    return value.encode() if isinstance(value, str) else value


def bound(data, element):
    """A bound as PLAIN encoding has it, without a length."""
    kind = fmt.Type._VALUES_TO_NAMES[element.type]
    if kind == "FIXED_LEN_BYTE_ARRAY":
        assert len(data) == element.type_length
        return int.from_bytes(data, "big", signed=True)
    if kind == "BYTE_ARRAY":
        return data
    return struct.unpack({"BOOLEAN": "<?", "INT32": "<i", "INT64": "<q", "DOUBLE": "<d"}[kind], data)[0]


def raw(data):
    return data.encode("latin-1") if isinstance(data, str) else bytes(data)


class Checker:
    def __init__(self, path):
        self.path, self.problems, self.pages, self.bounded = path, [], 0, 0
        self.data = open(path, "rb").read()

    def expect(self, holds, where, what):
        if not holds:
            self.problems.append(f"{where}: {what}")

    def check_bounds(self, low, high, values, element, where):
        low, high = bound(low, element), bound(high, element)
        least, greatest = min(values), max(values)
        if isinstance(low, bytes):
            self.expect(low <= least and greatest <= high, where, f"{low} to {high}, and the values are {least} to {greatest}")
            # Up to 64 bytes stand whole; longer ones are cut, at a character.
            self.expect(low == least if len(least) <= 64 else least.startswith(low) and len(low) > 60, where, f"{low} for {least}")
            self.expect(high == greatest if len(greatest) <= 64 else 60 < len(high) <= 64, where, f"{high} for {greatest}")
            return
        self.expect((low, high) == (least, greatest), where, f"{low} to {high}, and the values are {least} to {greatest}")
        if isinstance(low, float):
            # Zeros are equal, and readers want both signs within.
            self.expect(low != 0 or math.copysign(1, low) < 0, where, "a lower bound of +0.0")
            self.expect(high != 0 or math.copysign(1, high) > 0, where, "an upper bound of -0.0")

    def check_chunk(self, column, values, rows, element, group):
        """`values`: of each row, the values of the leaf."""
        chunk = column.meta_data
        where = f"row group {group}, column {'.'.join(chunk.path_in_schema)}"
        locations, size = decode(fmt.OffsetIndex, self.data[column.offset_index_offset:][:column.offset_index_length])
        self.expect(size == column.offset_index_length, where, "the offset index does not end where it should")
        locations = locations.page_locations
        starts = [place.first_row_index for place in locations] + [rows]
        self.expect(starts[0] == 0 and starts == sorted(set(starts)), where, f"rows of pages: {starts}")
        index = None
        if column.column_index_offset is not None:
            index, size = decode(fmt.ColumnIndex, self.data[column.column_index_offset:][:column.column_index_length])
            self.expect(size == column.column_index_length, where, "the column index does not end where it should")
            lengths = {len(index.null_pages), len(index.min_values), len(index.max_values), len(index.null_counts)}
            self.expect(lengths == {len(locations)}, where, f"{lengths} entries for {len(locations)} pages")
            self.expect(index.boundary_order == fmt.BoundaryOrder.UNORDERED, where, "an order that was not checked")
        everything = [value for row in values for value in row]
        there = [value for value in everything if value is not None]
        has_nan = any(isinstance(value, float) and math.isnan(value) for value in there)
        self.expect((index is None) == has_nan, where, f"column index: {index is not None}, NaN: {has_nan}")

        # The chunk: its pages, one behind the other, behind the dictionary.
        begin = chunk.dictionary_page_offset if chunk.dictionary_page_offset is not None else chunk.data_page_offset
        self.expect(locations[0].offset == chunk.data_page_offset, where, "the first page is elsewhere")
        if begin != chunk.data_page_offset:
            header, size = decode(fmt.PageHeader, self.data[begin:][:1 << 16])
            self.expect(header.type == fmt.PageType.DICTIONARY_PAGE, where, "no dictionary page")
            self.expect(begin + size + header.compressed_page_size == chunk.data_page_offset, where, "size of the dictionary")
        end = chunk.data_page_offset
        count = 0
        for page, place in enumerate(locations):
            here = f"{where}, page {page}"
            self.pages += 1
            self.expect(place.offset == end, here, f"at {place.offset}, not {end}")
            header, size = decode(fmt.PageHeader, self.data[end:][:1 << 16])
            self.expect(place.compressed_page_size == size + header.compressed_page_size, here, "its size")
            self.expect(header.type == fmt.PageType.DATA_PAGE, here, "no data page")
            end += size + header.compressed_page_size
            entries = [value for row in values[starts[page]:starts[page + 1]] for value in row]
            self.expect(header.data_page_header.num_values == len(entries), here, "number of values")
            count += len(entries)
            there_here = [value for value in entries if value is not None]
            if index is None:
                continue
            self.expect(index.null_counts[page] == len(entries) - len(there_here), here, f"{index.null_counts[page]} nulls")
            self.expect(index.null_pages[page] == (not there_here), here, "whether all are null")
            low, high = raw(index.min_values[page]), raw(index.max_values[page])
            if there_here:
                self.bounded += 1
                self.check_bounds(low, high, there_here, element, here)
            else:
                self.expect(low == high == b"", here, "bounds of nothing")
        self.expect(end == begin + chunk.total_compressed_size, where, "size of the chunk")
        self.expect(count == chunk.num_values == len(everything), where, "number of values")

        statistics = chunk.statistics
        self.expect(statistics.null_count == len(everything) - len(there), where, "nulls")
        if there and not has_nan:
            self.check_bounds(raw(statistics.min_value), raw(statistics.max_value), there, element, where)
        else:
            self.expect(statistics.min_value is None and statistics.max_value is None, where, "bounds of nothing")

    def run(self):
        length = struct.unpack("<I", self.data[-8:-4])[0]
        footer, size = decode(fmt.FileMetaData, self.data[-8 - length:-8])
        self.expect(size == length and self.data[:4] == self.data[-4:] == b"PAR1", "footer", "its length")
        elements = [element for element in footer.schema if element.type is not None]
        file = pyarrow.parquet.ParquetFile(self.path)
        self.expect(footer.num_rows == sum(group.num_rows for group in footer.row_groups), "footer", "number of rows")
        for number, group in enumerate(footer.row_groups):
            table = file.read_row_group(number)
            self.expect(table.num_rows == group.num_rows, f"row group {number}", "number of rows")
            rows = {name: table.column(name).to_pylist() for name in table.column_names}
            for column, element in zip(group.columns, elements):
                path = column.meta_data.path_in_schema
                values = [
                    [None if value is None else stored(value, element) for value in leaves(row, path[1:])]
                    for row in rows[path[0]]]
                self.check_chunk(column, values, group.num_rows, element, number)
        print(json.dumps({"file": self.path, "pages": self.pages, "bounded": self.bounded}))
        for problem in self.problems[:20]:
            print(f"{self.path}: {problem}", file=sys.stderr)
        return not self.problems


sys.exit(0 if all([Checker(path).run() for path in sys.argv[1:]]) else 2)
