"""Puts and reads records of a host's streams by boto3, as any client of Kinesis does; prints what is wrong, line by line.

streams_boto3.py ENDPOINT PART [FILE]: one of the parts below, by name.
"""

import base64, datetime, hashlib, json, random, sys, time

import boto3
import botocore.exceptions
from botocore.config import Config

endpoint, part = sys.argv[1:3]
kinesis = boto3.client(
    "kinesis",
    endpoint_url=endpoint,
    region_name="local",
    aws_access_key_id="any",
    aws_secret_access_key="any",
    config=Config(retries={"max_attempts": 1}),
)
complaints = []


def check(truth, what):
    if not truth:
        complaints.append(what)


def same(found, wanted, what):
    check(found == wanted, f"{what}: {found!r} instead of {wanted!r}")


def refused(error, operation, **arguments):
    """The error class of botocore that a call must raise, and its message."""
    try:
        answer = getattr(kinesis, operation)(**arguments)
    except botocore.exceptions.ClientError as raised:
        same(raised.response["Error"]["Code"], error, f"{operation} {str(arguments)[:200]}")
        if hasattr(kinesis.exceptions, error):
            check(isinstance(raised, getattr(kinesis.exceptions, error)), f"{error} has no class of its own")
        same(raised.response["ResponseMetadata"]["HTTPStatusCode"], 400, f"status of {error}")
        return raised.response["Error"]["Message"]
    complaints.append(f"{operation} {str(arguments)[:200]} was answered: {answer}")
    return ""


def shards(stream):
    return [s for page in kinesis.get_paginator("list_shards").paginate(StreamName=stream) for s in page["Shards"]]


def read(stream, shard, limit=None, **start):
    """All records of a shard from a place on, to where there are no more."""
    iterator = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard, **start)["ShardIterator"]
    records = []
    while iterator:
        page = kinesis.get_records(ShardIterator=iterator, **({"Limit": limit} if limit else {}))
        records += page["Records"]
        iterator = page.get("NextShardIterator")
        if page["MillisBehindLatest"] == 0:
            break
    return records


def shard_of(key, all_shards):
    number = int.from_bytes(hashlib.md5(key.encode()).digest(), "big")
    for shard in all_shards:
        keys = shard["HashKeyRange"]
        if int(keys["StartingHashKey"]) <= number <= int(keys["EndingHashKey"]):
            if "EndingSequenceNumber" not in shard["SequenceNumberRange"]:
                return shard["ShardId"]


