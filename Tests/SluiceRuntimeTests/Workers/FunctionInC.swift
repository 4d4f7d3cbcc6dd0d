import Glibc

/// A function in C that does to itself what the payload asks for: the worker boundary without FunctionKit or Swift on
/// the other side. Built once per test run and variant, with the compiler of the Swift toolchain.
struct FunctionInC: Sendable {
    struct BuildFailure: Error {
        var status: Int32
    }

    /// Statics have no end of life: the process's end removes it.
    static let folder: TemporaryFolder = {
        atexit { FunctionInC.folder.remove() }
        return TemporaryFolder(name: "functions")
    }()
    static let ordinary = Result { try FunctionInC.build("ordinary") }
    static let otherABI = Result { try FunctionInC.build("other-abi", ["-DABI=99"]) }
    /// Its handler takes batches.
    static let batching = Result { try FunctionInC.build("batching", ["-DFLAGS=SLUICE_MODULE_BATCH"]) }
    static let refusing = Result { try FunctionInC.build("refusing", ["-DREFUSE"]) }
    static let withoutEntry = Result { try FunctionInC.build("without-entry", ["-Dsluice_function_entry=other_name"]) }

    let path: String

    private static func build(_ name: String, _ flags: [String] = []) throws -> FunctionInC {
        let root = #filePath.split(separator: "/").dropLast(4).joined(separator: "/")
        let source = "\(folder.path)/\(name).c"
        let output = "\(folder.path)/\(name).so"
        let file = fopen(source, "w")
        fputs(self.source, file)
        fclose(file)
        let arguments =
            ["clang", "-std=gnu11", "-shared", "-fPIC", "-O0", "-g", "-fno-omit-frame-pointer", "-pthread"] + flags
            + ["-I", "/\(root)/Sources/CFunctionABI/include", "-o", output, source]
        var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
        words.append(nil)
        defer { for word in words { free(word) } }
        var pid: pid_t = 0
        var status = posix_spawnp(&pid, "clang", nil, nil, &words, environ)
        if status == 0 { waitpid(pid, &status, 0) }
        guard status == 0 else { throw BuildFailure(status: status) }
        return FunctionInC(path: output)
    }

    private static let source = #"""
        #define _GNU_SOURCE
        #include <errno.h>
        #include <fcntl.h>
        #include <pthread.h>
        #include <signal.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/stat.h>
        #include <sys/wait.h>
        #include <unistd.h>
        #include "sluice_abi.h"
        #ifndef ABI
        #define ABI SLUICE_ABI_VERSION
        #endif
        #ifndef FLAGS
        #define FLAGS 0
        #endif

        static const sluice_worker_services *services;
        static int invocations;

        static void answer(sluice_outcome *outcome, uint32_t status, const char *text, size_t count) {
            outcome->status = status;
            outcome->body = malloc(count + 1);
            memcpy(outcome->body, text, count);
            outcome->body_count = count;
        }
        static void say(sluice_outcome *outcome, const char *text) { answer(outcome, 0, text, strlen(text)); }

        static void *sleeper(void *context) { for (;;) pause(); return context; }

        static int32_t prepare(sluice_bytes configuration, sluice_outcome *error) {
            const char *mode = getenv("PREPARE");
            if (!mode) return 0;
            if (!strcmp(mode, "fail")) {
                const char *text = "{\"code\":\"Unprepared\",\"message\":\"on purpose\"}";
                answer(error, 1, text, strlen(text));
                return 1;
            }
            if (!strcmp(mode, "exit")) { printf("leaving\n"); exit(4); }
            if (!strcmp(mode, "crash")) abort();
            if (!strcmp(mode, "hang")) for (;;) pause();
            if (!strcmp(mode, "thread")) { pthread_t thread; pthread_create(&thread, NULL, sleeper, NULL); }
            if (!strcmp(mode, "ignore-children")) signal(SIGCHLD, SIG_IGN);
            if (!strcmp(mode, "descriptor")) open("/dev/zero", O_RDONLY);
            return 0;
        }
        static int32_t start(const sluice_worker_services *given, sluice_outcome *error) {
            services = given;
            const char *mode = getenv("START");
            if (mode && !strcmp(mode, "hang")) for (;;) pause();
            if (mode && !strcmp(mode, "exit")) exit(5);
            return 0;
        }
        static void stop(void) {}

