/// What becomes of the records that are left out.
extension ConversionPass {
    /// Tells who receives rejected records that a pass begins which delivers them.
    func beginRejected(_ reader: any RecordReader) throws(ColumnarError) {
        try rejectedRecords?.beginPass()
        try rejectedRecords?.describe(
            options.format.isJSON
                ? RejectedLayout(header: "", delimiter: ",", format: .json)
                : RejectedLayout(
                    columns: reader.columns, dialect: reader.dialect, format: options.format.rejectedFormat))
    }

    func deliver(_ records: [RejectedRecord]) throws(ColumnarError) {
        report.rejectedRows += Int64(records.count)
        guard let rejectedRecords else { return }
        for record in records { try rejectedRecords.receive(record) }
    }
}
