import EventPatterns
import Testing

/// A regular expression is matched in one way where texts are ASCII, place by place, and in another where they are not.
@Suite("Regular expressions place by place and state by state", .timeLimit(.minutes(5)))
struct RegexFormTests {
    private func pattern(_ regex: String) throws -> EventPattern {
        try EventPattern(parsing: "{\"k\":[{\"regex\":\"\(regex)\"}]}", dialect: .extended)
    }

    @Test(
        "Both say the same of texts of all lengths, over every end of 64 places",
        arguments: [
            ".*a.{5}", "a*b*", "[ab]*", "(a|b[ab]?)b{0,3}[ab]*", "([ab]+/)*[ab]+", "([ab]*/)*", "(/[ab]+)*b?",
            "(/[ab]*)*",
            "a?b?[ab/]*a{3}.*", ".*(ab|ba/|aab).*b", "(a|b|ab){2,6}.*", "[^/]*(/[^/]*)+", "(.*/)?b[ab]*", "(ab|ba)*",
            "x(ab|ba)*/[ab]+", "([ab]+/)+[ab]{2,}", "(a+b)*/?a*", "(b|a/)?[ab]*(/.*)?",
            // Fixed sequences at the beginning, at the end, at both and between.
            "(ab|ba|aab)[ab]*", ".*(ab|ba/|aab)", "(ab/|b)?.*(a|bb)", "(aab|ba)(/|b)a?b?", "abab(/.*)?", "((ab){2})?.*",
            "(ab|b){2}/?a*", "[ab]{3}.*[ab]/[ab]", "x?abx/.*abx/", "(.*/)?abx/(ab)?", "[ab/x]*abx/ab[^/]*",
            ".*abx/a[a-b]*",
            ".*(abx/a|b/xab|xaxb/)[ab]*", "(ab|a(b|x)?)?(/|b)*x",
            // Groups.
            "([abx]{1,4}/){2}[ab]{0,4}", ".*([ab]{2,3}/){2}", "(a{1,3}b){4}.*", "([ab]{1,4}x){2}[ab/]*",
        ])
    func forms(regex: String) throws {
        var random = SeededGenerator(seed: 11)
        // What follows is not ASCII, and then no text that matches is.
        let (plain, other) = (Matcher([(0, try pattern(regex))]), Matcher([(0, try pattern("(\(regex))é"))]))
        let scratch = MatchScratch()
        var matches = 0
        for round in 0..<1500 {
            let length = round < 300 ? round % 20 : round < 600 ? 58 + round % 12 : random.below(200)
            var text = random.text(["ab", "ab/", "aaaaab", "a/"][round % 4], length)
            if round % 5 == 0 { text = "x" + text }
            if round % 7 == 0 {
                text = String(repeating: ["ab", "aab/", "/ba", "aaaab"][round % 4], count: length / 4)
            }
            if round % 3 == 1 {
                let pieces = ["ab", "ba", "a", "/", "x", "abx/", "xab/"]
                text = (0..<random.below(round < 450 ? 6 : 40)).map { _ in pieces[random.below(7)] }.joined()
            }
            let found = try plain.matches(in: "{\"k\":\"\(text)\"}", scratch: scratch).isEmpty
            #expect(try other.matches(in: "{\"k\":\"\(text)é\"}", scratch: scratch).isEmpty == found, "\(text)")
            #expect(
                try plain.matches(in: "{\"k\":\"\(text)é\"}", scratch: scratch).isEmpty
                    || regex.contains { ".^".contains($0) })
            matches += found ? 0 : 1
        }
        #expect(matches > 0)
    }

    @Test(
        "What people write is accepted",
        arguments: [
            "orders-[0-9]{4}\\\\.csv", ".*\\\\.(csv|json|parquet)", "[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\\\\.[A-Za-z]{2,}",
            "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
            "v?\\\\d+\\\\.\\\\d+\\\\.\\\\d+(-[a-z0-9.]+)?",
            "\\\\d{4}-\\\\d{2}-\\\\d{2}", "\\\\d{1,3}(\\\\.\\\\d{1,3}){3}", "([a-z0-9-]+\\\\.)+example\\\\.com",
            "incoming/([^/]+/)*[^/]+\\\\.csv(\\\\.gz)?", "(GET|PUT|POST) /api/v[12]/.*", "\\\\+?[0-9 ()-]{7,20}",
            "(eu|us|ap)-[a-z]+-[1-9]", "[A-Z]{2}\\\\d{2}[A-Z0-9]{11,30}", "[^/]+/\\\\d{4}/\\\\d{2}/\\\\d{2}/.*",
            "(ERROR|FATAL): .*",
            "\\\\d{4}-\\\\d{2}-\\\\d{2}T\\\\d{2}:\\\\d{2}:\\\\d{2}(\\\\.\\\\d+)?(Z|[+-]\\\\d{2}:\\\\d{2})",
            ".*/year=\\\\d{4}/month=\\\\d{2}/day=\\\\d{2}/[^/]+\\\\.parquet",
            "https?://([a-z0-9-]+\\\\.)+[a-z]{2,}(:\\\\d+)?(/.*)?", "(dev|test|staging|prod)-.*",
            "([\\\\w-]+/)*[\\\\w-]+\\\\.(csv|json|parquet)", ".*\\\\.(jpg|jpeg|png|gif|webp)",
            "(ERROR|WARN|INFO|DEBUG): .*",
            "(GET|POST|PUT|DELETE|PATCH) /api/.*", "(raw|staged|curated)/[a-z_]+/dt=\\\\d{4}-\\\\d{2}-\\\\d{2}/.*",
            ".*/(orders|invoices|customers)_\\\\d{8}\\\\.csv", "([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}",
            ".*(orders|invoices|customers)_\\\\d{8}.*",
        ])
    func ordinary(regex: String) throws {
        #expect(throws: Never.self) { try pattern(regex) }
    }

    @Test("What would make the others slow is refused, and the message says what to do")
    func refused() throws {
        for (regex, words) in [
            ("(ab|ba.)*.*[0-4].{6}", "without end"),
            ("(incoming|logs|exports|images|invoices|backup|tmp|archive|staging|orders)/.*", "use fewer alternatives"),
        ] {
            let error = try #require(throws: PatternError.self) { try pattern(regex) }
            #expect(error.code == .limitExceeded)
            #expect(error.message.contains("Rule is too complex"))
            #expect(error.message.contains(words), "\(error.message)")
        }
        // Several of one field are one.
        let several = (0..<4).map { "{\"regex\":\"[a-z]*/\\\\d{4}/.*[\($0)5]{3}.*x\"}" }.joined(separator: ",")
        let error = try #require(throws: PatternError.self) {
            try EventPattern(parsing: "{\"k\":[\(several)]}", dialect: .extended)
        }
        #expect(error.message.contains("the regular expressions of one field are matched as one"))
    }
}
