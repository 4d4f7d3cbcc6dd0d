// The crash report: what happened and where, as lines of text that the host symbolises. Everything here runs inside a
// signal handler on an alternate stack: no allocation, no locks, no stdio.
#define _GNU_SOURCE
#include <link.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

#include "worker.h"

#define MAX_MODULES 128
#define MAX_FRAMES 64
#define STACK_BYTES (64 << 10)

static int report_fd = -1;
static char report[32 << 10];
static size_t report_count;
static char modules[24 << 10];
static size_t modules_count;
static volatile int reporting;

static void put_text(const char *text) {
    size_t count = strlen(text);
    if (report_count + count > sizeof report) return;
    memcpy(report + report_count, text, count);
    report_count += count;
}

static void put_hex(uint64_t value) {
    char digits[17];
    int at = 16;
    digits[at] = 0;
    do digits[--at] = "0123456789abcdef"[value & 15];
    while (value >>= 4);
    put_text(digits + at);
}

static void put_line(const char *name, uint64_t value) {
    put_text(name);
    put_text(" ");
    put_hex(value);
    put_text("\n");
}

/// Reads two words of this process without a fault if they are not there.
static bool read_words(uint64_t address, uint64_t words[2]) {
    struct iovec local = {.iov_base = words, .iov_len = 16};
    struct iovec remote = {.iov_base = (void *)address, .iov_len = 16};
    return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == 16;
}

static void walk(uint64_t pc, uint64_t frame) {
    put_line("pc", pc);
    for (int depth = 0; depth < MAX_FRAMES; depth++) {
        uint64_t words[2];
        if (frame == 0 || frame % 8 != 0 || !read_words(frame, words)) return;
        if (words[1] == 0) return;
        // The return address is behind the call: one byte back is inside it.
        put_line("pc", words[1] - 1);
        if (words[0] <= frame) return;
        frame = words[0];
    }
}

static void handle(int number, siginfo_t *info, void *raw) {
    if (__sync_lock_test_and_set(&reporting, 1)) {
        for (;;) pause();
    }
    ucontext_t *context = raw;
#if defined(__x86_64__)
    uint64_t pc = (uint64_t)context->uc_mcontext.gregs[REG_RIP];
    uint64_t frame = (uint64_t)context->uc_mcontext.gregs[REG_RBP];
    uint64_t stack = (uint64_t)context->uc_mcontext.gregs[REG_RSP];
#else
    uint64_t pc = context->uc_mcontext.pc;
    uint64_t frame = context->uc_mcontext.regs[29];
    uint64_t stack = context->uc_mcontext.sp;
#endif
    put_line("signal", (uint64_t)number);
    put_line("address", (uint64_t)info->si_addr);
    put_line("stack", stack);
    put_line("failed-allocation", memory_failed_bytes);
    walk(pc, frame);
    size_t at = 0;
    while (at < report_count) {
        ssize_t written = write(report_fd, report + at, report_count - at);
        if (written <= 0) break;
        at += (size_t)written;
    }
    if (write(report_fd, modules, modules_count) < 0) { /* the host has gone */ }
    // End by the same signal, so that the wait status tells it too.
    signal(number, SIG_DFL);
    raise(number);
    _exit(128 + number);
}

static int note_module(struct dl_phdr_info *info, size_t size, void *context) {
    (void)size;
    (void)context;
    const char *name = info->dlpi_name;
    if (!name || !*name) return 0;
    char line[1200] = "module ";
    char digits[17];
    int at = 16;
    uint64_t base = info->dlpi_addr;
    digits[at] = 0;
    do digits[--at] = "0123456789abcdef"[base & 15];
    while (base >>= 4);
    strcat(line, digits + at);
    strcat(line, " ");
    strncat(line, name, 1024);
    strcat(line, "\n");
    size_t count = strlen(line);
    if (modules_count + count > sizeof modules) return 1;
    memcpy(modules + modules_count, line, count);
    modules_count += count;
    return 0;
}

void crash_install(int fd) {
    report_fd = fd;
    modules_count = 0;
    dl_iterate_phdr(note_module, NULL);
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGABRT, SIGFPE};
    for (size_t index = 0; index < sizeof signals / sizeof *signals; index++) sigaction(signals[index], &action, NULL);
}

void crash_thread_stack(void) {
    void *memory = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED) return;
    stack_t stack = {.ss_sp = memory, .ss_size = STACK_BYTES};
    sigaltstack(&stack, NULL);
}

void crash_begin_invocation(void) { memory_failed_bytes = 0; }
