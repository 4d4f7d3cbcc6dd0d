import AppConfig
import Testing

@Suite("Buckets that a function's configuration names")
struct ConfiguredBucketTests {
    @Test("one that is not there, or that the function has no grant for, is a warning with its place")
    func warnings() throws {
        let app = try TestApp.load([
            "sluice.yaml": "buckets: {landing: , clean: , reference: }",
            "Functions/F/function.yaml": """
            grants: {read: [landing], write: [clean]}
            configuration:
              targetBucket: clean
              quarantineBucket: landing
              reference: {bucket: reference, key: customers.csv}
              load: {targetBucket: claen}
              bucket: anything
            """,
        ])
        #expect(
            app.warnings.map { "\($0.line ?? 0) \($0.message)" } == [
                "4 `configuration` names the bucket landing, and the function has no grant to write there",
                "5 `configuration` names the bucket reference, and the function has no grant to read there",
                "6 `configuration` names `claen`, and there is no such bucket",
            ])
    }
}
