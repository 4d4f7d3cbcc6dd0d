"""Makes input files for the readers of Columnar with encoders that are not ours: Python's csv, codecs, gzip and zipfile, pyarrow's zstd.

Usage: python3 make_inputs.py random FOLDER FIRST_SEED COUNT
       python3 make_inputs.py archives FOLDER

random    COUNT files with random tables in random dialects, encodings and compression; FOLDER/manifest.json lists them:
          input, options (delimiter, quote, escape, encoding, header, comment, null_token, trims). FOLDER/checks.json is the job list
          for verify_parquet.py, which expects the values in <input>.parquet.
archives  fixed files for tests of gzip and ZIP: FOLDER/<name>.
"""
import csv, gzip, io, json, math, random, struct, sys, zipfile, zlib
import pyarrow

WORDS = ["", "a", "plain", "with, comma", "with; semicolon", "tab\there", "bar|bar", 'quote " inside', '"', '""', "line\nbreak", "line\r\nbreak",
         "Größe", "naïve café", "é", "  blanks  ", "\\", "back\\slash", "#no comment", "'single'", "NULL", "x" * 300]
WIDE = ["日本語", "😀", "Ω", "Ελλάδα", "\ufeffmark", "𝄞 clef"]
WESTERN = ["€ 5", "„Wort“", "it’s", "—", "Œuvre", "Žižek"]


def zstd(data):
    return pyarrow.compress(data, codec="zstd", asbytes=True)


