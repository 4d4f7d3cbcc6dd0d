/// Judging rows while their columns are built.
extension TableBuilder {
    /// From now on rows are judged while they are built, and bad ones added to their batch's `rejected`.
    func judgeRows(_ judge: QualityJudge, fileColumns: Int) {
        let staged = StagedJudge(judge, columns: fileColumns) { column in
            leaves.firstIndex { $0.nestedIndex == nil && origins[$0.column] == .field(column) }
        }
        for leaf in staged.leaves {
            if case .field(let column) = origins[leaves[leaf].column] { builders[leaf].watch = staged.watch(column) }
        }
        self.staged = staged
    }

    func appendJudged(
        _ segments: [BatchSegment], _ judge: StagedJudge, _ meanwhile: inout (() -> Void)?
    ) throws(ColumnarError) -> Misfit? {
        for segment in segments {
            var rest = segment
            while rest.count > 0 {
                let isJudged = segment.batch.isJudged
                let staging = judge.isWorthwhile && !isJudged ? stageable(judge) : []
                var part = rest
                part.count = staging.reduce(rest.count) { min($0, builders[$1].room) }
                rest.first += part.count
                rest.count -= part.count
                let (good, holding) = isJudged ? ([part], []) : try judgeRows(part, staging, judge)
                // Rows that are left out have no say in a type.
                for column in open.sorted() { try settle(column, good) }
                var committed = [Bool](repeating: false, count: leaves.count)
                for leaf in holding { committed[leaf] = true }
                let round = ColumnRound(order: order, workspaces: workspaces, meanwhile: meanwhile) {
                    leaf, workspace throws(ColumnarError) in
                    if committed[leaf] {
                        try self.builders[leaf].commit(workspace)
                    } else {
                        try self.append(leaf, good, workspace)
                    }
                }
                meanwhile = nil
                try round.run(with: pair)
                if let misfit = earliestMisfit() { return misfit }
                groupRows += good.reduce(0) { $0 + $1.count }
            }
            segment.batch.rejected.sort { $0.row < $1.row }
        }
        return nil
    }

    /// The leaves that can be staged: of columns whose type is known.
    private func stageable(_ judge: StagedJudge) -> [Int] {
        open.isEmpty ? judge.leaves : judge.leaves.filter { !open.contains(leaves[$0].column) }
    }

    /// Judges some rows of a batch, with the given leaves staged.
    /// - Returns: the good rows, and the leaves that hold them already.
    private func judgeRows(
        _ part: BatchSegment, _ staging: [Int], _ judge: StagedJudge
    ) throws(ColumnarError) -> (good: [BatchSegment], holding: [Int]) {
        let rows = FieldRows(batch: part.batch, first: part.first, count: part.count, dialect: part.dialect)
        var fits = true
        var staged: [(column: Int, builder: ColumnBuilder)] = []
        for leaf in staging {
            guard case .field(let column) = origins[leaves[leaf].column] else { continue }
            fits = builders[leaf].stage(rows.table(column)) && fits
            staged.append((column, builders[leaf]))
        }
        let foundBad = try staged.isEmpty ? judge.judge(rows) : judge.judge(rows, staged, fits: fits)
        guard foundBad else {
            if !fits { for (_, builder) in staged { builder.rollBack() } }
            return ([part], fits ? staging : [])
        }
        var (good, bad): ([Int], [Int]) = ([], [])
        var isBad = [UInt8](repeating: 0, count: part.count)
        for row in 0..<part.count {
            let batchRow = part.first + row
            guard judge.judge.isBad(row: row) else {
                good.append(batchRow)
                continue
            }
            isBad[row] = 1
            bad.append(row)
            let verdict = judge.judge.verdict(part.batch, row: row, batchRow: batchRow)
            part.batch.reject(
                row: batchRow, code: .ruleViolation, reason: verdict?.reason ?? "", column: verdict?.column)
        }
        var holding: [Int] = []
        for leaf in staging {
            if fits, builders[leaf].drop(isBad, bad) { holding.append(leaf) } else { builders[leaf].rollBack() }
        }
        return (good.isEmpty ? [] : part.selecting(good), holding)
    }
}
