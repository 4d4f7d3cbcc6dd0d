// `fallocate`.
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "CJournalVFS.h"
#include "files.h"

enum {
    /// Pages that a checkpoint writes one behind the other go to the disk with one call, so many bytes at most.
    capacity = 1 << 20,
    /// Fewer than these go through the kernel's cache as before: to wait for the disk costs more than to copy them.
    least_direct = 64 << 10,
    /// What direct writes ask of offsets, sizes and memory.
    alignment = 4096,
    /// More than that SQLite's own VFS cuts.
    piece = 64 << 10,
    /// The lock that a checkpoint holds while it copies (`WAL_READ_LOCK(0)`): for readers that need nothing of the log.
    reading_none = 3,
};

/// A database. SQLite's own file lies behind it.
struct database_file {
    struct sqlite3_file base;
    struct sqlite3_file *real;
    struct shared_file *shared;
    /// Whether checkpoints write past the kernel's cache, and whether one does now.
    bool wants_direct;
    bool is_copying;
    /// There is no room for what the checkpoint writes.
    bool is_full;
    /// Written by the checkpoint and not yet to the file: `count` bytes that belong at `start`. NULL until the first.
    unsigned char *bytes;
    sqlite3_int64 start;
    int count;
    /// The first page of the memory that all connections share; NULL until it is mapped.
    void volatile *memory;
    /// How much of the log was in the database before this checkpoint.
    uint32_t backfilled;
    /// ... and still is no more.
    bool has_failed;
    /// For tests: so many times the last write of a checkpoint fails, and a sync.
    int faults;
    int sync_faults;
};

/// `code` with its error number: SQLite tells a full disk by an old one.
static int answer(int code) {
    errno = EIO;
    return code;
}

// MARK: A checkpoint's pages

/// Past the kernel's cache, as much as that takes: the number of bytes.
static int write_directly(struct database_file *file, int count) {
    int direct = count < least_direct ? -1 : shared_file_direct(file->shared);
    int done = 0;
    while (direct >= 0 && done < count) {
        ssize_t written = pwrite(direct, file->bytes + done, (size_t)(count - done), file->start + done);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0 && (errno == EINVAL || errno == EOPNOTSUPP)) shared_file_refuse_direct(file->shared);
        if (written <= 0) break;
        done += (int)written / alignment * alignment;
        if (written % alignment != 0) break;
    }
    return done;
}

/// Writes what is kept. What cannot be written directly goes the usual way, which also tells why.
static int flush(struct database_file *file) {
    int count = file->count;
    file->count = 0;
    int done = write_directly(file, count);
    while (done < count) {
        int next = count - done < piece ? count - done : piece;
        int code = file->real->pMethods->xWrite(file->real, file->bytes + done, next, file->start + done);
        if (code != SQLITE_OK) return code;
        done += next;
    }
    return SQLITE_OK;
}

/// Where `nBackfill` of SQLite's `WalCkptInfo` lies, part of its file format (https://sqlite.org/walformat.html, 2.2):
/// how much of the log is in the database.
static _Atomic uint32_t volatile *backfilled(struct database_file *file) {
    return (_Atomic uint32_t volatile *)((char volatile *)file->memory + 96);
}

static void begin_copying(struct database_file *file) {
    file->count = 0;
    file->is_full = false;
    file->has_failed = false;
    // Without holes: else a write may fail for want of room after SQLite has been told that it was done.
    if (!file->wants_direct || file->memory == NULL || !shared_file_has_no_holes(file->shared)) return;
    file->backfilled = atomic_load(backfilled(file));
    if (file->bytes == NULL) file->bytes = aligned_alloc(alignment, capacity);
    file->is_copying = file->bytes != NULL;
}

static bool takes_fault(struct database_file *file) { return file->count > 0 && file->faults > 0 && file->faults-- > 0; }

