import ObjectStore
import Testing

@Suite("Keys and ignored names")
struct KeyTests {
    @Test(
        "a path that could not be an object, or leads elsewhere, is no key",
        arguments: [
            ("", "is empty"), ("/a", "begins with /"), ("a/", "ends with /"), ("a//b", "empty part"),
            ("../a", "a part .."), ("a/../b", "a part .."), (".", "begins with a dot"), ("a/.b/c", "begins with a dot"),
            (".sluice/1-1/0", "begins with a dot"), ("a\0b", "NUL"),
        ])
    func refused(key: String, why: String) {
        #expect(ObjectKey.flaw(in: key)?.contains(why) == true)
    }

    @Test("limits are in bytes: 255 a part, 1024 a key")
    func limits() {
        let part = String(repeating: "é", count: 127)
        #expect(ObjectKey.flaw(in: part) == nil)
        #expect(ObjectKey.flaw(in: part + "éa") != nil)
        let long = Array(repeating: String(repeating: "a", count: 203), count: 5).joined(separator: "/")
        #expect(ObjectKey.flaw(in: long) == nil)
        #expect(ObjectKey.flaw(in: long + "/aaaaaa")?.contains("1024") == true)
    }

    @Test(
        "names with spaces, quotes, newlines, and other scripts are keys",
        arguments: ["a b/c'd\".csv", "zeile\num.csv", "表/データ.csv", "a/b.c.d", "-x", "~", "a/b..c"])
    func accepted(key: String) {
        #expect(ObjectKey.flaw(in: key) == nil)
    }

    @Test(
        "working names are ignored by default, wherever they are",
        arguments: [
            ("a.tmp", true), ("x/y.csv.part", true), ("x/y.crdownload", true), ("~$book.xlsx", true), ("a.swp", true),
            ("x/_temporary/part-0", true), ("_temporary/a/b.csv", true), ("a.filepart", true),
            ("a.csv", false), ("tmp", false), ("x.tmp/y.csv", false), ("a_temporary/b", false), ("part", false),
            ("_temporary", false),
        ])
    func defaults(key: String, ignored: Bool) {
        #expect(IgnoreRules().ignores(key: key) == ignored)
    }

    @Test("globs: stars stop at folders, two do not, question marks take one")
    func globs() {
        let rules = IgnoreRules(["raw/*/skip-?.csv", "deep/**/x", "*a*b*c"])
        #expect(rules.ignores(key: "raw/2026/skip-1.csv"))
        #expect(!rules.ignores(key: "raw/2026/11/skip-1.csv"))
        #expect(!rules.ignores(key: "raw/2026/skip-10.csv"))
        #expect(rules.ignores(key: "deep/1/2/3/x"))
        #expect(rules.ignores(key: "any/xxaxxbxxbxxc"))
        #expect(!rules.ignores(key: "xxaxxcxxb"))
        #expect(!IgnoreRules([]).ignores(key: "a.tmp"))
    }
}
