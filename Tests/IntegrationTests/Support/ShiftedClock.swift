import Foundation

/// A wall clock that a test sets, for one host and what it starts: a library that is loaded before theirs and adds what
/// a file says. The clock that measures time, and what the kernel notes of files, go on as they are.
final class ShiftedClock: Sendable {
    static let hour = 3600
    static let day = 24 * hour

    private let folder: String

    /// To be given to the host.
    var environment: [String: String] {
        ["LD_PRELOAD": folder + "/clock.so", "SLUICE_TEST_CLOCK": folder + "/offset"]
    }

    init() async throws {
        folder = temporaryFolder("clock")
        try Data(Self.source.utf8).write(to: URL(filePath: folder + "/clock.c"))
        let result = try await run(
            "/usr/bin/env", ["-C", folder, "clang", "-shared", "-fPIC", "-O1", "-o", "clock.so", "clock.c", "-ldl"])
        guard result.ending == .exited(0) else { throw HostProcess.Failure(description: "clang: \(result)") }
        try Data(count: 8).write(to: URL(filePath: folder + "/offset"))
    }

    /// Sets the clock so many seconds off what it would be, at once.
    func set(ahead seconds: Int) throws {
        // In place: the host has the file in its memory.
        let file = try FileHandle(forUpdating: URL(filePath: folder + "/offset"))
        try file.write(contentsOf: withUnsafeBytes(of: Int64(seconds)) { Data($0) })
        try file.close()
    }

    func remove() { try? FileManager.default.removeItem(atPath: folder) }

    private static let source = #"""
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <fcntl.h>
        #include <stdint.h>
        #include <stdlib.h>
        #include <sys/mman.h>
        #include <sys/time.h>
        #include <time.h>
        #include <unistd.h>

        static volatile int64_t *offset;
        static int (*real)(clockid_t, struct timespec *);

        __attribute__((constructor)) static void begin(void) {
            real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
            const char *path = getenv("SLUICE_TEST_CLOCK");
            int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
            if (file < 0) return;
            void *map = mmap(NULL, 8, PROT_READ, MAP_SHARED, file, 0);
            close(file);
            if (map != MAP_FAILED) offset = map;
        }

        int clock_gettime(clockid_t clock, struct timespec *time) {
            if (!real) begin();
            int result = real(clock, time);
            if (result == 0 && offset && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) time->tv_sec += *offset;
            return result;
        }

        int gettimeofday(struct timeval *restrict value, void *restrict zone) {
            struct timespec now;
            clock_gettime(CLOCK_REALTIME, &now);
            value->tv_sec = now.tv_sec;
            value->tv_usec = now.tv_nsec / 1000;
            return 0;
        }

        time_t time(time_t *at) {
            struct timespec now;
            clock_gettime(CLOCK_REALTIME, &now);
            if (at) *at = now.tv_sec;
            return now.tv_sec;
        }
        """#
}
