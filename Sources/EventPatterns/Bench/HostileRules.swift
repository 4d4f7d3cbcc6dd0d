/// Rules that are made to cost the others as much as the complexity budget allows.
package enum HostileRules {
    /// Names and patterns, for the events of a kind.
    package static func all(for kind: BenchKind) -> [(name: String, pattern: String)] {
        kind.usesObjectEvents
            ? [
                ("a hostile wildcard", #"{"detail":{"object":{"key":[{"wildcard":"*/*2*6*-*0*1*3*.*"}]}}}"#),
                (
                    "a hostile list",
                    #"{"source":["aws.s3"],"detail":{"object":{"key":[\#(list("prefix", "incoming/2026/0"))]}}}"#
                ),
                ("a hostile regex", #"{"detail":{"object":{"key":[{"regex":".*/.*(0|1)+.*[a-z]+.*-.*(2|3).*x"}]}}}"#),
            ]
            : [
                ("a hostile wildcard", #"{"properties":{"STREET":[{"wildcard":"*E*N*T* *A*B*C*D*"}]}}"#),
                ("a hostile list", #"{"type":["Feature"],"properties":{"STREET":[\#(list("prefix", "FREM"))]}}"#),
                ("a hostile regex", #"{"properties":{"STREET":[{"regex":".*(E|N)+.*[A-Z]+.* .*(A|B).*x"}]}}"#),
            ]
    }

    /// Three hundred alternatives that begin alike.
    private static func list(_ operation: String, _ start: String) -> String {
        (0..<300).map { #"{"\#(operation)":"\#(start)\#($0)!"}"# }.joined(separator: ",")
    }
}
