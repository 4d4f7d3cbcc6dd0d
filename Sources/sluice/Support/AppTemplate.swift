/// The files of a new app with one function.
struct AppTemplate {
    var name: String
    var function: String
    var checkout: String

    var files: [(name: String, text: String)] {
        [
            ("README.md", readme), ("Package.swift", package), ("sluice.yaml", host),
            (".gitignore", ".build/\n/data/\n"),
            ("Sources/\(function)/\(function).swift", handler), ("Sources/\(function)Entry/Entry.swift", entry),
            ("Tests/\(function)Tests/\(function)Tests.swift", test), ("Functions/\(function)/function.yaml", limits),
            ("Events/rules/\(rule).yaml", pattern),
        ]
    }

    /// `CountLines` is `count-lines`.
    private var rule: String {
        var text = ""
        for character in function {
            if character.isUppercase, !text.isEmpty { text += "-" }
            text += character.lowercased()
        }
        return text
    }

    /// A path as a Swift or YAML text.
    private func quoted(_ text: String) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }

    private var readme: String {
        """
        # \(name)

        An app for Sluice: `\(function)` counts the lines of every file that is put into the bucket `inbox`.

            swift build -c release     # the functions
            swift test                 # without a host
            sluice up                  # here: watches data/buckets

        """
    }

    private var package: String {
        """
        // swift-tools-version: 6.2
        import PackageDescription

        let package = Package(
            name: \(quoted(name)),
            products: [
                .library(name: "\(function)", type: .dynamic, targets: ["\(function)Entry"])
            ],
            dependencies: [
                .package(name: "sluice", path: \(quoted(checkout)))
            ],
            targets: [
                .target(name: "\(function)", dependencies: [.product(name: "FunctionKit", package: "sluice")]),
                .target(
                    name: "\(function)Entry",
                    dependencies: ["\(function)", .product(name: "FunctionKit", package: "sluice")]),
                .testTarget(
                    name: "\(function)Tests",
                    dependencies: ["\(function)", .product(name: "FunctionTesting", package: "sluice")]),
            ]
        )

        """
    }

    private let host = """
        buckets:
          inbox:
          outbox:

        """

    private var handler: String {
        """
        import FunctionKit

        /// Counts the lines of each new file.
        public struct \(function): Handler {
            public struct Output: Codable, Sendable {
                public var lines: Int
            }

            public init() {}

            public func handle(_ event: Event<ObjectCreated>, context: Context) async throws -> Output {
                let key = event.detail.object.key
                let data = try await context.objects.get(event.detail.bucket.name, key)
                var lines = 0
                for try await chunk in data.chunks() {
                    lines += chunk.count { $0 == UInt8(ascii: "\\n") }
                }
                // Named after its input: a second run replaces what the first one made.
                try await context.objects.put("outbox", "\\(key).count", "\\(lines)\\n", overwrite: true)
                context.logger.info("counted", metadata: ["key": "\\(key)", "lines": "\\(lines)"])
                return Output(lines: lines)
            }
        }

        """
    }

    private var entry: String {
        """
        import \(function)
        import FunctionKit

        @c(sluice_function_entry)
        public func entry(_ abi: UInt32) -> UnsafeRawPointer? { Function.module(abi) { \(function)() } }

        """
    }

    private var test: String {
        """
        import \(function)
        import FunctionTesting
        import Testing

        @Test("Lines are counted")
        func lines() async throws {
            let host = TestHost()
            host.put("inbox", "a.txt", "one\\ntwo\\n")
            let run = await host.invoke(\(function)(), objectCreated: "inbox", "a.txt")
            #expect(run.failure == nil)
            #expect(host.text("outbox", "a.txt.count") == "2\\n")
        }

        """
    }

    private let limits = """
        timeout: 30
        memorySize: 256
        grants:
          read: [inbox]
          write: [outbox]

        """

    private var pattern: String {
        """
        pattern:
          source: [aws.s3]
          detail-type: [Object Created]
          detail: {bucket: {name: [inbox]}}
        targets:
          - function: \(function)

        """
    }
}
