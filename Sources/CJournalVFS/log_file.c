#include "files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/// What is kept at most: larger transactions are written in pieces of it. SQLite's own VFS takes no more at a time
/// (`seekAndWriteFd` in os_unix.c cuts counts to 17 bits, and calls a disk full that takes nothing).
enum { capacity = (128 << 10) - 1 };

/// A write-ahead log. SQLite's own file lies behind it.
struct log_file {
    struct sqlite3_file base;
    struct sqlite3_file *real;
    /// Written by SQLite and not yet to the file: `count` bytes that belong at `start`. NULL until the first.
    unsigned char *bytes;
    sqlite3_int64 start;
    int count;
    /// Of the database that it belongs to.
    struct shared_file *shared;
};

/// Writes what is kept. If that fails it is gone, as a page is whose write fails: SQLite takes the transaction back.
static int flush(struct log_file *file) {
    if (file->count == 0) return SQLITE_OK;
    int count = file->count;
    file->count = 0;
    return file->real->pMethods->xWrite(file->real, file->bytes, count, file->start);
}

// MARK: The file's methods

static int log_close(struct sqlite3_file *base) {
    struct log_file *file = (struct log_file *)base;
    int flushed = flush(file);
    int closed = file->real->pMethods->xClose(file->real);
    free(file->bytes);
    file->bytes = NULL;
    shared_file_release(file->shared);
    file->shared = NULL;
    return flushed != SQLITE_OK ? flushed : closed;
}

static int log_read(struct sqlite3_file *base, void *into, int count, sqlite3_int64 offset) {
    struct log_file *file = (struct log_file *)base;
    // Frames of the transaction in progress that were pushed out of the page cache.
    if (file->count > 0 && offset < file->start + file->count && offset + count > file->start) {
        // After a failed read of its log SQLite gives the transaction up; a full disk would cost it one statement.
        if (flush(file) != SQLITE_OK) return SQLITE_IOERR_READ;
    }
    return file->real->pMethods->xRead(file->real, into, count, offset);
}

static int log_write(struct sqlite3_file *base, const void *from, int count, sqlite3_int64 offset) {
    struct log_file *file = (struct log_file *)base;
    // It may hold what never reached the database: it must not begin anew.
    if (shared_file_is_broken(file->shared)) {
        errno = EIO;
        return SQLITE_IOERR_WRITE;
    }
    if (file->count > 0 && (offset != file->start + file->count || count > capacity - file->count)) {
        int code = flush(file);
        if (code != SQLITE_OK) return code;
    }
    if (file->bytes == NULL) file->bytes = malloc(capacity);
    if (file->bytes == NULL || count > capacity) {
        return file->real->pMethods->xWrite(file->real, from, count, offset);
    }
    if (file->count == 0) file->start = offset;
    memcpy(file->bytes + file->count, from, (size_t)count);
    file->count += count;
    return SQLITE_OK;
}

static int log_truncate(struct sqlite3_file *base, sqlite3_int64 size) {
    struct log_file *file = (struct log_file *)base;
    int code = flush(file);
    return code != SQLITE_OK ? code : file->real->pMethods->xTruncate(file->real, size);
}

static int log_sync(struct sqlite3_file *base, int flags) {
    struct log_file *file = (struct log_file *)base;
    int code = flush(file);
    return code != SQLITE_OK ? code : file->real->pMethods->xSync(file->real, flags);
}

static int log_size(struct sqlite3_file *base, sqlite3_int64 *size) {
    struct log_file *file = (struct log_file *)base;
    int code = file->real->pMethods->xFileSize(file->real, size);
    if (code == SQLITE_OK && file->count > 0 && *size < file->start + file->count) *size = file->start + file->count;
    return code;
}

/// Version 1: shared memory and mapped pages are asked of the database's file alone.
static const struct sqlite3_io_methods log_methods = {
    .iVersion = 1,
    .xClose = log_close,
    .xRead = log_read,
    .xWrite = log_write,
    .xTruncate = log_truncate,
    .xSync = log_sync,
    .xFileSize = log_size,
    .xLock = forward_lock,
    .xUnlock = forward_unlock,
    .xCheckReservedLock = forward_check_lock,
    .xFileControl = forward_control,
    .xSectorSize = forward_sector,
    .xDeviceCharacteristics = forward_device,
};

int log_file_open(struct sqlite3_vfs *own, const char *name, struct sqlite3_file *base, int flags, int *out_flags) {
    struct log_file *file = (struct log_file *)base;
    memset(file, 0, sizeof *file);
    file->real = (struct sqlite3_file *)((char *)base + wrapper_size());
    int code = own->xOpen(own, name, file->real, flags, out_flags);
    // SQLite closes what has methods, also after a failure.
    if (file->real->pMethods == NULL) return code;
    file->base.pMethods = &log_methods;
    if (code == SQLITE_OK) file->shared = shared_file_find(sqlite3_filename_database(name));
    return code;
}

size_t log_file_size(void) { return sizeof(struct log_file); }
