// The crash report: what happened and where, as lines of text that the host symbolises (sluice_zygote.h has the form).
// Written by the dying process itself on an alternate stack: no allocation, no locks, no stdio.
#define _GNU_SOURCE
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

#include "worker.h"

#define MAX_FRAMES 64
#define MAX_MODULES 96
#define ALTERNATE_STACK_BYTES (64u << 10)
/// How far below the stack pointer a fault still counts as the stack's end: a large frame skips ahead.
#define OVERFLOW_REACH (256u << 10)

/// A loaded object; its executable segments lie in [low, high).
struct loaded {
    uintptr_t bias, low, high;
    char path[256];
};

static struct loaded modules[MAX_MODULES];
static size_t module_count;
static uintptr_t guard_low, guard_high;
static int reporting;

// MARK: Text

static char report[SLUICE_CRASH_MAX_REPORT];
static size_t report_count;

static void say(const char *text) {
    size_t more = strlen(text);
    if (report_count + more > sizeof report) return;
    memcpy(report + report_count, text, more);
    report_count += more;
}

static void say_hex(const char *before, uintptr_t value) {
    char digits[2 * sizeof value + 1];
    size_t at = sizeof digits - 1;
    digits[at] = 0;
    do digits[--at] = "0123456789abcdef"[value & 15];
    while (value >>= 4);
    say(before);
    say(digits + at);
}

static void say_line(const char *name, uintptr_t value) {
    say_hex(name, value);
    say("\n");
}

static void write_report(void) {
    size_t done = 0;
    while (done < report_count) {
        ssize_t written = write(SLUICE_CRASH_FD, report + done, report_count - done);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return;
        done += (size_t)written;
    }
}

// MARK: Frames

struct registers {
    uintptr_t pc, frame, stack;
};

static struct registers registers_of(const ucontext_t *context) {
#if defined(__x86_64__)
    return (struct registers){
        .pc = (uintptr_t)context->uc_mcontext.gregs[REG_RIP],
        .frame = (uintptr_t)context->uc_mcontext.gregs[REG_RBP],
        .stack = (uintptr_t)context->uc_mcontext.gregs[REG_RSP]};
#elif defined(__aarch64__)
    return (struct registers){
        .pc = context->uc_mcontext.pc, .frame = context->uc_mcontext.regs[29], .stack = context->uc_mcontext.sp};
#else
#error "The worker runs on x86-64 and arm64."
#endif
}

/// Reads this process's memory without a fault where there is none.
static bool read_memory(uintptr_t address, void *to, size_t count) {
    struct iovec local = {.iov_base = to, .iov_len = count};
    struct iovec remote = {.iov_base = (void *)address, .iov_len = count};
    return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == (ssize_t)count;
}

static bool is_code(uintptr_t address) {
    for (size_t index = 0; index < module_count; index++)
        if (address > modules[index].low && address < modules[index].high) return true;
    return false;
}

/// By frame pointers, which Swift keeps. Returns the count of frames.
static size_t walk(struct registers registers) {
    say_line("pc ", registers.pc);
    size_t frames = 1;
    uintptr_t frame = registers.frame, last = registers.stack;
    while (frames < MAX_FRAMES) {
        // Swift marks the frame of an async function in bit 60 of the saved frame pointer.
        frame &= ~((uintptr_t)1 << 60);
        uintptr_t words[2];
        if (frame < last || frame % 8 != 0 || !read_memory(frame, words, sizeof words) || !is_code(words[1])) break;
        say_line("pc ", words[1]);
        frames++;
        last = frame + 1;
        frame = words[0];
    }
    return frames;
}

/// The C library keeps no frame pointers (abort, raise): what looks like a return address on the stack will do there.
static void scan(uintptr_t stack) {
    size_t found = 0;
    for (size_t index = 0; index < 512 && found < 32; index++) {
        uintptr_t word;
        if (!read_memory(stack + index * sizeof word, &word, sizeof word)) return;
        if (!is_code(word)) continue;
        say_line("pc ", word);
        found++;
    }
}

static bool is_stack_overflow(int number, uintptr_t address, struct registers registers) {
    if (number != SIGSEGV && number != SIGBUS) return false;
    if (address >= guard_low && address < guard_high) return true;
    // At the end of another thread's stack (one with an alternate stack) the memory around the pointer is missing.
    char byte;
    return address + OVERFLOW_REACH >= registers.stack && address < registers.stack + 4096 &&
           !read_memory(address, &byte, 1);
}

// MARK: Signals

static void handle(int number, siginfo_t *info, void *raw) {
    // A second thread that crashes waits for the end that the first brings.
    if (__sync_lock_test_and_set(&reporting, 1))
        for (;;) pause();
    struct registers registers = registers_of(raw);
    // A signal that was sent (abort) has no address.
    uintptr_t address = info->si_code > 0 ? (uintptr_t)info->si_addr : 0;
    say_hex("signal ", (uintptr_t)number);
    say_hex(" code ", (uintptr_t)(uint32_t)info->si_code);
    say_line(" address ", address);
    if (info->si_code > 0 && is_stack_overflow(number, address, registers)) say("stack\n");
    if (allocation_failed) say_line("allocation ", allocation_failed);
    if (walk(registers) < 2 || number == SIGABRT) scan(registers.stack);
    for (size_t index = 0; index < module_count; index++) {
        say_hex("module ", modules[index].bias);
        say_hex(" ", modules[index].low);
        say_hex(" ", modules[index].high);
        say(" ");
        say(modules[index].path);
        say("\n");
    }
    write_report();
    // End by the same signal, so that the wait status tells it too.
    signal(number, SIG_DFL);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), number);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    _exit(128 + number);
}

void crash_install(void) {
    crash_prepare_thread();
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigfillset(&action.sa_mask);
    const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGABRT, SIGFPE};
    for (size_t index = 0; index < sizeof signals / sizeof *signals; index++) sigaction(signals[index], &action, NULL);
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
    // The page above counts as well: a signal frame or a push may begin just inside.
    guard_high = guard_low + size + 4096;
}

static int note_module(struct dl_phdr_info *info, size_t size, void *context) {
    (void)size;
    (void)context;
    if (module_count == MAX_MODULES) return 1;
    uintptr_t low = UINTPTR_MAX, high = 0;
    for (size_t index = 0; index < info->dlpi_phnum; index++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[index];
        if (header->p_type != PT_LOAD || !(header->p_flags & PF_X)) continue;
        uintptr_t start = info->dlpi_addr + header->p_vaddr;
        if (start < low) low = start;
        if (start + header->p_memsz > high) high = start + header->p_memsz;
    }
    if (low >= high) return 0;
    struct loaded *loaded = &modules[module_count++];
    *loaded = (struct loaded){.bias = info->dlpi_addr, .low = low, .high = high};
    if (info->dlpi_name && *info->dlpi_name) {
        strncpy(loaded->path, info->dlpi_name, sizeof loaded->path - 1);
    } else {
        // The program itself has no name here, and the host's /proc/self/exe is another.
        ssize_t count = readlink("/proc/self/exe", loaded->path, sizeof loaded->path - 1);
        loaded->path[count < 0 ? 0 : count] = 0;
    }
    return 0;
}

void crash_note_modules(void) {
    module_count = 0;
    dl_iterate_phdr(note_module, NULL);
}

void crash_end(const char *reason) {
    if (allocation_failed) say_line("allocation ", allocation_failed);
    say("end ");
    say(reason);
    say("\n");
    write_report();
    _exit(70);
}
