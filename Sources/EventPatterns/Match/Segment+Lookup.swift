extension Segment {
    func lookText(
        _ value: UnsafeMutablePointer<FlatValue>, _ plan: UnsafeMutablePointer<Access.Plan>, _ scratch: MatchScratch,
        _ base: SegmentBase
    ) {
        let path = value.pointee.path
        let text = value.pointee.base
        let length = Int(value.pointee.length)
        if plan.pointee.stringSlot >= 0 {
            follow(hashes.slots.base[Int(plan.pointee.stringSlot)], hashes.lists, scratch, base)
        }
        if plan.pointee.exact {
            follow(ByteHash.hash(text, length, seed: Access.seed(path, .exact)), scratch, base)
        }
        if plan.pointee.equalsFolded {
            follow(ByteHash.foldedHash(text, length, seed: Access.seed(path, .equalsFolded)), scratch, base)
        }
        for index in 0..<Int(plan.pointee.prefix.count) {
            let size = Int(lengths[Int(plan.pointee.prefix.first) + index])
            if size > length { break }
            follow(ByteHash.hash(text, size, seed: Access.seed(path, .prefix)), scratch, base)
        }
        for index in 0..<Int(plan.pointee.suffix.count) {
            let size = Int(lengths[Int(plan.pointee.suffix.first) + index])
            if size > length { break }
            follow(ByteHash.hash(text + (length - size), size, seed: Access.seed(path, .suffix)), scratch, base)
        }
        for index in 0..<Int(plan.pointee.prefixFolded.count) {
            let size = Int(lengths[Int(plan.pointee.prefixFolded.first) + index])
            if size > length { break }
            follow(ByteHash.foldedHash(text, size, seed: Access.seed(path, .prefixFolded)), scratch, base)
        }
        for index in 0..<Int(plan.pointee.suffixFolded.count) {
            let size = Int(lengths[Int(plan.pointee.suffixFolded.first) + index])
            if size > length { break }
            let start = text + (length - size)
            follow(ByteHash.foldedHash(start, size, seed: Access.seed(path, .suffixFolded)), scratch, base)
        }
        if plan.pointee.address || plan.pointee.cidr.count > 0 { lookAddress(value, plan, scratch, base) }
        if plan.pointee.dates >= 0, let moment = Timestamp.microseconds(value.pointee.text) {
            scratch.found.truncate(0)
            intervals[Int(plan.pointee.dates)].collect(
                containing: Double(moment), &scratch.found, &scratch.stack)
            for index in 0..<scratch.found.count { consider(scratch.found[index], scratch, base) }
        }
        if plan.pointee.usesKey { lookKey(value, plan, scratch, base) }
        if plan.pointee.grams.count > 0 { lookGrams(value, plan, scratch, base) }
    }

    func lookAddress(
        _ value: UnsafeMutablePointer<FlatValue>, _ plan: UnsafeMutablePointer<Access.Plan>, _ scratch: MatchScratch,
        _ base: SegmentBase
    ) {
        guard value.pointee.length >= 2, let address = try? IPAddress(parsing: value.pointee.text) else { return }
        let path = value.pointee.path
        if plan.pointee.address {
            follow(Access.key(path, .address, address.high, address.low, address.bitWidth), scratch, base)
        }
        for index in 0..<Int(plan.pointee.cidr.count) {
            let tagged = Int(lengths[Int(plan.pointee.cidr.first) + index])
            guard (tagged >= 1000) == address.isV6 else { continue }
            let masked = address.masked(tagged % 1000)
            follow(Access.key(path, .cidr, masked.high, masked.low, tagged), scratch, base)
        }
    }

    /// Looks the folded key of a text up; only for ignore-case patterns that are not ASCII.
    func lookKey(
        _ value: UnsafeMutablePointer<FlatValue>, _ plan: UnsafeMutablePointer<Access.Plan>, _ scratch: MatchScratch,
        _ base: SegmentBase
    ) {
        scratch.folded.truncate(0)
        CaseText.fold(value.pointee.text) { scratch.folded.append($0) }
        let path = value.pointee.path
        let text = UnsafePointer(scratch.folded.base)
        let length = scratch.folded.count
        if plan.pointee.equalsKey {
            follow(ByteHash.hash(text, length, seed: Access.seed(path, .equalsKey)), scratch, base)
        }
        for index in 0..<Int(plan.pointee.prefixKey.count) {
            let size = Int(lengths[Int(plan.pointee.prefixKey.first) + index])
            if size > length { break }
            follow(ByteHash.hash(text, size, seed: Access.seed(path, .prefixKey)), scratch, base)
        }
        for index in 0..<Int(plan.pointee.suffixKey.count) {
            let size = Int(lengths[Int(plan.pointee.suffixKey.first) + index])
            if size > length { break }
            follow(ByteHash.hash(text + (length - size), size, seed: Access.seed(path, .suffixKey)), scratch, base)
        }
    }

    /// Looks every stretch of a text up that a wildcard without literal ends may be filed under.
    func lookGrams(
        _ value: UnsafeMutablePointer<FlatValue>, _ plan: UnsafeMutablePointer<Access.Plan>, _ scratch: MatchScratch,
        _ base: SegmentBase
    ) {
        let path = value.pointee.path
        let length = Int(value.pointee.length)
        for index in 0..<Int(plan.pointee.grams.count) {
            let size = Int(lengths[Int(plan.pointee.grams.first) + index])
            if size > length { break }
            var at = 0
            let starts = plan.pointee.gramStarts
            while at + size <= length {
                let byte = Int(value.pointee.base[at])
                if starts[byte >> 6] >> UInt64(byte & 63) & 1 == 0 {
                    at += 1
                    continue
                }
                let word = ByteHash.partialWord(value.pointee.base + at, size)
                let slot = grams.slot(Access.key(path, .gram, word, 0, size))
                // The same stretch again leads to the same sub-rules.
                if slot >= 0, scratch.gramStamps.base[base.gram + slot] != scratch.generation {
                    scratch.gramStamps.base[base.gram + slot] = scratch.generation
                    follow(grams.slots.base[slot], grams.lists, scratch, base)
                }
                at += 1
            }
        }
    }

    /// Looks pairs of numbers up that may belong together: the value with each of a second path.
    func lookPlanes(
        _ value: UnsafeMutablePointer<FlatValue>, _ first: Int32, _ scratch: MatchScratch, _ base: SegmentBase
    ) {
        var number = first
        while number >= 0 {
            let plane = planes.base + Int(number)
            number = plane.pointee.next
            var index = scratch.firstValue(plane.pointee.second)
            if index < 0 { continue }
            for position in 0..<plane.pointee.wide.count {
                consider(plane.pointee.wide[position], scratch, base)
            }
            let column = plane.pointee.column(value.pointee.number)
            var tried = 0
            while index >= 0 {
                // In large arrays, all that may go with the first number is less than every pair.
                if tried == 256 {
                    for item in plane.pointee.column(at: column) {
                        consider(plane.pointee.rectangles[Int(item)].subRule, scratch, base)
                    }
                    break
                }
                tried += 1
                let second = scratch.values.base + Int(index)
                index = second.pointee.next
                guard second.pointee.isComparable else { continue }
                if second.pointee.membership != value.pointee.membership,
                    !scratch.areConsistent(second.pointee.membership, value.pointee.membership)
                {
                    continue
                }
                for item in plane.pointee.cell(column: column, second.pointee.number) {
                    let rectangle = plane.pointee.rectangles.base + Int(item)
                    if rectangle.pointee.contains(value.pointee.number, second.pointee.number) {
                        consider(rectangle.pointee.subRule, scratch, base)
                    }
                }
            }
        }
    }

    /// Reports the rules of nothing but `anything-but`, save those that the value rules out.
    func lookComplement(
        _ value: UnsafeMutablePointer<FlatValue>, _ plan: UnsafeMutablePointer<Access.Plan>, _ scratch: MatchScratch,
        _ base: SegmentBase
    ) {
        let path = value.pointee.path
        let list = complements[Int(plan.pointee.complement)].subRules
        let stamps = scratch.subRuleStamps.base + base.subRule
        // Several values: a rule fails only if all of them are excluded.
        if scratch.values.base + Int(scratch.firstValue(path)) != value { return }
        if value.pointee.next >= 0 {
            for index in 0..<list.count { consider(list[index], scratch, base) }
            return
        }
        var slot = -1
        if value.pointee.kind == .string {
            slot = hashes.slot(
                ByteHash.hash(value.pointee.base, Int(value.pointee.length), seed: Access.seed(path, .excluded)))
        } else if value.pointee.isComparable {
            slot = hashes.slot(Access.key(path, .excludedNumber, value.pointee.number.bitPattern))
        }
        // Those looked up are evaluated, and so marked; the others hold.
        if slot >= 0 { follow(hashes.slots.base[slot], hashes.lists, scratch, base) }
        for index in 0..<list.count {
            let number = Int(list.base[index])
            if stamps[number] == scratch.generation { continue }
            stamps[number] = scratch.generation
            scratch.matched.append(Int32(truncatingIfNeeded: base.rule) + store.subRules.base[number].rule)
        }
    }
}
