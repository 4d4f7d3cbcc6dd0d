import AppConfig
import FunctionProtocol
import Glibc

extension FunctionVersion {
    /// Bytes that one attempt may stage, over all buckets.
    var stagingBytes: Int64 { Int64(definition.stagingMegabytes) << 20 }

    /// This version as the worker pool runs it.
    var workerVersion: WorkerVersion {
        WorkerVersion(
            modulePath: modulePath,
            configuration: FunctionConfiguration(
                function: name, version: version, timeoutMilliseconds: Int(definition.timeoutSeconds * 1000),
                memoryMegabytes: definition.memoryMegabytes, environment: definition.environment,
                configuration: definition.configuration, logLevel: definition.logLevel.rawValue),
            initTimeout: definition.initTimeoutSeconds, stagingBytes: stagingBytes,
            keptWarm: definition.reservedConcurrency ?? Self.processors)
    }

    /// Asked once: the answer is read from a file.
    private static let processors = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
}
