// The crash report: what happened and where, as lines of text that the host symbolises (sluice_zygote.h has the form).
// The handler runs on an alternate stack: no allocation, no locks, no stdio.
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

#define MAX_FRAMES 64
#define ALTERNATE_STACK_BYTES (64u << 10)

static char report[SLUICE_CRASH_MAX_REPORT / 2];
static size_t report_count;
static char modules[SLUICE_CRASH_MAX_REPORT / 2];
static size_t modules_count;
static uintptr_t guard_low, guard_high;
static int reporting;

static void put_text(char *target, size_t capacity, size_t *count, const char *text) {
    size_t more = strlen(text);
    if (*count + more > capacity) return;
    memcpy(target + *count, text, more);
    *count += more;
}

static void put_hex(char *target, size_t capacity, size_t *count, uint64_t value) {
    char digits[17];
    int at = 16;
    digits[at] = 0;
    do digits[--at] = "0123456789abcdef"[value & 15];
    while (value >>= 4);
    put_text(target, capacity, count, digits + at);
}

static void say(const char *text) { put_text(report, sizeof report, &report_count, text); }
static void say_hex(uint64_t value) { put_hex(report, sizeof report, &report_count, value); }

static void say_line(const char *name, uint64_t value) {
    say(name);
    say(" ");
    say_hex(value);
    say("\n");
}

static void write_all(const char *bytes, size_t count) {
    while (count > 0) {
        ssize_t written = write(SLUICE_CRASH_FD, bytes, count);
        if (written <= 0) return;
        bytes += written;
        count -= (size_t)written;
    }
}

/// Reads two words of this process without a fault where there are none.
static bool read_words(uint64_t address, uint64_t words[2]) {
    struct iovec local = {.iov_base = words, .iov_len = 16};
    struct iovec remote = {.iov_base = (void *)address, .iov_len = 16};
    return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == 16;
}

static void walk(uint64_t pc, uint64_t frame) {
    say_line("pc", pc);
    for (int depth = 1; depth < MAX_FRAMES; depth++) {
        uint64_t words[2];
        if (frame == 0 || frame % 8 != 0 || !read_words(frame, words) || words[1] == 0) return;
        say_line("pc", words[1]);
        if (words[0] <= frame) return;
        frame = words[0];
    }
}

static void handle(int number, siginfo_t *info, void *raw) {
    if (__sync_lock_test_and_set(&reporting, 1))
        for (;;) pause();
    ucontext_t *context = raw;
#if defined(__x86_64__)
    uint64_t pc = (uint64_t)context->uc_mcontext.gregs[REG_RIP];
    uint64_t frame = (uint64_t)context->uc_mcontext.gregs[REG_RBP];
#else
    uint64_t pc = context->uc_mcontext.pc;
    uint64_t frame = context->uc_mcontext.regs[29];
#endif
    uintptr_t address = (uintptr_t)info->si_addr;
    say("signal ");
    say_hex((uint64_t)number);
    say(" code ");
    say_hex((uint64_t)(uint32_t)info->si_code);
    say(" address ");
    say_hex(address);
    say("\n");
    if (number == SIGSEGV && address >= guard_low && address < guard_high) say("stack\n");
    if (allocation_failed) say_line("allocation", allocation_failed);
    walk(pc, frame);
    write_all(report, report_count);
    write_all(modules, modules_count);
    // End by the same signal, so that the wait status tells it too.
    signal(number, SIG_DFL);
    raise(number);
    _exit(128 + number);
}

void crash_install(void) {
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGABRT, SIGFPE};
    for (size_t index = 0; index < sizeof signals / sizeof *signals; index++) sigaction(signals[index], &action, NULL);
    crash_prepare_thread();
}

void crash_prepare_thread(void) {
    void *memory =
        mmap(NULL, ALTERNATE_STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED) return;
    stack_t stack = {.ss_sp = memory, .ss_size = ALTERNATE_STACK_BYTES};
    sigaltstack(&stack, NULL);
}

void crash_note_guard(const void *low, size_t size) {
    guard_low = (uintptr_t)low;
    guard_high = guard_low + size;
}

static int note_module(struct dl_phdr_info *info, size_t size, void *context) {
    (void)size;
    (void)context;
    if (!info->dlpi_name || !*info->dlpi_name) return 0;
    uint64_t low = UINT64_MAX, high = 0;
    for (int index = 0; index < info->dlpi_phnum; index++) {
        if (info->dlpi_phdr[index].p_type != PT_LOAD) continue;
        uint64_t start = info->dlpi_addr + info->dlpi_phdr[index].p_vaddr;
        if (start < low) low = start;
        if (start + info->dlpi_phdr[index].p_memsz > high) high = start + info->dlpi_phdr[index].p_memsz;
    }
    size_t before = modules_count;
    put_text(modules, sizeof modules, &modules_count, "module ");
    put_hex(modules, sizeof modules, &modules_count, info->dlpi_addr);
    put_text(modules, sizeof modules, &modules_count, " ");
    put_hex(modules, sizeof modules, &modules_count, low);
    put_text(modules, sizeof modules, &modules_count, " ");
    put_hex(modules, sizeof modules, &modules_count, high);
    put_text(modules, sizeof modules, &modules_count, " ");
    put_text(modules, sizeof modules, &modules_count, info->dlpi_name);
    put_text(modules, sizeof modules, &modules_count, "\n");
    // A line that was cut is none.
    if (modules[modules_count - 1] != '\n') modules_count = before;
    return 0;
}

void crash_note_modules(void) {
    modules_count = 0;
    dl_iterate_phdr(note_module, NULL);
}

_Noreturn void crash_end(const char *reason) {
    write_all("end ", 4);
    write_all(reason, strlen(reason));
    write_all("\n", 1);
    _exit(70);
}
