#ifndef CLINUX_PROCESS_H
#define CLINUX_PROCESS_H
// Threads, pidfds and descriptors beside messages: used by UVLoop and by the worker pool.

// No _GNU_SOURCE, as in clinux_files.h: modules that disagree on it disagree on the C library's structs.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/// Names the calling thread; the kernel keeps 15 bytes.
static inline int clinux_name_thread(const char *_Nonnull name) {
    return prctl(PR_SET_NAME, (unsigned long)name, 0, 0, 0);
}

/// The calling thread's sleeps end when they are due, and not up to 50 microseconds later.
static inline int clinux_exact_timers(void) {
    return prctl(PR_SET_TIMERSLACK, 1UL, 0, 0, 0);
}

static inline int clinux_pidfd_open(pid_t pid) {
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

static inline int clinux_pidfd_send_signal(int pidfd, int signal) {
    return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

/// A pipe whose ends are close-on-exec from the start. Both ends block.
static inline int clinux_pipe(int *_Nonnull ends) {
    if (syscall(SYS_pipe2, ends, 02000000 /* O_CLOEXEC */) != 0) return -1;
    return 0;
}

/// Makes everything durable that was written to a descriptor's file system. glibc shows it only under _GNU_SOURCE.
static inline int clinux_sync_file_system(int descriptor) { return (int)syscall(SYS_syncfs, descriptor); }

/// The version of Landlock that the kernel offers; -1 where it offers none.
static inline int clinux_landlock_version(void) {
    return (int)syscall(444 /* landlock_create_ruleset */, NULL, 0, 1 /* LANDLOCK_CREATE_RULESET_VERSION */);
}

/// Reaps a child by its pidfd without waiting. 1: it has ended and `*status` is as waitpid gives it; 0: it lives;
/// -1: it is not ours.
static inline int clinux_pidfd_reap(int pidfd, int *_Nonnull status) {
    siginfo_t info;
    memset(&info, 0, sizeof info);
    if (waitid((idtype_t)3 /* P_PIDFD */, (id_t)pidfd, &info, WEXITED | WNOHANG) != 0) return -1;
    if (info.si_pid == 0) return 0;
    *status = info.si_code == CLD_EXITED ? (info.si_status & 0xff) << 8 : info.si_status & 0x7f;
    return 1;
}

// <spawn.h> shows these two only under _GNU_SOURCE, which must not differ between the modules that see libc's headers.
#define CLINUX_SPAWN_SETSID 0x80
int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *_Nonnull, int);

/// Keeps the calling thread on the first core that it may use (sched_setaffinity(2)).
/// - Returns: 1, or 0 where that is not possible.
int clinux_stay_on_one_core(void);
/// Gives the calling thread back the cores that it had before `clinux_stay_on_one_core`.
void clinux_use_all_cores(void);

/// Asks for short turns on a processor for the calling thread, which in return come soon: what runs there and has longer
/// ones gives way when it wakes (EEVDF's slices, https://docs.kernel.org/scheduler/sched-eevdf.html; Linux 6.12, older
/// ones take no notice). Threads and processes that it starts have the usual ones.
/// - Returns: 0, or -1 where that is refused or would take back a priority.
int clinux_ask_short_turns(void);
/// Nanoseconds of a thread's turns; 0 where the kernel has none or does not tell.
uint64_t clinux_turn(pid_t thread);

/// Takes the program's own code and constants out of the process' resident memory, as far as they are not written to.
/// They stay in the page cache, from where what is needed comes back at its next use. A breakpoint of a debugger is lost.
void clinux_return_program_pages(void);

/// Raises this process' limit of open descriptors to what it may be. What `clinux_spawn` starts has the limit from before:
/// programs that use select(2), or close all descriptors there could be, count on it.
void clinux_raise_descriptor_limit(void);
/// How many descriptors this process may have open.
uint64_t clinux_descriptor_limit(void);
/// Limits a child's address space, in bytes, and its time on processors, in seconds.
void clinux_limit_child(pid_t pid, uint64_t memory, uint64_t seconds);
/// Gives a child the limit that this process had before it was raised.
void clinux_restore_descriptor_limit(pid_t pid);

/// posix_spawn into a session of its own, with default signals: descriptor `fds[n]` becomes number n, every other one is
/// closed. Each of `fds` must be `count` or higher. Returns 0 or an errno. PDEATHSIG follows the calling thread.
static inline int clinux_spawn(
    pid_t *_Nonnull pid, const char *_Nonnull path, char *_Nullable const *_Nonnull arguments,
    char *_Nullable const *_Nonnull environment, const int *_Nonnull fds, int count) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    int error = posix_spawn_file_actions_init(&actions);
    if (error) return error;
    error = posix_spawnattr_init(&attributes);
    if (error) {
        posix_spawn_file_actions_destroy(&actions);
        return error;
    }
    for (int index = 0; index < count && !error; index++)
        error = posix_spawn_file_actions_adddup2(&actions, fds[index], index);
    if (!error) error = posix_spawn_file_actions_addclosefrom_np(&actions, count);
    if (!error) error = posix_spawnattr_setsigdefault(&attributes, &all);
    if (!error) error = posix_spawnattr_setsigmask(&attributes, &none);
    if (!error)
        error = posix_spawnattr_setflags(
            &attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | CLINUX_SPAWN_SETSID);
    if (!error) error = posix_spawn(pid, path, &actions, &attributes, arguments, environment);
    if (!error) clinux_restore_descriptor_limit(*pid);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

/// The descriptor again, with a number of at least `lowest`, close-on-exec.
static inline int clinux_duplicate(int fd, int lowest) {
    return fcntl(fd, F_DUPFD_CLOEXEC, lowest);
}

/// Most descriptors that one message carries here.
#define CLINUX_MAX_FDS 4

/// Sends bytes and up to CLINUX_MAX_FDS descriptors; never raises SIGPIPE. Returns the count sent, or -1.
static inline ssize_t clinux_send(
    int fd, const void *_Nullable data, size_t count, const int *_Nullable fds, size_t fd_count) {
    struct iovec vector = {.iov_base = (void *)data, .iov_len = count};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * CLINUX_MAX_FDS)];
    } control;
    if (fd_count > CLINUX_MAX_FDS) {
        errno = EINVAL;
        return -1;
    }
    if (fd_count > 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
        memcpy(CMSG_DATA(header), fds, sizeof(int) * fd_count);
    }
    ssize_t sent;
    do {
        sent = sendmsg(fd, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent;
}

/// Reads bytes and the descriptors that came with them (made close-on-exec): `fds` has room for CLINUX_MAX_FDS,
/// `*fd_count` tells how many came. Returns the count read, 0 at the end of file, -1 on failure.
static inline ssize_t clinux_receive(
    int fd, void *_Nonnull data, size_t count, int *_Nonnull fds, size_t *_Nonnull fd_count) {
    struct iovec vector = {.iov_base = data, .iov_len = count};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * CLINUX_MAX_FDS)];
    } control;
    struct msghdr message = {
        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    *fd_count = 0;
    ssize_t received;
    do {
        received = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    } while (received < 0 && errno == EINTR);
    if (received < 0) return received;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        size_t here = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t index = 0; index < here && *fd_count < CLINUX_MAX_FDS; index++)
            memcpy(&fds[(*fd_count)++], CMSG_DATA(header) + index * sizeof(int), sizeof(int));
    }
    return received;
}

#endif