def values():
    """Puts 1500 records of 40 keys one way or the other, and finds each once, in its shard, in the order of its key."""
    random.seed(7)
    put = []  # key, data, shard, sequence number
    for number in range(20):
        key, data = f"user-{number % 40}", b"" if number == 3 else random.randbytes(number * 7)
        answer = kinesis.put_record(StreamName="clicks", PartitionKey=key, Data=data)
        same(answer["EncryptionType"], "NONE", "EncryptionType of put_record")
        put.append((key, data, answer["ShardId"], answer["SequenceNumber"]))
    for count in (500, 480, 500):
        entries = [
            {"PartitionKey": f"user-{(len(put) + i) % 40}", "Data": json.dumps({"n": len(put) + i, "ü": "\u0000\n"}).encode()}
            for i in range(count)
        ]
        answer = kinesis.put_records(StreamARN="arn:aws:kinesis:local:000000000000:stream/clicks", Records=entries)
        same(answer["FailedRecordCount"], 0, "FailedRecordCount")
        put += [
            (e["PartitionKey"], e["Data"], r["ShardId"], r["SequenceNumber"]) for e, r in zip(entries, answer["Records"])
        ]
    all_shards = shards("clicks")
    same([s["ShardId"] for s in all_shards], [f"shardId-{n:012}" for n in range(4)], "shards")
    same(len({p[3] for p in put}), 1500, "different sequence numbers")
    check(all(int(a[3]) < int(b[3]) for a, b in zip(put, put[1:])), "sequence numbers do not rise")
    for key, _, shard, _ in put:
        if shard != shard_of(key, all_shards):
            complaints.append(f"{key} is in {shard}, its MD5 in {shard_of(key, all_shards)}")
            break
    for shard in [s["ShardId"] for s in all_shards]:
        wanted = [(key, data, number) for key, data, place, number in put if place == shard]
        check(wanted, f"{shard} has no record: a poor test")
        for limit in (None, 100, 7 if shard.endswith("0") else 1000):
            found = read("clicks", shard, limit, ShardIteratorType="TRIM_HORIZON")
            same(
                [(r["PartitionKey"], r["Data"], r["SequenceNumber"]) for r in found] == wanted, True,
                f"{shard} by {limit}: {len(found)} of {len(wanted)} records, or others",
            )
        now = datetime.datetime.now(datetime.timezone.utc)
        check(
            all(abs((now - r["ApproximateArrivalTimestamp"]).total_seconds()) < 600 for r in found),
            "ApproximateArrivalTimestamp is not now",
        )
        middle = wanted[len(wanted) // 2]
        rest = [number for _, _, number in wanted[len(wanted) // 2 :]]
        for kind, numbers in (("AT_SEQUENCE_NUMBER", rest), ("AFTER_SEQUENCE_NUMBER", rest[1:])):
            found = read("clicks", shard, ShardIteratorType=kind, StartingSequenceNumber=middle[2])
            same([r["SequenceNumber"] for r in found], numbers, f"{kind} in {shard}")
        same(read("clicks", shard, ShardIteratorType="LATEST"), [], "LATEST where nothing comes")
        same(len(read("clicks", shard, ShardIteratorType="AT_TIMESTAMP", Timestamp=1.5)), len(wanted), "AT_TIMESTAMP 1970")
    # What comes after LATEST and AT_TIMESTAMP, and nothing before.
    time.sleep(0.05)
    moment = datetime.datetime.now(datetime.timezone.utc)
    latest = {s["ShardId"]: kinesis.get_shard_iterator(StreamName="clicks", ShardId=s["ShardId"], ShardIteratorType="LATEST") for s in all_shards}
    time.sleep(0.05)
    last = kinesis.put_record(StreamName="clicks", PartitionKey="x", Data=b"last", ExplicitHashKey=str(2**128 - 1))
    same(last["ShardId"], "shardId-000000000003", "the shard of the highest hash key")
    for shard, iterator in latest.items():
        wanted = [last["SequenceNumber"]] if shard == last["ShardId"] else []
        found = kinesis.get_records(ShardIterator=iterator["ShardIterator"])["Records"]
        same([r["SequenceNumber"] for r in found], wanted, f"LATEST in {shard}")
        found = read("clicks", shard, ShardIteratorType="AT_TIMESTAMP", Timestamp=moment)
        same([r["SequenceNumber"] for r in found], wanted, f"AT_TIMESTAMP in {shard}")


def descriptions():
    stream = kinesis.describe_stream(StreamName="clicks")["StreamDescription"]
    same(stream["StreamARN"], "arn:aws:kinesis:local:000000000000:stream/clicks", "StreamARN")
    same((stream["StreamStatus"], stream["RetentionPeriodHours"], stream["HasMoreShards"]), ("ACTIVE", 48, False), "describe")
    same(stream["StreamModeDetails"], {"StreamMode": "PROVISIONED"}, "StreamModeDetails")
    check(abs(time.time() - stream["StreamCreationTimestamp"].timestamp()) < 3600, "StreamCreationTimestamp")
    kinesis.get_waiter("stream_exists").wait(StreamName="clicks", WaiterConfig={"Delay": 1, "MaxAttempts": 2})
    summary = kinesis.describe_stream_summary(StreamARN=stream["StreamARN"])["StreamDescriptionSummary"]
    same((summary["OpenShardCount"], summary["ConsumerCount"]), (4, 0), "describe_stream_summary")
    ids = [s["ShardId"] for s in stream["Shards"]]
    for name, parameters, path in (
        ("list_shards", {"StreamName": "clicks"}, "MaxResults"), ("describe_stream", {"StreamName": "clicks"}, "Limit"),
    ):
        pages = kinesis.get_paginator(name).paginate(**parameters, PaginationConfig={"PageSize": 3})
        parts = [p["Shards"] if name == "list_shards" else p["StreamDescription"]["Shards"] for p in pages]
        same([[s["ShardId"] for s in p] for p in parts], [ids[:3], ids[3:]], f"pages of {name}")
    filtered = kinesis.get_paginator("list_shards").paginate(
        StreamName="clicks", ShardFilter={"Type": "AT_LATEST"}, PaginationConfig={"PageSize": 3})
    same([s["ShardId"] for p in filtered for s in p["Shards"]], ids, "pages of a filter")
    names = [p["StreamNames"] for p in kinesis.get_paginator("list_streams").paginate(PaginationConfig={"PageSize": 1})]
    same(names, [["clicks"], ["small"]], "pages of list_streams")
    same([s["StreamName"] for s in kinesis.list_streams()["StreamSummaries"]], ["clicks", "small"], "StreamSummaries")
    same(kinesis.list_tags_for_stream(StreamName="clicks")["Tags"], [], "tags")
    same(kinesis.describe_limits()["OpenShardCount"], 5, "describe_limits")
    same(kinesis.list_stream_consumers(StreamARN=stream["StreamARN"])["Consumers"], [], "consumers")


def errors():
    first = shards("clicks")[0]["ShardId"]
    where = {"StreamName": "clicks", "ShardId": first}
    record = {"Data": b"x", "PartitionKey": "k"}
    message = refused("ResourceNotFoundException", "put_record", StreamName="clics", **record)
    check("Stream clics under account 000000000000 not found" in message and "clicks" in message, message)
    refused("ResourceNotFoundException", "describe_stream", StreamName="nowhere")
    refused("ResourceNotFoundException", "get_shard_iterator", StreamName="clicks", ShardId="shardId-000000000009", ShardIteratorType="LATEST")
    refused("ValidationException", "put_records", StreamName="clicks", Records=[record] * 501)
    refused("ValidationException", "put_record", StreamName="clicks", Data=b"x" * (1 << 20) + b"x", PartitionKey="k")
    refused("ValidationException", "put_record", StreamName="clicks", Data=b"x", PartitionKey="k" * 257)
    refused("InvalidArgumentException", "put_records", StreamName="clicks", Records=[{"Data": b"x" * (1 << 20), "PartitionKey": "k"}] * 5)
    refused("InvalidArgumentException", "put_record", StreamName="clicks", ExplicitHashKey=str(2**128), **record)
    refused("InvalidArgumentException", "get_shard_iterator", ShardIteratorType="AT_SEQUENCE_NUMBER", StartingSequenceNumber="12345", **where)
    refused("InvalidArgumentException", "get_records", ShardIterator="no iterator")
    refused("InvalidArgumentException", "list_shards", NextToken="no token")
    # One that a host could have given an hour ago.
    plain = f"iterator-1/clicks/{first}/0/{int(time.time() * 1000) - 3_600_000}/."
    old = base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")
    refused("ExpiredIteratorException", "get_records", ShardIterator=old)
    refused("ValidationException", "get_records", ShardIterator=old, Limit=10_001)
    refused("ResourceInUseException", "create_stream", StreamName="clicks", ShardCount=4)
    check("sluice.yaml" in refused("ValidationException", "create_stream", StreamName="new", ShardCount=1), "no word of sluice.yaml")
    refused("ValidationException", "split_shard", StreamName="clicks", ShardToSplit=first, NewStartingHashKey="1")
    refused("ValidationException", "register_stream_consumer", StreamARN="arn:aws:kinesis:local:000000000000:stream/clicks", ConsumerName="c")
    same(read("small", "shardId-000000000000", ShardIteratorType="TRIM_HORIZON"), [], "a stream that nobody put into")


def resharded():
    """After the number of shards went from 4 to 2: the old ones end, and lead to the new ones."""
    all_shards = shards("clicks")
    closed = [s for s in all_shards if "EndingSequenceNumber" in s["SequenceNumberRange"]]
    same([s["ShardId"][-1] for s in closed], ["0", "1", "2", "3"], "closed shards")
    opened = [s["ShardId"] for s in kinesis.list_shards(StreamName="clicks", ShardFilter={"Type": "AT_LATEST"})["Shards"]]
    same(opened, ["shardId-000000000004", "shardId-000000000005"], "open shards")
    horizon = kinesis.list_shards(StreamName="clicks", ShardFilter={"Type": "AT_TRIM_HORIZON"})["Shards"]
    same([s["ShardId"] for s in horizon], [s["ShardId"] for s in closed], "shards at the trim horizon")
    children = {}
    total = 0
    for shard in closed:
        iterator = kinesis.get_shard_iterator(StreamName="clicks", ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        for _ in range(1000):
            page = kinesis.get_records(ShardIterator=iterator, Limit=100)
            total += len(page["Records"])
            iterator = page.get("NextShardIterator")
            if not iterator:
                break
        check(iterator is None, f"{shard['ShardId']} has no end")
        for child in page.get("ChildShards", []):
            children.setdefault(child["ShardId"], set()).update(child["ParentShards"])
    same(total, 1501, "records in closed shards")
    same({k: sorted(p[-1] for p in v) for k, v in children.items()}, {opened[0]: ["0", "1"], opened[1]: ["2", "3"]}, "children")
    answer = kinesis.put_records(StreamName="clicks", Records=[{"Data": b"new", "PartitionKey": f"user-{i}"} for i in range(40)])
    open_shards = [s for s in shards("clicks") if s["ShardId"] in opened]
    same([r["ShardId"] for r in answer["Records"]], [shard_of(f"user-{i}", open_shards) for i in range(40)], "new places")
    found = [r for s in opened for r in read("clicks", s, ShardIteratorType="TRIM_HORIZON")]
    same(sorted(r["SequenceNumber"] for r in found), sorted(r["SequenceNumber"] for r in answer["Records"]), "new records")


def until_gone():
    """Puts records until the host is gone, and notes what it has answered."""
    number = 0
    with open(sys.argv[3], "a") as noted:
        while True:
            entries = [{"PartitionKey": f"k{(number + i) % 11}", "Data": str(number + i).encode()} for i in range(50)]
            try:
                answer = kinesis.put_records(StreamName="small", Records=entries)
            except (botocore.exceptions.ConnectionError, botocore.exceptions.HTTPClientError):
                return
            number += 50
            for entry, result in zip(entries, answer["Records"]):
                noted.write(json.dumps([entry["PartitionKey"], entry["Data"].decode(), result["SequenceNumber"]]) + "\n")
            noted.flush()


def acknowledged():
    """Everything that was answered is there, under its number and in its order; of what was not, one request at most."""
    noted = [json.loads(line) for line in open(sys.argv[3])]
    check(len(noted) >= 500, f"only {len(noted)} records were answered: a poor test")
    found = [
        [r["PartitionKey"], r["Data"].decode(), r["SequenceNumber"]]
        for r in read("small", "shardId-000000000000", ShardIteratorType="TRIM_HORIZON")
    ]
    check(found[: len(noted)] == noted, "what was answered is not what is there")
    check(len(found) - len(noted) in (0, 50), f"{len(found) - len(noted)} records were not answered and are there")


parts = [values, descriptions, errors, resharded, until_gone, acknowledged]
{p.__name__: p for p in parts}[part]()
print("\n".join(complaints + ["checked"]))