        __attribute__((noinline)) int dereference_null(volatile int *pointer) { return *pointer + 1; }
        __attribute__((noinline)) int recurse(int depth) {
            volatile char space[512];
            space[0] = (char)depth;
            return recurse(depth + 1) + space[0];
        }

        static void call(const sluice_invocation *invocation, sluice_outcome *outcome) {
            uint8_t *reply; size_t count; int32_t fd;
            int32_t result = services->call(services->context, 1, (const uint8_t *)"{\"a\":1}", 7, -1, &reply, &count, &fd);
            char text[4096];
            int length = snprintf(text, sizeof text, "%d %.*s", result, (int)count, (const char *)reply);
            if (fd >= 0) {
                length += (int)read(fd, text + length, sizeof text - (size_t)length);
                close(fd);
            }
            services->release(services->context, reply);
            answer(outcome, 0, text, (size_t)length);
        }

        // Puts what PUT says, by the call of the number CALL. True: the host has refused it, and HEED says that this is
        // the outcome; else the answer is not looked at.
        static int put(sluice_outcome *outcome) {
            uint8_t *reply; size_t size; int32_t fd;
            uint32_t kind = getenv("CALL") ? (uint32_t)atoi(getenv("CALL")) : 10;
            int32_t result = services->call(
                services->context, kind, (const uint8_t *)getenv("PUT"), strlen(getenv("PUT")), -1, &reply, &size, &fd);
            int refused = result != 0 && getenv("HEED") != NULL;
            if (refused) answer(outcome, SLUICE_OUTCOME_ERROR, (const char *)reply, size);
            services->release(services->context, reply);
            return refused;
        }

        static int asks(const sluice_invocation *invocation, const char *text) {
            return memmem(invocation->payload.data, invocation->payload.count, text, strlen(text)) != NULL;
        }

