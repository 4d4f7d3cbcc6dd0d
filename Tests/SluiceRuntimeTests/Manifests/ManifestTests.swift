import FunctionProtocol
import Journal
import SluiceRuntime
import Testing

@Suite("Manifests")
struct ManifestTests {
    private func read(_ text: String) throws -> [Manifest.File] {
        try Manifest(Array(text.utf8), bucket: "landing", key: "day/manifest.json").files
    }

    @Test("keys, objects, keys beside the manifest, other buckets, Redshift's form")
    func forms() throws {
        let hash = String(repeating: "Ab", count: 32)
        #expect(
            try read(
                #"{"files": ["a.csv", {"key": "./b.csv", "size": 7, "sha256": "\#(hash)"}, {"bucket": "other", "key": "c"}]}"#
            )
                == [
                    .init(bucket: "landing", key: "a.csv"),
                    .init(bucket: "landing", key: "day/b.csv", size: 7, sha256: hash.lowercased()),
                    .init(bucket: "other", key: "c"),
                ])
        #expect(
            try read(#"{"entries": [{"url": "s3://x/a/b.csv", "meta": {"content_length": 5}}, {"url": "s3://x/c"}]}"#)
                == [.init(bucket: "x", key: "a/b.csv", size: 5), .init(bucket: "x", key: "c")])
        #expect(
            try read(#"{"files": ["s3://x/a/b.csv", {"key": "s3://y/c", "size": 7}, "s3:/x"]}"#)
                == [
                    .init(bucket: "x", key: "a/b.csv"), .init(bucket: "y", key: "c", size: 7),
                    .init(bucket: "landing", key: "s3:/x"),
                ])
    }

    @Test("files that can never come are named")
    func impossible() throws {
        func refusal(_ text: String) -> String? {
            do {
                try Manifest(files: read(text)).requirePossible { $0 == "landing" }
                return nil
            } catch {
                return (error as? Manifest.Invalid)?.message ?? "\(error)"
            }
        }
        #expect(refusal(#"{"files": ["a/b.csv", "./c", "s3://landing/d"]}"#) == nil)
        let message = refusal(#"{"files": ["a", "landing/../../etc/passwd", {"bucket": "nix", "key": "a"}, "/a"]}"#)
        #expect(
            message
                == "3 of its 4 files can never come: file 2, landing/landing/../../etc/passwd: the key has a part ..; "
                + "file 3, nix/a: there is no bucket nix; file 4, landing//a: the key begins with /")
    }

    @Test("a name that begins with a combining mark is a name like any other")
    func marks() throws {
        let mark = "\u{301}x"
        #expect(
            try read(#"{"files": ["./\#(mark)"]}"#).map { Array($0.key.utf8) } == [
                Array("day/".utf8) + Array(mark.utf8)
            ])
        #expect(
            try read(#"{"entries": [{"url": "s3://b/\#(mark)"}]}"#).map { Array($0.key.utf8) } == [Array(mark.utf8)])
        let beside = try Manifest(Array(#"{"files": ["./y"]}"#.utf8), bucket: "b", key: "d/\(mark)").files
        #expect(beside.map(\.key) == ["d/y"])
    }

    @Test(
        "what is no manifest says why",
        arguments: [
            ("", "not JSON"), ("[]", "neither a list"), ("{}", "neither a list"), (#"{"files": {}}"#, "neither a list"),
            (#"{"files": []}"#, "names 0 files"), (#"{"files": [1]}"#, "file 1"), (#"{"files": ["a", ""]}"#, "file 2"),
            (#"{"files": [{"key": "a", "size": "7"}]}"#, "file 1"),
            (#"{"files": [{"key": "a", "size": -1}]}"#, "file 1"),
            (#"{"files": [{"key": "a", "sha256": "abc"}]}"#, "file 1"),
            (#"{"files": [{"key": "a", "sha256": 1}]}"#, "file 1"),
            (#"{"entries": [{"url": "http://x/a"}]}"#, "file 1"), (#"{"entries": [{"url": "s3://x"}]}"#, "file 1"),
        ])
    func invalid(_ text: String, _ says: String) {
        let error = #expect(throws: Manifest.Invalid.self) { try read(text) }
        #expect(error?.message.contains(says) == true, "\(String(describing: error))")
    }

    /// Files that come, go and are replaced, manifests that are put again, hosts that are lost, looks that take their
    /// time: each wait has at most one end, a complete one only if all was there at one moment, an incomplete one only
    /// at the limit; and once everything is there and rests, no wait stays open.
    @Test("one whose end is on its way into the journal is told from one that is waited for")
    func ending() {
        var core = ManifestCore()
        let id = ManifestID(bus: "default", rule: "r", bucket: "b", key: "k")
        core.open(OpenManifest(id: id, eventID: "e", files: [], arrived: 0, deadline: 10, lineage: ""))
        #expect(!core.isEnding(id))
        #expect(core.looks(now: 0).count == 1)
        #expect(core.looked(.init(id: id, eventID: "e", missing: ["x"]), now: 0) == nil)
        #expect(!core.isEnding(id) && core.looks(now: 1).isEmpty)
        core.lookAgain(id, eventID: "another")
        #expect(core.looks(now: 1).isEmpty)
        core.lookAgain(id, eventID: "e")
        #expect(core.looks(now: 1).count == 1)
        #expect(core.looked(.init(id: id, eventID: "e", missing: ["x"]), now: 10)?.1 == .incomplete(missing: ["x"]))
        #expect(core.isEnding(id))
        core.retry(id, eventID: "e")
        #expect(!core.isEnding(id))
        core.close(id)
        #expect(!core.isEnding(id))
    }

    @Test("random histories", arguments: 0..<200)
    func histories(_ seed: UInt64) throws {
        var random = SplitMix64(seed: seed &+ 5)
        func chance(_ parts: UInt64) -> Bool { random.next() % parts == 0 }
        let keys = ["a", "b", "c", "d"]
        var there: [String: Int64] = [:]
        var stored: [ManifestID: OpenManifest] = [:]
        var ends: [String: Int] = [:]
        var core = ManifestCore()
        var looking: [(OpenManifest, begun: [String], stale: Bool)] = []
        var now: Int64 = 1000
        var lastEvent = 0
        func missing(_ manifest: OpenManifest) -> [String] {
            manifest.files.filter { there[$0.key] == nil || ($0.size != nil && there[$0.key] != $0.size) }.map(\.key)
        }
        func restart() {
            core = ManifestCore()
            looking = []
            for manifest in stored.values { core.open(manifest) }
        }
        func finish(_ index: Int) throws {
            let (manifest, begun, _) = looking.remove(at: index)
            let look = ManifestCore.Look(id: manifest.id, eventID: manifest.eventID, missing: begun)
            guard let (ended, ending) = core.looked(look, now: now) else { return }
            switch ending {
            case .complete: #expect(missing(ended).isEmpty, "complete, but something is missing")
            case .incomplete(let names):
                #expect(now >= ended.deadline && names == missing(ended) && !names.isEmpty)
            }
            if chance(6) { return restart() }
            stored[ended.id] = nil
            ends[ended.eventID, default: 0] += 1
            if chance(6) { restart() } else { core.close(ended.id, eventID: ended.eventID) }
        }
        for step in 0..<300 {
            now += Int64(random.next() % 4)
            if step < 260 {
                switch random.next() % 8 {
                case 0, 1, 2:
                    let key = keys[Int(random.next() % 4)]
                    there[key] = chance(4) ? nil : Int64(random.next() % 2)
                    core.changed(ObjectAddress(bucket: "l", key: key))
                case 3:
                    lastEvent += 1
                    let id = ManifestID(bus: "default", rule: "r", bucket: "l", key: "m\(random.next() % 2)")
                    let names = keys.filter { _ in !chance(2) }
                    let manifest = OpenManifest(
                        id: id, eventID: "e\(lastEvent)",
                        files: (names.isEmpty ? ["a"] : names).map {
                            .init(bucket: "l", key: $0, size: chance(2) ? Int64(random.next() % 2) : nil)
                        }, arrived: now, deadline: now + Int64(random.next() % 60), lineage: "")
                    stored[id] = manifest
                    core.open(manifest)
                case 4 where chance(3): restart()
                default: break
                }
            }
            // A look takes what is there at its beginning.
            looking += core.looks(now: now).map { ($0, begun: missing($0), stale: false) }
            if !looking.isEmpty, !chance(3) { try finish(Int(random.next() % UInt64(looking.count))) }
        }
        now += 1000
        for _ in 0..<50 {
            looking += core.looks(now: now).map { ($0, begun: missing($0), stale: false) }
            while !looking.isEmpty { try finish(0) }
        }
        #expect(stored.isEmpty && core.open.isEmpty, "a wait stays open")
        #expect(ends.values.allSatisfy { $0 == 1 }, "a wait has two ends")
    }
}
