package import EventModel
import FunctionJSON

/// The bytes of object events, in the shape S3 sends to EventBridge
/// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html).
package enum ObjectEvents {
    package static let account = "000000000000"
    package static let region = "local"

    package static func created(
        id: String, time: Timestamp, bucket: String, key: String, size: Int64, etag: String, sequencer: String,
        reason: String
    ) -> [UInt8] {
        envelope(id: id, type: ObjectCreated.detailType, time: time, bucket: bucket).bytes(
            detail: JSONText.encode(
                ObjectCreated(
                    bucket: bucket,
                    object: ObjectCreated.Object(key: key, size: size, etag: etag, sequencer: sequencer),
                    requester: account, reason: reason)))
    }

    package static func deleted(
        id: String, time: Timestamp, bucket: String, key: String, sequencer: String, reason: String = "DeleteObject"
    ) -> [UInt8] {
        envelope(id: id, type: ObjectDeleted.detailType, time: time, bucket: bucket).bytes(
            detail: JSONText.encode(
                ObjectDeleted(
                    bucket: bucket, object: ObjectDeleted.Object(key: key, sequencer: sequencer), requester: account,
                    reason: reason)))
    }

    private static func envelope(id: String, type: String, time: Timestamp, bucket: String) -> EventEnvelope {
        EventEnvelope(
            id: id, detailType: type, source: ObjectCreated.source, account: account, time: time.wholeSeconds,
            region: region, resources: ["arn:aws:s3:::\(bucket)"])
    }
}
