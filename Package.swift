// swift-tools-version: 6.2
import PackageDescription

// One list of settings for every Swift target, tests included.
// ExistentialAny: SE-0335. MemberImportVisibility: SE-0444. InternalImportsByDefault: SE-0409.
// CI builds with SLUICE_STRICT=1; a newer compiler's new warnings must not break a user's build.
let strict = Context.environment["SLUICE_STRICT"] != nil
let settings: [SwiftSetting] =
    [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
    ] + (strict ? [.treatAllWarnings(as: .error)] : [])
let cSettings: [CSetting] = strict ? [.treatAllWarnings(as: .error)] : []

/// A released `sluice` has the Swift runtime and Foundation in it: it starts in half the time, its calls into the
/// runtime are direct, and it runs where no Swift is. The last libraries are what those before them need.
let standalone: [LinkerSetting] = [
    .unsafeFlags(
        // gold, where it is the default, warns that Foundation has `mktemp` in it.
        ["-static-stdlib", "-use-ld=lld"]
            + [
                "Foundation", "FoundationInternationalization", "FoundationEssentials", "CoreFoundation",
                "_FoundationICU", "_FoundationCollections", "_FoundationCShims", "swiftDispatch", "dispatch",
                "BlocksRuntime",
            ].map { "-l\($0)" },
        .when(platforms: [.linux], configuration: .release))
]

func library(
    _ name: String, _ dependencies: [Target.Dependency] = [], path: String? = nil, exclude: [String] = []
) -> Target {
    .target(name: name, dependencies: dependencies, path: path, exclude: exclude, swiftSettings: settings)
}

func tests(
    _ name: String, _ dependencies: [Target.Dependency], exclude: [String] = [], resources: [Resource] = []
) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: dependencies, path: "Tests/\(name)Tests", exclude: exclude,
        resources: resources, swiftSettings: settings)
}

/// The functions that ship: a handler target (a library, tested) and an entry target (the dynamic product).
let functions: [(name: String, dependencies: [Target.Dependency])] = [
    ("CSVToParquet", ["Columnar", "FunctionSupport"]),
    ("ValidateCSV", ["Columnar", "FunctionSupport", "PlainYAML", .product(name: "Yams", package: "Yams")]),
    ("EnrichOrders", ["Columnar", "FunctionSupport"]),
    ("StreamToParquet", ["Columnar", "FunctionJSON", "FunctionSupport"]),
]