def column(generator, encoding, rows, index, null_token):
    """Texts as they go into the file (None: null) and the values a reader must see."""
    kind = generator.choice(["int", "edge", "beyond", "small", "double", "special", "odd", "bool", "date", "limits", "stamp", "zone", "text", "text", "unique"])
    words = list(WORDS)
    if encoding.startswith("utf"):
        words += WIDE
    if encoding not in ("latin-1",):
        words += WESTERN
    texts, values = [], []
    for row in range(rows):
        if generator.random() < 0.08:
            texts.append(None)
            values.append(None)
            continue
        if kind == "int":
            value = generator.randrange(-2**40, 2**40)
            text = str(value)
        elif kind == "edge":
            value = generator.choice([-2**63, 2**63 - 1, 2**63 - 2, -2**63 + 1, 0, -1, 2**53, 2**53 + 1, 10**18])
            text = str(value)
        elif kind == "beyond":
            text = value = str(generator.choice([2**63, -2**63 - 1, 10**25, 10**40]))
        elif kind == "small":
            value = generator.randrange(5)
            text = str(value)
        elif kind in ("double", "special"):
            value = generator.choice([struct.unpack("<d", generator.randbytes(8))[0], generator.uniform(-1, 1), 0.1 + generator.randrange(100), 5e-324, 1.7976931348623157e308, -0.0])
            if not math.isfinite(value):
                value = 0.5
            text = repr(value)
            if "." not in text and "e" not in text:
                text += ".0"
            if kind == "special" and row > 0 and generator.random() < 0.3:
                text = generator.choice(["NaN", "inf", "-inf"])
                value = {"NaN": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[text]
            elif row == 0 and "e" not in text:
                text += "e0"
        elif kind == "odd":
            text = value = generator.choice(["007", "+1", "1_000", "0x10", "1e999", "01/02/2024", "2024-02-30", "1,5", "12e", "--1", ".", "-", "٣" if encoding.startswith("utf") else "1.2.3"])
        elif kind == "bool":
            value = generator.random() < 0.5
            text = generator.choice(["true", "True", "TRUE"] if value else ["false", "False", "FALSE"])
        elif kind == "date":
            text = value = f"{generator.randrange(1900, 2100):04}-{generator.randrange(1, 13):02}-{generator.randrange(1, 29):02}"
        elif kind == "limits":
            text = value = generator.choice(["0001-01-01", "9999-12-31", "1969-12-31", "1970-01-01", "2000-02-29", "1582-10-10", "1900-02-28"])
        elif kind == "stamp":
            time = f"{generator.randrange(24):02}:{generator.randrange(60):02}:{generator.randrange(60):02}"
            day = generator.choice(["0001-01-01", "9999-12-31", "1969-12-31", "2024-02-29"])
            value = f"{day} {time}"
            text = value if generator.random() < 0.5 else f"{day}T{time}"
        elif kind == "zone":
            hour = generator.randrange(2, 22)
            offset = generator.randrange(-2, 3)
            value = f"2024-02-29 {hour:02}:30:00"
            text = f"2024-02-29T{hour + offset:02}:30:00{'-' if offset < 0 else '+'}{abs(offset):02}:00"
        elif kind == "unique":
            text = value = f"u{generator.getrandbits(64):x}" + "y" * generator.randrange(60)
        else:
            text = value = "".join(generator.choice(words) for _ in range(generator.randrange(4))) or "t"
        texts.append(text)
        values.append(value)
    if kind == "special" and not any(isinstance(value, float) for value in values):
        # NaN and infinities alone are no numbers but text.
        texts, values = ["0.5"] * rows, [0.5] * rows
    return texts, values


def write_rows(generator, options, header, rows):
    """The table as text. Nulls are empty unquoted fields or the null token; all texts that need it are quoted or escaped."""
    delimiter, quote, escape = options["delimiter"], options["quote"], options.get("escape")
    end = options["line_end"]
    blanks = generator.random() < 0.3
    style = generator.choice(["minimal", "all"])

    def field(text, alone):
        if text is None:
            return options.get("null_token") or ""
        if quote is None:
            return "".join(escape + c if c in (delimiter, escape, "\n") else c for c in text)
        special = any(c in text for c in (delimiter, quote, "\n", "\r")) or text == "" or text == options.get("null_token") \
            or (escape and escape in text) or (options.get("comment") and text.startswith(options["comment"])) \
            or (options["trims"] and text != text.strip(" \t"))
        if escape and special and generator.random() < 0.3 and text not in ("", options.get("null_token")) and "\r" not in text \
                and not options["trims"] and not text.startswith((quote, options.get("comment") or "\0")):
            return "".join(escape + c if c in (delimiter, escape, quote, "\n") else c for c in text)
        if not special and style == "minimal":
            return text
        if escape:
            return quote + "".join(escape + c if c in (quote, escape) else c for c in text) + quote
        return quote + text.replace(quote, quote * 2) + quote

    def pad(text):
        return text if not options["trims"] or delimiter == "\t" else " " * generator.randrange(3) + text + " " * generator.randrange(2)

    lines = []
    if options["header"]:
        lines.append(delimiter.join(header) + end)
    for row in rows:
        if blanks and len(header) > 1 and generator.random() < 0.1:
            lines.append(end)
        if options.get("comment") and generator.random() < 0.1:
            lines.append(options["comment"] + ' a "comment", with anything' + end)
        lines.append(delimiter.join(pad(field(text, len(row) == 1)) for text in row) + end)
    return lines


def make(seed, folder):
    generator = random.Random(seed)
    encoding = generator.choice(["utf-8", "utf-8", "utf-8-sig", "latin-1", "windows-1252", "utf-16", "utf-16le", "utf-16be"])
    rows = generator.choice([1, 2, 9, 100, 700])
    columns = generator.randrange(2, 7)
    options = {"delimiter": generator.choice([",", ";", "\t", "|"]), "quote": generator.choice(['"', '"', '"', "'"]), "header": generator.random() < 0.8,
               "line_end": generator.choice(["\n", "\n", "\r\n", "\r"]), "trims": generator.random() < 0.15}
    if generator.random() < 0.25:
        options["escape"] = "\\"
    if generator.random() < 0.2:
        options["comment"] = "#"
    if generator.random() < 0.3:
        options["null_token"] = generator.choice(["NULL", "\\N", "n/a"])
    if options["line_end"] == "\r":
        options.pop("escape", None)
    columns = [column(generator, encoding, rows, i, options.get("null_token")) for i in range(columns)]
    header = [f"c{i}" for i in range(len(columns))] if options["header"] else None
    names = header or [f"column_{i + 1}" for i in range(len(columns))]
    table = list(zip(*[texts for texts, _ in columns]))
    lines = write_rows(generator, options, names, table)

    def encode(text):
        if encoding == "utf-16":
            return text.encode("utf-16")
        return text.encode({"windows-1252": "cp1252"}.get(encoding, encoding))

    options["encoding"] = {"utf-8": "auto", "utf-8-sig": "auto"}.get(encoding, encoding)
    if encoding == "utf-16":
        options["encoding"] = generator.choice(["auto", "utf-16"])
    packing = generator.choice(["plain", "gzip", "gzips", "zstd", "zip", "zips"])
    path = f"{folder}/{seed}.{packing}"
    data = encode("".join(lines))
    if packing == "plain":
        content = data
    elif packing == "gzip":
        content = gzip.compress(data)
    elif packing == "gzips":
        cut = generator.randrange(len(data) + 1)
        content = gzip.compress(data[:cut]) + gzip.compress(data[cut:]) + b"\0" * generator.randrange(3)
    elif packing == "zstd":
        cut = generator.randrange(len(data) + 1)
        content = zstd(data[:cut]) + zstd(data[cut:])
    else:
        head = 1 if options["header"] else 0
        body = lines[head:]
        parts = [body]
        if packing == "zips" and len(table) >= 9 and not any(len(line) > 5000 for line in lines):
            cut = len(body) // 2
            parts = [body[:cut], body[cut:]]
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("folder/", "")
            for number, part in enumerate(parts):
                information = zipfile.ZipInfo(f"folder/part-{number}.csv")
                information.compress_type = generator.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
                with archive.open(information, "w", force_zip64=generator.random() < 0.3) as member:
                    member.write(encode("".join(lines[:head] + part)))
            archive.writestr("__MACOSX/._part-0.csv", b"\0\1\2")
        content = buffer.getvalue()
    with open(path, "wb") as file:
        file.write(content)
    return {"input": path, "options": options, "packing": packing, "encoding": encoding, "rows": rows,
            "expected": [[name, values] for name, (_, values) in zip(names, columns)]}


def archives(folder):
    def save(name, content):
        with open(f"{folder}/{name}", "wb") as file:
            file.write(content)

    one, two = b"a,b\n1,x\n2,y\n", b"a,b\n3,z\n"
    save("one.gz", gzip.compress(one))
    save("two.gz", gzip.compress(b"a,b\n1,x\n") + gzip.compress(b"2,y\n"))
    save("padded.gz", gzip.compress(one) + b"\0" * 512)
    save("garbage.gz", gzip.compress(one) + b"garbage")
    save("named.gz", gzip_named(one))

    class Pipe(io.RawIOBase):
        """Cannot seek: zipfile then writes data descriptors."""
        def __init__(self):
            self.data = bytearray()

        def writable(self):
            return True

        def write(self, part):
            self.data += part
            return len(part)

    def build(members, target=None, **options):
        target = target if target is not None else io.BytesIO()
        with zipfile.ZipFile(target, "w") as archive:
            for name, data, method in members:
                with archive.open(info(name, method), "w", **options) as member:
                    member.write(data)
        return bytes(target.data) if isinstance(target, Pipe) else target.getvalue()

    def info(name, method):
        result = zipfile.ZipInfo(name)
        result.compress_type = method
        return result

    stored, deflated = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED
    plain = [("one.csv", one, deflated), ("dir/two.csv", two, stored)]
    save("plain.zip", build(plain))
    save("zip64.zip", build(plain, force_zip64=True))
    save("descriptors.zip", build(plain, Pipe()))
    commented = io.BytesIO(build(plain))
    with zipfile.ZipFile(commented, "a") as archive:
        archive.comment = b"a comment with PK\5\6 in it"
    save("comment.zip", commented.getvalue())
    save("folders.zip", build([("dir/", b"", stored), ("dir/one.csv", one, deflated), ("__MACOSX/dir/._one.csv", b"\0\5\x16\7", stored),
                               ("dir/.DS_Store", b"\0\0\0\1Bud1", stored), ("two.csv", two, deflated)]))
    save("empty.zip", build([]))
    save("office.xlsx", build([("[Content_Types].xml", b"<Types/>", deflated), ("xl/workbook.xml", b"<w/>", deflated)]))
    save("other-header.zip", build([("one.csv", one, deflated), ("late.csv", b"a,c\n1,2\n", deflated)]))
    save("other-order.zip", build([("one.csv", one, deflated), ("late.csv", b"b,a\n1,2\n", deflated)]))
    save("ragged.zip", build([("one.csv", one, deflated), ("late.csv", b"a,b\n3,z\n4\n", deflated)]))
    save("nested.zip", build([("one.csv.gz", gzip.compress(one), stored), ("two.csv.zst", zstd(two), stored)]))
    save("zip-in-zip.zip", build([("one.zip", build(plain), stored)]))
    save("bzip2.zip", build([("one.csv", one, zipfile.ZIP_BZIP2)]))
    encrypted = bytearray(build([("one.csv", one, stored)]))
    for signature, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        encrypted[encrypted.index(signature) + offset] |= 1
    save("encrypted.zip", bytes(encrypted))
    checksum = bytearray(build([("one.csv", one, stored)]))
    checksum[checksum.index(one) + 4] ^= 1
    save("checksum.zip", bytes(checksum))
    save("cut.zip", build(plain)[:-30])
    # Zip64 for real: the end record points to its 64-bit form.
    real = bytearray(build([("one.csv", one, deflated)]))
    end = real.index(b"PK\5\6")
    size, offset = struct.unpack("<II", real[end + 12:end + 20])
    record = struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, 1, 1, size, offset)
    locator = struct.pack("<IIQI", 0x07064B50, 0, end, 1)
    trailer = struct.pack("<IHHHHIIH", 0x06054B50, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    save("zip64-end.zip", bytes(real[:end]) + record + locator + trailer)
    bomb = zlib.compressobj(9, zlib.DEFLATED, 31)
    save("bomb.gz", b"".join([bomb.compress(b"a,b\n1,\"")] + [bomb.compress(b"0" * (1 << 20)) for _ in range(300)] + [bomb.flush()]))


def gzip_named(data):
    buffer = io.BytesIO()
    with gzip.GzipFile("name in the header.csv", "wb", fileobj=buffer) as file:
        file.write(data)
    return buffer.getvalue()


def main(arguments):
    if arguments[0] == "archives":
        archives(arguments[1])
        return
    folder, first, count = arguments[1], int(arguments[2]), int(arguments[3])
    jobs = [make(seed, folder) for seed in range(first, first + count)]
    with open(f"{folder}/manifest.json", "w") as file:
        json.dump(jobs, file)
    with open(f"{folder}/checks.json", "w") as file:
        json.dump([{"parquet": job["input"] + ".parquet", "expected": job["expected"]} for job in jobs], file)


if __name__ == "__main__":
    main(sys.argv[1:])
