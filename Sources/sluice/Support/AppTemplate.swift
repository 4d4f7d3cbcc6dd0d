/// The files of a new app with one function: those of docs/writing-functions.md, word for word.
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

        An app for Sluice: `\(function)` counts the lines of every text file (`.txt`) that is put into the bucket
        `landing-zone`, and puts the count into `counts`.

            swift build -c release     # the functions
            swift test                 # without a host
            sluice up                  # here: watches data/buckets
            printf 'one\\ntwo\\n' > data/buckets/landing-zone/some.txt
            sluice trace --wait landing-zone/some.txt
            cat data/buckets/counts/some.txt.count

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
                // a checkout of Sluice
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
          landing-zone:
          counts:

        """

    private var handler: String {
        """
        import FunctionKit

        /// Counts the lines of each new file and puts the count into another bucket.
        public struct \(function): Handler {
            public struct Output: Codable, Sendable {
                public var lines: Int
            }

            public init() {}

            public func handle(_ event: Event<ObjectCreated>, context: Context) async throws -> Output {
                let object = event.detail.object
                let data = try await context.objects.get(event.detail.bucket.name, object.key)
                if data.size == 0 {
                    throw HandlerError(code: "EmptyFile", message: "\\(object.key) has no bytes", retry: false)
                }
                var lines = 0
                for try await chunk in data.chunks() {
                    lines += chunk.count { $0 == UInt8(ascii: "\\n") }
                }
                // Named after its input: a second run replaces what the first one made.
                try await context.objects.put("counts", "\\(object.key).count", "\\(lines)\\n", overwrite: true)
                context.logger.info("counted", metadata: ["key": "\\(object.key)", "lines": "\\(lines)"])
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
        import FunctionKit
        import FunctionTesting
        import Testing

        @Test("counts the lines and puts the count")
        func counts() async throws {
            let host = TestHost()
            host.put("landing-zone", "some.txt", "one\\ntwo\\n")

            let run = await host.invoke(\(function)(), objectCreated: "landing-zone", "some.txt")

            #expect(run.failure == nil)
            #expect(try run.decodedOutput(as: \(function).Output.self).lines == 2)
            #expect(host.text("counts", "some.txt.count") == "2\\n")
        }

        """
    }

    private let limits = """
        timeout: 30
        memorySize: 256
        grants:
          read: [landing-zone]
          write: [counts]

        """

    private var pattern: String {
        """
        pattern:
          source: [aws.s3]
          detail-type: [Object Created]
          detail:
            bucket: {name: [landing-zone]}
            object: {key: [{suffix: .txt}]}
        targets:
          - function: \(function)

        """
    }
}
