import Crypto

/// What the file system says of one version of an object. Times in nanoseconds since 1970.
package struct ObjectStamp: Codable, Sendable, Hashable {
    /// Not part of a version: device numbers may differ after a reboot.
    package var device: UInt64
    package var inode: UInt64
    package var size: Int64
    /// mtime: the last write of content, or what somebody set it to.
    package var modified: Int64
    /// ctime: the last change of content or metadata, by the kernel's clock. 0: not known, equal to no real stamp.
    package var changed: Int64

    package init(device: UInt64, inode: UInt64, size: Int64, modified: Int64, changed: Int64) {
        self.device = device
        self.inode = inode
        self.size = size
        self.modified = modified
        self.changed = changed
    }

    /// Inode, size, mtime and ctime are equal.
    package func isSameVersion(as other: ObjectStamp) -> Bool {
        isSameContentByStamp(as: other) && changed == other.changed
    }

    /// Inode, size and mtime are equal: what a rename, a link or a chmod leaves alone. Content may still differ
    /// (`cp -p` over the file), which the sampled hash tells.
    package func isSameContentByStamp(as other: ObjectStamp) -> Bool {
        inode == other.inode && size == other.size && modified == other.modified
    }

    /// Size and mtime are equal, as a copy that keeps times has them (some archives keep whole seconds). Content may
    /// differ, which the sampled hash tells.
    package func isCopy(of other: ObjectStamp) -> Bool {
        let second: Int64 = 1_000_000_000
        return size == other.size
            && (modified == other.modified || (modified % second == 0 && modified / second == other.modified / second))
    }

    /// 32 hexadecimal digits and `-1`, S3's form for "not an MD5 of the content": hashing 10 GB would delay the event
    /// by 16 s. Derived from the stamps, so every version has its own.
    package var etag: String {
        var hash = Insecure.MD5()
        for value in [inode, UInt64(bitPattern: size), UInt64(bitPattern: modified), UInt64(bitPattern: changed)] {
            withUnsafeBytes(of: value.littleEndian) { hash.update(bufferPointer: $0) }
        }
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(34)
        for byte in hash.finalize() {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        text.append(contentsOf: "-1".utf8)
        return String(decoding: text, as: UTF8.self)
    }
}

/// The version of a key that the journal knows: a row of the object index (the journal's `ObjectRecord`).
package struct KnownObject: Codable, Sendable, Hashable {
    package var bucket: String
    package var key: String
    package var stamp: ObjectStamp
    /// Sampled content hash; 0 when the content could not be read.
    package var sample: UInt64
    package var etag: String
    /// Rises with every version of the bucket; given by the journal.
    package var sequencer: String
    /// The event that announced this version; empty if it was adopted in silence.
    package var eventID: String

    package init(
        bucket: String, key: String, stamp: ObjectStamp, sample: UInt64, etag: String, sequencer: String = "",
        eventID: String = ""
    ) {
        self.bucket = bucket
        self.key = key
        self.stamp = stamp
        self.sample = sample
        self.etag = etag
        self.sequencer = sequencer
        self.eventID = eventID
    }

    package var version: ObjectVersion { ObjectVersion(stamp: stamp, sample: sample) }
}

/// What identifies one version's content: the stamps and the sampled hash.
package struct ObjectVersion: Codable, Sendable, Hashable {
    package var stamp: ObjectStamp
    /// 0 when the content could not be read.
    package var sample: UInt64

    package init(stamp: ObjectStamp, sample: UInt64) {
        self.stamp = stamp
        self.sample = sample
    }
}