        static void invoke(const sluice_invocation *invocation, sluice_outcome *outcome) {
            invocations++;
            char mode[64] = {0}, text[256];
            size_t count = invocation->payload.count < 63 ? invocation->payload.count : 63;
            memcpy(mode, invocation->payload.data, count);
            if (mode[0] == '[' && getenv("ANSWER")) {
                if (getenv("PUT") && put(outcome)) return;
                answer(outcome, SLUICE_OUTCOME_BATCH, getenv("ANSWER"), strlen(getenv("ANSWER"))); return;
            }
            if (!strcmp(mode, "pid")) { snprintf(text, sizeof text, "%d", (int)getpid()); say(outcome, text); return; }
            if (!strcmp(mode, "facts")) {
                snprintf(text, sizeof text, "%.*s %.*s %u %u %d", (int)invocation->request_id.count,
                    (const char *)invocation->request_id.data, (int)invocation->invocation_id.count,
                    (const char *)invocation->invocation_id.data, invocation->attempt, invocation->flags, getsid(0) == getpid());
                say(outcome, text); return;
            }
            if (!strcmp(mode, "error")) {
                const char *body = "{\"code\":\"Deliberate\",\"message\":\"on purpose\",\"retry\":false}";
                answer(outcome, SLUICE_OUTCOME_ERROR, body, strlen(body)); return;
            }
            if (!strcmp(mode, "batch")) {
                const char *body = "{\"results\":[{\"status\":\"Ok\"},{\"status\":\"Dropped\"}]}";
                answer(outcome, SLUICE_OUTCOME_BATCH, body, strlen(body)); return;
            }
            if (!strcmp(mode, "malformed")) { answer(outcome, SLUICE_OUTCOME_BATCH, "[", 1); return; }
            if (!strcmp(mode, "status")) { answer(outcome, 77, "", 0); return; }
            if (!strcmp(mode, "exit")) exit(3);
            if (!strcmp(mode, "abort")) abort();
            if (!strcmp(mode, "segv")) { dereference_null(NULL); return; }
            if (!strcmp(mode, "trap")) __builtin_trap();
            if (!strcmp(mode, "overflow")) { recurse(0); return; }
            if (!strcmp(mode, "loop")) for (;;) __asm__ volatile("");
            if (!strcmp(mode, "huge")) { volatile char *memory = malloc(10ull << 30); memory[0] = 1; return; }
            if (!strcmp(mode, "grow")) for (;;) { void *memory = malloc(1 << 20); memset(memory, 1, 1 << 20); }
            if (!strcmp(mode, "fits")) {
                void *memory = malloc(200u << 20); memset(memory, 1, 200u << 20); free(memory);
                say(outcome, "fitted"); return;
            }
            if (!strcmp(mode, "shout")) {
                for (int line = 0; line < 30000; line++) printf("%099d\n", line);
                say(outcome, "shouted"); return;
            }
            if (!strcmp(mode, "shout-on")) for (;;) printf("%099d\n", 1);
            if (!strcmp(mode, "log-on")) {
                static uint8_t line[200 << 10];
                memset(line, 'x', sizeof line);
                for (;;) services->log(services->context, 4, line, sizeof line);
            }
            if (!strcmp(mode, "speak")) {
                printf("first\nsecond without an end");
                fprintf(stderr, "warned\n");
                services->log(services->context, 4, (const uint8_t *)"logged", 6);
                say(outcome, "spoken"); return;
            }
            if (!strcmp(mode, "call")) { call(invocation, outcome); return; }
            if (!strcmp(mode, "write-outside") || !strcmp(mode, "write-own")) {
                snprintf(text, sizeof text, "%s/probe-%d", !strcmp(mode, "write-own") ? getenv("TMPDIR") : "/tmp", (int)getpid());
                int fd = open(text, O_CREAT | O_WRONLY, 0600);
                int error = fd < 0 ? errno : 0;
                if (fd >= 0) { close(fd); unlink(text); }
                say(outcome, error ? strerror(error) : "written"); return;
            }
            if (!strcmp(mode, "child")) {
                // A process that would outlive its parent and keeps the pipes open.
                pid_t child = fork();
                if (child == 0) for (;;) pause();
                printf("%d\n", (int)child);
                for (;;) pause();
            }
            if (!strcmp(mode, "close")) { close(3); for (;;) pause(); }
            if (!strcmp(mode, "garbage")) { ssize_t ignored = write(3, "garbage that is no frame at all, long enough", 44); (void)ignored; for (;;) pause(); }
            // What an event's detail asks for, or a record's key.
            if (asks(invocation, "\"c\":\"hang\"") || asks(invocation, "\"partitionKey\":\"hang\"")) for (;;) pause();
            if (asks(invocation, "\"c\":\"gate\"")) {
                // Goes on when whoever opens the pipe closes it.
                if (put(outcome)) return;
                int gate = open(getenv("GATE"), O_RDONLY);
                while (read(gate, text, sizeof text) > 0) {}
                close(gate);
            }
            if (asks(invocation, "\"c\":\"again\"")) {
                const char *body = "{\"code\":\"Again\",\"message\":\"on purpose\"}";
                answer(outcome, SLUICE_OUTCOME_ERROR, body, strlen(body)); return;
            }
            if (asks(invocation, "\"c\":\"fail\"") || asks(invocation, "\"partitionKey\":\"fail\"")) {
                const char *body = "{\"code\":\"Deliberate\",\"message\":\"on purpose\",\"retry\":false}";
                answer(outcome, SLUICE_OUTCOME_ERROR, body, strlen(body)); return;
            }
            answer(outcome, 0, (const char *)invocation->payload.data, invocation->payload.count);
        }

        static const sluice_function_module module = {
            .abi_version = ABI, .kit_version = "c", .compiler = "clang", .flags = FLAGS, .prepare = prepare, .start = start,
            .invoke = invoke, .stop = stop,
        };
        const sluice_function_module *sluice_function_entry(uint32_t abi_version) {
        #ifdef REFUSE
            return NULL;
        #endif
            return &module;
        }
        """#
}

/// A folder that goes away with its owner (or with the process).
final class TemporaryFolder: Sendable {
    let path: String

    init(name: String) {
        var template = Array("/tmp/sluice-test-\(name)-XXXXXX".utf8CString)
        path = mkdtemp(&template).map { String(cString: $0) } ?? "/tmp"
    }

    deinit { remove() }

    func remove() {
        guard path != "/tmp" else { return }
        var pid: pid_t = 0
        var words: [UnsafeMutablePointer<CChar>?] = ["rm", "-rf", path].map { (word: String) in strdup(word) }
        words.append(nil)
        if posix_spawnp(&pid, "rm", nil, nil, &words, environ) == 0 {
            var status: Int32 = 0
            waitpid(pid, &status, 0)
        }
        for word in words { free(word) }
    }
}
