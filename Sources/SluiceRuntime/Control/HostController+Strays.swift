import AppConfig
import CLinux
import Glibc
import HostAPI
import ObjectStore
import UVLoop

extension HostController {
    /// What needs a human's eye.
    func warnings(of snapshot: HostRuntime.Snapshot) async -> [String] {
        let folder = "\(snapshot.dataFolder)/buckets"
        let places = await host.places
        let names = Set(
            snapshot.deployment.app.buckets.filter { $0.path == nil || places[$0.name] != nil }.map(\.name))
        return snapshot.warnings + (await files.run { Self.strays(in: folder, buckets: names) })
    }

    /// Most that are named.
    private static let maximumStrays = 10

    /// What lies beside the buckets, where no rule ever sees it: files, and folders that hold something. Blocking.
    package nonisolated static func strays(in folder: String, buckets: Set<String>) -> [String] {
        let strays = entries(of: folder).filter { !$0.hasPrefix(".") && !buckets.contains($0) }.sorted()
            .compactMap { name -> String? in
                var status = stat()
                guard lstat("\(folder)/\(name)", &status) == 0 else { return nil }
                guard status.st_mode & S_IFMT == S_IFDIR else {
                    return "\(folder)/\(name) lies in no bucket: nothing happens to it; put it into one of its folders"
                }
                guard entries(of: "\(folder)/\(name)").contains(where: { $0 != Bucket.ownFolder }) else { return nil }
                let nearest = NearestName.of(name, among: buckets).map { " (did you mean \($0)?)" } ?? ""
                return "\(folder)/\(name) is no bucket of sluice.yaml\(nearest): nothing happens to what is in it"
            }
        guard strays.count > maximumStrays else { return strays }
        return strays.prefix(maximumStrays) + [
            "… and \(strays.count - maximumStrays) more in \(folder) that are no buckets"
        ]
    }

    private nonisolated static func entries(of folder: String) -> [String] {
        guard let list = opendir(folder) else { return [] }
        defer { closedir(list) }
        var names: [String] = []
        while let entry = readdir(list) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}