/// SQLite asks for no result here, and next it notes the pages as copied, unless it has to sync them. So if the last of
/// them cannot be written, nothing goes on: what the database lacks is in the log, where the next start finds it.
static void end_copying(struct database_file *file) {
    if (file->is_copying && (takes_fault(file) || flush(file) != SQLITE_OK)) {
        shared_file_break(file->shared);
        file->has_failed = true;
    }
    file->is_copying = false;
}

/// Takes back the note, while nobody else may copy and before anybody may begin the log anew: a start that joins
/// another process which has the database open believes it.
static void take_back_note(struct database_file *file) {
    if (file->has_failed) atomic_store(backfilled(file), file->backfilled);
    file->has_failed = false;
}

/// Makes room for what is about to be written, so that a full disk is told before a page is kept here.
static void make_room(struct database_file *file, sqlite3_int64 size) {
    sqlite3_int64 now;
    if (!file->is_copying || file->real->pMethods->xFileSize(file->real, &now) != SQLITE_OK || now >= size) return;
    int code;
    do {
        code = fallocate(shared_file_direct(file->shared), 0, now, size - now);
    } while (code != 0 && errno == EINTR);
    if (code == 0) return;
    if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG) {
        file->is_full = true;
    } else {
        shared_file_refuse_direct(file->shared);
        file->is_copying = false;
    }
}

// MARK: The file's methods

static int database_close(struct sqlite3_file *base) {
    struct database_file *file = (struct database_file *)base;
    int code = file->real->pMethods->xClose(file->real);
    free(file->bytes);
    file->bytes = NULL;
    shared_file_release(file->shared);
    file->shared = NULL;
    return code;
}

static int database_read(struct sqlite3_file *base, void *into, int count, sqlite3_int64 offset) {
    struct database_file *file = (struct database_file *)base;
    if (shared_file_is_broken(file->shared)) return answer(SQLITE_IOERR_READ);
    return file->real->pMethods->xRead(file->real, into, count, offset);
}

static int database_write(struct sqlite3_file *base, const void *from, int count, sqlite3_int64 offset) {
    struct database_file *file = (struct database_file *)base;
    if (shared_file_is_broken(file->shared)) return answer(SQLITE_IOERR_WRITE);
    if (!file->is_copying) return file->real->pMethods->xWrite(file->real, from, count, offset);
    if (file->is_full) return SQLITE_FULL;
    if (file->count > 0 && (offset != file->start + file->count || count > capacity - file->count)) {
        int code = flush(file);
        if (code != SQLITE_OK) return code;
    }
    if (count % alignment != 0 || offset % alignment != 0 || count > capacity) {
        return file->real->pMethods->xWrite(file->real, from, count, offset);
    }
    if (file->count == 0) file->start = offset;
    memcpy(file->bytes + file->count, from, (size_t)count);
    file->count += count;
    return SQLITE_OK;
}

static int database_truncate(struct sqlite3_file *base, sqlite3_int64 size) {
    struct database_file *file = (struct database_file *)base;
    if (shared_file_is_broken(file->shared)) return answer(SQLITE_IOERR_TRUNCATE);
    return file->real->pMethods->xTruncate(file->real, size);
}

static int database_sync(struct sqlite3_file *base, int flags) {
    struct database_file *file = (struct database_file *)base;
    if (shared_file_is_broken(file->shared)) return answer(SQLITE_IOERR_FSYNC);
    bool is_fault = file->sync_faults > 0 && file->sync_faults-- > 0;
    int code = is_fault ? answer(SQLITE_IOERR_FSYNC) : file->real->pMethods->xSync(file->real, flags);
    // The kernel tells each descriptor once of what it could not write and takes it for written from then on: the next
    // sync would find nothing wrong, and SQLite would begin the log anew, which alone has those pages.
    // The note goes to the beginning: what was copied since the last sync that went well is not told apart.
    if (code != SQLITE_OK) {
        shared_file_break(file->shared);
        if (file->memory != NULL) atomic_store(backfilled(file), 0);
    }
    return code;
}

static int database_size(struct sqlite3_file *base, sqlite3_int64 *size) {
    struct database_file *file = (struct database_file *)base;
    return file->real->pMethods->xFileSize(file->real, size);
}

