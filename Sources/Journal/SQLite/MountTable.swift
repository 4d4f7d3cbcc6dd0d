/// The mounts of this process, as /proc/self/mountinfo tells them (proc_pid_mountinfo(5)).
package struct MountTable {
    private var mounts: [(point: String, type: String)] = []

    /// Lines that are not understood are left out.
    package init(mountinfo: String) {
        for line in mountinfo.split(separator: "\n") {
            let fields = line.split(separator: " ")
            // 36 35 98:0 /root /point rw,noatime [optional …] - type source options
            guard fields.count > 6, let dash = fields.dropFirst(6).firstIndex(of: "-"), dash + 1 < fields.endIndex
            else {
                continue
            }
            mounts.append((Self.unescaped(fields[4]), String(fields[dash + 1])))
        }
    }

    /// The file system type that an absolute, resolved path lies on: of the longest mount point above it, and of those
    /// the last mounted.
    package func type(of path: String) -> String? {
        var best: (point: String, type: String)?
        for mount in mounts {
            let isAbove = mount.point == "/" || path == mount.point || path.hasPrefix(mount.point + "/")
            if isAbove, mount.point.utf8.count >= (best?.point.utf8.count ?? 0) { best = mount }
        }
        return best?.type
    }

    /// What a refused file system is called; nil for one that is fit for a journal.
    package static func unsuitable(_ type: String) -> String? {
        if type.hasPrefix("fuse") { return "FUSE" }
        switch type {
        case "nfs", "nfs4": return "NFS"
        case "cifs", "smb3", "smbfs", "smb2": return "SMB"
        case "9p": return "9p"
        case "virtiofs": return "virtio-fs"
        case "ceph": return "Ceph"
        case "afs": return "AFS"
        case "coda": return "Coda"
        case "ncpfs": return "NCP"
        case "lustre": return "Lustre"
        case "gfs2", "ocfs2": return "a cluster file system"
        case "vboxsf", "vmhgfs": return "a folder shared by a virtual machine's host"
        default: return nil
        }
    }

    /// Space, tab, newline and backslash are written as three octal digits.
    private static func unescaped(_ field: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(field.utf8)[...]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(3)
            if byte == 0x5C, digits.count == 3, digits.allSatisfy({ (0x30...0x37).contains($0) }) {
                bytes.append(digits.reduce(0) { $0 &* 8 &+ ($1 - 0x30) })
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
