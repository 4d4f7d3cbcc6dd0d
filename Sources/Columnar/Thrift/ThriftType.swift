/// Type codes of Thrift's compact protocol, as they stand in field and list headers.
///
/// Source: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
package enum ThriftType: UInt8, Sendable {
    case stop = 0
    case booleanTrue = 1
    case booleanFalse = 2
    case int8 = 3
    case int16 = 4
    case int32 = 5
    case int64 = 6
    case double = 7
    case binary = 8
    case list = 9
    case set = 10
    case map = 11
    case structure = 12
    case uuid = 13
}

/// The header of one field of a struct.
package struct ThriftField: Sendable {
    package var id: Int16
    package var type: ThriftType

    package init(id: Int16, type: ThriftType) {
        self.id = id
        self.type = type
    }
}

/// A struct that can be written in the compact protocol.
package protocol ThriftEncodable {
    /// Writes the fields in ascending order of id. The caller opens and closes the struct.
    func encodeFields(to writer: inout ThriftWriter)
}

/// A struct that can be read from the compact protocol.
package protocol ThriftDecodable {
    /// Reads fields up to and including the stop byte; unknown fields are skipped.
    init(from reader: inout ThriftReader) throws(ColumnarError)
}
