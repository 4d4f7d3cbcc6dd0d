"""NDJSON to Parquet by Sluice and its peers, in turns, one thread each: medians of wall and CPU time.

Needs: pip install pyarrow duckdb polars

Usage: python3 json_peers.py SLUICE IN.ndjson [REPETITIONS]
SLUICE is the command; `sluice bench columnar` makes such files. On a busy machine trust the ratios of CPU time.
"""
import os, resource, statistics, subprocess, sys, tempfile, time

PEERS = {
    "duckdb": """
import duckdb
begin()
c = duckdb.connect(config={'threads': 1})
c.execute("SET enable_progress_bar=false")
c.execute(f"COPY (SELECT * FROM read_json('{source}', format='newline_delimited')) TO '{target}' (FORMAT parquet, COMPRESSION snappy)")
""",
    "polars": """
import polars
begin()
polars.scan_ndjson(source).sink_parquet(target, compression='snappy')
""",
    "pyarrow": """
import pyarrow, pyarrow.json, pyarrow.parquet
pyarrow.set_cpu_count(1)
begin()
table = pyarrow.json.read_json(source, read_options=pyarrow.json.ReadOptions(use_threads=False, block_size=8 << 20))
pyarrow.parquet.write_table(table, target, compression='snappy')
""",
}
FRAME = """
import os, sys, time
source, target = sys.argv[1:3]
def begin():
    global wall, cpu
    wall, cpu = time.perf_counter(), time.process_time()
{body}
print(time.perf_counter() - wall, time.process_time() - cpu)
"""


def peer(name, source, target):
    environment = dict(os.environ, POLARS_MAX_THREADS="1", OMP_NUM_THREADS="1")
    code = FRAME.replace("{body}", PEERS[name])
    run = subprocess.run([sys.executable, "-c", code, source, target], env=environment, capture_output=True, text=True)
    if run.returncode != 0:
        raise SystemExit(f"{name}: {run.stderr[-1000:]}")
    wall, cpu = run.stdout.split()[-2:]
    return float(wall), float(cpu)


def sluice(command, source, target):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    subprocess.run([command, "csv", "convert", source, target, "--format", "ndjson"], check=True, capture_output=True)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(arguments):
    command, source = arguments[:2]
    repetitions = int(arguments[2]) if len(arguments) > 2 else 5
    size = os.path.getsize(source) / 1e6
    times = {name: [] for name in ["sluice", *PEERS]}
    sizes = {}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(repetitions):
            for name in times:
                target = os.path.join(folder, f"{name}.parquet")
                run = sluice(command, source, target) if name == "sluice" else peer(name, source, target)
                times[name].append(run)
                sizes[name] = os.path.getsize(target) / 1e6
    own = [statistics.median(values) for values in zip(*times["sluice"])]
    print(f"{source}: {size:.0f} MB, {repetitions} runs in turns")
    for name, runs in times.items():
        wall, cpu = (statistics.median(values) for values in zip(*runs))
        print(
            f"{name:8} {size / wall:6.0f} MB/s wall ({wall / own[0]:.1f}x)  {size / cpu:6.0f} MB/s CPU ({cpu / own[1]:.1f}x)"
            f"  output {sizes[name]:.1f} MB")


if __name__ == "__main__":
    main(sys.argv[1:])