/// Who closes a database for good empties its log and removes it, and locks it for that.
static int database_lock(struct sqlite3_file *base, int level) {
    struct database_file *file = (struct database_file *)base;
    if (level >= SQLITE_LOCK_EXCLUSIVE && shared_file_is_broken(file->shared)) return answer(SQLITE_IOERR_LOCK);
    return forward_lock(base, level);
}

static int database_control(struct sqlite3_file *base, int operation, void *argument) {
    struct database_file *file = (struct database_file *)base;
    switch (operation) {
    case JOURNAL_VFS_DIRECT:
        file->wants_direct = *(int *)argument != 0 && shared_file_has_no_holes(file->shared);
        *(int *)argument = file->wants_direct;
        return SQLITE_OK;
    case JOURNAL_VFS_BROKEN: *(int *)argument = shared_file_is_broken(file->shared); return SQLITE_OK;
    case JOURNAL_VFS_FAIL_COPIES: file->faults = *(int *)argument; return SQLITE_OK;
    case JOURNAL_VFS_FAIL_SYNCS: file->sync_faults = *(int *)argument; return SQLITE_OK;
    case SQLITE_FCNTL_CKPT_START: begin_copying(file); break;
    case SQLITE_FCNTL_CKPT_DONE: end_copying(file); break;
    case SQLITE_FCNTL_SIZE_HINT: make_room(file, *(sqlite3_int64 *)argument); break;
    default: break;
    }
    return forward_control(base, operation, argument);
}

static int database_map_memory(struct sqlite3_file *base, int page, int size, int extend, void volatile **memory) {
    struct database_file *file = (struct database_file *)base;
    int code = file->real->pMethods->xShmMap(file->real, page, size, extend, memory);
    if (page == 0) file->memory = code == SQLITE_OK ? *memory : NULL;
    return code;
}

static int database_lock_memory(struct sqlite3_file *base, int offset, int count, int flags) {
    struct database_file *file = (struct database_file *)base;
    if (offset == reading_none && flags == (SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE)) take_back_note(file);
    return file->real->pMethods->xShmLock(file->real, offset, count, flags);
}

static void database_barrier(struct sqlite3_file *base) {
    struct database_file *file = (struct database_file *)base;
    file->real->pMethods->xShmBarrier(file->real);
}

static int database_unmap_memory(struct sqlite3_file *base, int deletes) {
    struct database_file *file = (struct database_file *)base;
    file->memory = NULL;
    return file->real->pMethods->xShmUnmap(file->real, deletes);
}

/// Version 2: mapped pages are asked of nobody here.
static const struct sqlite3_io_methods database_methods = {
    .iVersion = 2,
    .xClose = database_close,
    .xRead = database_read,
    .xWrite = database_write,
    .xTruncate = database_truncate,
    .xSync = database_sync,
    .xFileSize = database_size,
    .xLock = database_lock,
    .xUnlock = forward_unlock,
    .xCheckReservedLock = forward_check_lock,
    .xFileControl = database_control,
    .xSectorSize = forward_sector,
    .xDeviceCharacteristics = forward_device,
    .xShmMap = database_map_memory,
    .xShmLock = database_lock_memory,
    .xShmBarrier = database_barrier,
    .xShmUnmap = database_unmap_memory,
};

int database_file_open(struct sqlite3_vfs *own, const char *name, struct sqlite3_file *base, int flags, int *out_flags) {
    struct database_file *file = (struct database_file *)base;
    memset(file, 0, sizeof *file);
    file->real = (struct sqlite3_file *)((char *)base + wrapper_size());
    int code = own->xOpen(own, name, file->real, flags, out_flags);
    // SQLite closes what has methods, also after a failure.
    if (file->real->pMethods == NULL) return code;
    file->base.pMethods = &database_methods;
    if (code == SQLITE_OK) file->shared = shared_file_find(name);
    return code;
}

size_t database_file_size(void) { return sizeof(struct database_file); }
