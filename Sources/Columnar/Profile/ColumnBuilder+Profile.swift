extension ColumnBuilder {
    /// Shows the page that ends to the profiler.
    func profilePage(_ profiler: ColumnProfiler, _ bounds: ValueBounds) {
        let count = pageValueCount
        profiler.addRows(pageRowCount, nulls: pageRowCount - count)
        guard count > 0 else { return }
        if usesDictionary { return profiler.observe(ids: numbers, count: count, distinct: dictionary.count) }
        switch layout {
        case .text: profiler.observe(texts: texts.base, bytes: texts.count, lengths: numbers, count: count)
        case .fixed16: profiler.observe(fixed: texts.base, width: 16, count: count)
        case .boolean: profiler.observe(booleans: pageValues(), count: count)
        case .int32, .int64, .double:
            profiler.observe(
                numbers: pageValues(), count: count, isDouble: layout == .double, isNumber: type.isNumber,
                isWhole: type.isWhole, bounds)
        }
    }

    /// Shows the chunk that ends to the profiler.
    func profileChunk(_ profiler: ColumnProfiler) {
        profiler.finishChunk(dictionary, layout, type, chunk.bounds)
    }
}
