import FunctionTesting
import Glibc
import Synchronization
import Testing
import WrittenFiles

extension FunctionsSupport {
    /// A host of one test. The Parquet files in its buckets at the end are kept, see `WrittenFiles`.
    static func host(settings: TestHost.Settings = TestHost.Settings()) -> TestHost {
        let host = TestHost(settings: settings)
        guard WrittenFiles.folder != nil else { return host }
        let test = Test.current.map { "\($0.sourceLocation.fileName)-\($0.sourceLocation.line)" }
        let isFirst = WrittenHosts.all.withLock { hosts in
            hosts.append((test, host))
            return hosts.count == 1
        }
        if isFirst { atexit { WrittenHosts.keep() } }
        return host
    }
}

/// The hosts of all tests of this process: nothing tells when a test is done with one.
private enum WrittenHosts {
    static let all = Mutex<[(test: String?, host: TestHost)]>([])

    static func keep() {
        for (test, host) in all.withLock({ $0 }) {
            for bucket in ["clean-zone", "curated-zone", "landing-zone", "quarantine"] {
                for key in host.keys(bucket) { WrittenFiles.keep(host.object(bucket, key) ?? [], of: test) }
            }
        }
    }
}
