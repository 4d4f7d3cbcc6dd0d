import SluiceRuntime
import Gateway
import Logging
import ServiceLifecycle
import UnixSignals
import Glibc
let a = CommandLine.arguments
var log = Logger(label: "sluice"); log.logLevel = .notice
do {
    let s = try await HostService.start(HostOptions(dataFolder: a[3], appFolder: a[5]), log: log)
    let g = GatewayService(control: s.control, dataFolder: a[3], log: log) { print("ready"); fflush(nil) }
    let group = ServiceGroup(configuration: ServiceGroupConfiguration(services: [.init(service: s), .init(service: g)], gracefulShutdownSignals: [.sigterm, .sigint], logger: log))
    try await group.run()
} catch { print("error: \(error)"); exit(1) }