let package = Package(
    name: "sluice",
    products: [
        .executable(name: "sluice", targets: ["sluice"]),
        .executable(name: "sluice-worker", targets: ["sluice-worker"]),
        .library(name: "FunctionKit", targets: ["FunctionKit"]),
        .library(name: "FunctionTesting", targets: ["FunctionTesting"]),
        .library(name: "EventPatterns", targets: ["EventPatterns"]),
        .library(name: "Columnar", targets: ["Columnar", "ColumnarHashing"]),
    ]
        + functions.map { .library(name: $0.name, type: .dynamic, targets: ["\($0.name)Entry"]) }
        // The functions that `sluice bench` runs.
        + ["BenchEcho", "BenchCounter", "BenchStream"].map { .library(name: $0, type: .dynamic, targets: [$0]) }
        // Functions of the tests, which fail in every way an event asks for.
        + [
            .library(name: "Faulty", type: .dynamic, targets: ["FaultyEntry"]),
            .library(name: "FaultyBatch", type: .dynamic, targets: ["FaultyBatchEntry"]),
            .library(name: "Relay", type: .dynamic, targets: ["RelayEntry"]),
            .library(name: "Stopper", type: .dynamic, targets: ["StopperEntry"]),
        ],
    dependencies: [
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.4.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.100.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
    ],
    targets: [
        // C boundaries
        .systemLibrary(name: "CLibUV", pkgConfig: "libuv", providers: [.apt(["libuv1-dev"])]),
        .systemLibrary(name: "CSnappy", providers: [.apt(["libsnappy-dev"])]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "CLinux", cSettings: cSettings),
        // Loads libcurl when it is needed: only its headers are.
        .target(name: "CCurl", cSettings: cSettings, linkerSettings: [.linkedLibrary("dl")]),
        .target(name: "CFunctionABI", cSettings: cSettings),
        .target(name: "CJournalVFS", cSettings: cSettings, linkerSettings: [.linkedLibrary("sqlite3")]),
        .executableTarget(
            name: "sluice-worker", dependencies: ["CFunctionABI"], cSettings: cSettings,
            linkerSettings: [.linkedLibrary("dl"), .linkedLibrary("pthread")]),

        // What a handler imports
        library("CivilCalendar"),
        library("FunctionJSON", ["CLinux"]),
        library("EventModel", ["CivilCalendar", "FunctionJSON"]),
        library("FunctionProtocol"),
        library("FunctionKit", ["CFunctionABI", "FunctionJSON", "EventModel", "FunctionProtocol"]),
        library("FunctionTesting", ["CFunctionABI", "FunctionKit", "FunctionProtocol"]),

        // What the functions of this repository share
        library(
            "FunctionSupport",
            [
                "Columnar", "ColumnarHashing", "FunctionJSON", "FunctionKit",
                .product(name: "Crypto", package: "swift-crypto"),
            ], path: "Functions/Support"
        ),

        // Pure cores
        library("EventPatterns", ["CivilCalendar", "CLinux", "FunctionJSON", "Schedules"]),
        library("EventTransforms", ["FunctionJSON"]),
        library("Schedules", ["CivilCalendar"]),
        library("Columnar", ["CivilCalendar", "CSnappy", "CZstd", "CZlib", "CLinux"]),
        library("PlainYAML", [.product(name: "Yams", package: "Yams")]),
        library("ColumnarHashing", ["Columnar", .product(name: "Crypto", package: "swift-crypto")]),

        library("BenchEcho", ["FunctionKit"]),
        library("BenchTally"),
        library("BenchCounter", ["BenchTally", "FunctionKit"]),
        library("BenchStream", ["BenchTally", "FunctionKit"]),

        // The host
        library("UVLoop", ["CLibUV", "CLinux"]),
        library(
            "Journal",
            [
                .product(name: "GRDB", package: "GRDB.swift"), .product(name: "GRDBSQLite", package: "GRDB.swift"),
                "CJournalVFS", "CLinux",
            ]),
        library("ObjectStore", ["CLinux", .product(name: "Crypto", package: "swift-crypto")]),
        library(
            "AppConfig",
            [
                "EventModel", "EventPatterns", "EventTransforms", "FunctionJSON", "Schedules",
                .product(name: "Yams", package: "Yams"),
            ]),
        library("HostAPI", ["CivilCalendar", "EventModel", "FunctionJSON"]),
        library("RowDiff", ["Columnar", "HostAPI"]),
        library(
            "SluiceRuntime",
            [
                "AppConfig", "CCurl", "CFunctionABI", "CLinux", "EventModel", "EventPatterns", "EventTransforms",
                "FunctionJSON", "FunctionProtocol", "HostAPI", "Journal", "ObjectStore", "Schedules", "UVLoop",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]),
        library(
            "Gateway",
            [
                "EventModel", "EventPatterns", "FunctionJSON", "HostAPI", "CLinux",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]),
        .executableTarget(
            name: "sluice",
            dependencies: [
                "AppConfig", "Columnar", "ColumnarHashing", "EventModel", "EventPatterns", "EventTransforms",
                "FunctionJSON", "Gateway", "HostAPI", "Journal", "ObjectStore", "RowDiff", "Schedules", "SluiceRuntime",
                "CLinux", "PlainYAML",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings, linkerSettings: standalone),

        // Tests
        tests("FunctionJSON", ["FunctionJSON", "EventPatterns"]),
        tests("EventModel", ["EventModel", "FunctionJSON"]),
        tests("FunctionKit", ["FunctionKit", "FunctionTesting", "EventModel", "FunctionJSON"]),
        .target(name: "CAllocations", path: "Tests/CAllocations", cSettings: cSettings),
        tests("EventPatterns", ["EventPatterns", "CAllocations", "CLinux", "FunctionJSON"], exclude: ["Conformance"]),
        tests("EventTransforms", ["EventTransforms"]),
        tests("Schedules", ["CivilCalendar", "Schedules"], exclude: ["Cases"]),
        tests("HostAPI", ["HostAPI"]),
        library("WrittenFiles", path: "Tests/WrittenFiles"),
        tests("Columnar", ["Columnar", "ColumnarHashing", "CLinux", "WrittenFiles"]),
        tests("RowDiff", ["RowDiff", "Columnar", "HostAPI", "WrittenFiles"]),
        tests("UVLoop", ["CLinux", "UVLoop"]),
        tests(
            "Journal",
            [
                "CJournalVFS", "CLinux", "Journal", .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ]),
        tests("ObjectStore", ["ObjectStore", "CLinux"]),
        tests("AppConfig", ["PlainYAML", "AppConfig", "EventPatterns", "EventTransforms", "Schedules"]),
        tests(
            "Gateway",
            [
                "Gateway", "HostAPI", "EventModel", "FunctionJSON", .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]),
        tests(
            "SluiceRuntime",
            [
                "SluiceRuntime", "AppConfig", "Journal", "ObjectStore", "Schedules", "UVLoop", "EventModel",
                "FunctionJSON", "FunctionProtocol",
            ]),
        tests(
            "Functions",
            functions.map { .init(stringLiteral: $0.name) }
                + [
                    "FunctionTesting", "FunctionKit", "FunctionSupport", "Columnar", "AppConfig", "EventModel",
                    "EventPatterns", "WrittenFiles",
                ]),
        library("FaultyHandler", ["FunctionKit"], path: "Tests/Fixtures/Faulty/Handler"),
        library("FaultyEntry", ["FunctionKit", "FaultyHandler"], path: "Tests/Fixtures/Faulty/Entry"),
        library(
            "FaultyBatchEntry", ["FunctionKit", "FaultyHandler"], path: "Tests/Fixtures/Faulty/BatchEntry"),
        library("StreamFixtures", ["FunctionKit", "EventModel"], path: "Tests/Fixtures/Streams/Handlers"),
        library("RelayEntry", ["FunctionKit", "StreamFixtures"], path: "Tests/Fixtures/Streams/RelayEntry"),
        library("StopperEntry", ["FunctionKit", "StreamFixtures"], path: "Tests/Fixtures/Streams/StopperEntry"),
        tests(
            "Integration",
            [
                "HostAPI", "Gateway", "EventModel", "FunctionJSON", "CLinux", "Journal", "ObjectStore", "WrittenFiles",
            ]),
    ]
        + functions.flatMap { function in
            [
                library(
                    function.name, ["FunctionKit", "EventModel"] + function.dependencies,
                    path: "Functions/\(function.name)/Handler"),
                library(
                    "\(function.name)Entry", ["FunctionKit", .init(stringLiteral: function.name)],
                    path: "Functions/\(function.name)/Entry"),
            ]
        },
    swiftLanguageModes: [.v6],
    cLanguageStandard: .gnu11
)
