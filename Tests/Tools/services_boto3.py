"""Asks a host for services of AWS that are not there, by boto3; prints what is wrong with what the client shows.

services_boto3.py ENDPOINT
"""

import sys

import boto3
import botocore.exceptions
from botocore.config import Config

endpoint = sys.argv[1]
complaints = []


def client(service, **more):
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name="local",
        aws_access_key_id="any",
        aws_secret_access_key="any",
        config=Config(retries={"max_attempts": 0}, **more),
    )


def refused(of, operation, status, code, *words, **arguments):
    """A call must raise the client's error class, with this status and code and these words in its text."""
    try:
        complaints.append(f"{operation} was answered: {getattr(of, operation)(**arguments)}")
    except botocore.exceptions.ClientError as error:
        found = (error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"])
        if found != (status, code):
            complaints.append(f"{operation}: {found} instead of {(status, code)}")
        missing = [word for word in words if word not in str(error)]
        if missing:
            complaints.append(f"{operation}: no word of {missing} in {error}")
    except Exception as error:
        complaints.append(f"{operation}: {type(error).__name__} {error}")


s3 = client("s3", s3={"addressing_style": "path"})
there = {"Bucket": "landing", "Key": "a b/c.csv"}
# Several times on one connection: bodies that were announced and not sent.
for _ in range(3):
    refused(s3, "put_object", 501, "NotImplemented", "cp FILE DATA/buckets", Body=b"id\n" * 100_000, **there)
    refused(s3, "head_object", 501, "501", **there)
refused(s3, "get_object", 501, "NotImplemented", "buckets are folders", **there)
refused(s3, "delete_object", 501, "NotImplemented", "buckets are folders", **there)
refused(s3, "list_buckets", 501, "NotImplemented", "sluice buckets list")
refused(s3, "list_objects_v2", 501, "NotImplemented", "buckets are folders", Bucket="landing")
refused(s3, "create_multipart_upload", 501, "NotImplemented", "cp FILE DATA/buckets", **there)
refused(s3, "delete_objects", 501, "NotImplemented", Bucket="landing", Delete={"Objects": [{"Key": "a"}]})

refused(client("lambda"), "invoke", 501, "NotImplemented", "sluice invoke Totals EVENT", FunctionName="Totals", Payload=b"{}")
refused(client("lambda"), "list_functions", 501, "NotImplemented", "sluice functions list")
refused(client("sns"), "publish", 400, "InvalidAction", "Publish of sns", "webhooks", TopicArn="arn:aws:sns:local:0:t", Message="m")
refused(client("sts"), "get_caller_identity", 400, "InvalidAction", "GetCallerIdentity of sts")
refused(client("sqs"), "send_message", 400, "UnknownOperationException", "SendMessage", QueueUrl=endpoint + "/0/q", MessageBody="m")
refused(client("scheduler"), "list_schedules", 501, "NotImplemented", "PutEvents")

events = client("events")
refused(events, "describe_replay", 400, "UnknownOperationException", "sluice replay start", ReplayName="r")
refused(events, "start_replay", 400, "UnknownOperationException", "sluice replay start", ReplayName="r",
    EventSourceArn="arn:aws:events:local:0:archive/a", EventStartTime=0, EventEndTime=1,
    Destination={"Arn": "arn:aws:events:local:0:event-bus/default"})
refused(events, "create_archive", 400, "UnknownOperationException", "archive.retentionDays", ArchiveName="a",
    EventSourceArn="arn:aws:events:local:0:event-bus/default")
refused(events, "put_rule", 400, "UnknownOperationException", "sluice rules list", Name="r", EventPattern="{}")

print("\n".join(complaints + ["checked"]))
