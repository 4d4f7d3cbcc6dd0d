import AppConfig
import FunctionProtocol
import Glibc

extension FunctionVersion {
    /// This version as the worker pool runs it.
    var workerVersion: WorkerVersion {
        WorkerVersion(
            modulePath: modulePath,
            configuration: FunctionConfiguration(
                function: name, version: version, timeoutMilliseconds: Int(definition.timeoutSeconds * 1000),
                memoryMegabytes: definition.memoryMegabytes, environment: definition.environment,
                configuration: definition.configuration, logLevel: definition.logLevel.rawValue),
            initTimeout: definition.initTimeoutSeconds,
            keptWarm: definition.reservedConcurrency ?? max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))))
    }
}
