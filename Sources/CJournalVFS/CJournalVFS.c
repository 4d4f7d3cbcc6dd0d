#include "CJournalVFS.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stddef.h>
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
};

static struct sqlite3_file *real_file(struct sqlite3_file *file) { return ((struct log_file *)file)->real; }

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

static int log_lock(struct sqlite3_file *file, int level) {
    return real_file(file)->pMethods->xLock(real_file(file), level);
}

static int log_unlock(struct sqlite3_file *file, int level) {
    return real_file(file)->pMethods->xUnlock(real_file(file), level);
}

static int log_check_lock(struct sqlite3_file *file, int *locked) {
    return real_file(file)->pMethods->xCheckReservedLock(real_file(file), locked);
}

static int log_control(struct sqlite3_file *file, int operation, void *argument) {
    return real_file(file)->pMethods->xFileControl(real_file(file), operation, argument);
}

static int log_sector(struct sqlite3_file *file) { return real_file(file)->pMethods->xSectorSize(real_file(file)); }

static int log_device(struct sqlite3_file *file) {
    return real_file(file)->pMethods->xDeviceCharacteristics(real_file(file));
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
    .xLock = log_lock,
    .xUnlock = log_unlock,
    .xCheckReservedLock = log_check_lock,
    .xFileControl = log_control,
    .xSectorSize = log_sector,
    .xDeviceCharacteristics = log_device,
};

// MARK: The VFS

static struct sqlite3_vfs *own_vfs(struct sqlite3_vfs *vfs) { return vfs->pAppData; }

/// Where SQLite's own file lies behind a log.
static size_t real_offset(void) {
    size_t alignment = _Alignof(max_align_t);
    return (sizeof(struct log_file) + alignment - 1) / alignment * alignment;
}

static int vfs_open(struct sqlite3_vfs *vfs, const char *name, struct sqlite3_file *file, int flags, int *out_flags) {
    struct sqlite3_vfs *own = own_vfs(vfs);
    if (!(flags & SQLITE_OPEN_WAL)) return own->xOpen(own, name, file, flags, out_flags);
    struct log_file *log = (struct log_file *)file;
    memset(log, 0, sizeof *log);
    log->real = (struct sqlite3_file *)((char *)file + real_offset());
    int code = own->xOpen(own, name, log->real, flags, out_flags);
    // SQLite closes what has methods, also after a failure.
    if (log->real->pMethods != NULL) log->base.pMethods = &log_methods;
    return code;
}

static int vfs_delete(struct sqlite3_vfs *vfs, const char *name, int sync_folder) {
    return own_vfs(vfs)->xDelete(own_vfs(vfs), name, sync_folder);
}

static int vfs_access(struct sqlite3_vfs *vfs, const char *name, int flags, int *result) {
    return own_vfs(vfs)->xAccess(own_vfs(vfs), name, flags, result);
}

static int vfs_full_path(struct sqlite3_vfs *vfs, const char *name, int count, char *out) {
    return own_vfs(vfs)->xFullPathname(own_vfs(vfs), name, count, out);
}

static void *vfs_load(struct sqlite3_vfs *vfs, const char *name) {
    return own_vfs(vfs)->xDlOpen(own_vfs(vfs), name);
}

static void vfs_load_error(struct sqlite3_vfs *vfs, int count, char *message) {
    own_vfs(vfs)->xDlError(own_vfs(vfs), count, message);
}

static void (*vfs_symbol(struct sqlite3_vfs *vfs, void *library, const char *name))(void) {
    return own_vfs(vfs)->xDlSym(own_vfs(vfs), library, name);
}

static void vfs_unload(struct sqlite3_vfs *vfs, void *library) { own_vfs(vfs)->xDlClose(own_vfs(vfs), library); }

static int vfs_random(struct sqlite3_vfs *vfs, int count, char *out) {
    return own_vfs(vfs)->xRandomness(own_vfs(vfs), count, out);
}

static int vfs_sleep(struct sqlite3_vfs *vfs, int microseconds) {
    return own_vfs(vfs)->xSleep(own_vfs(vfs), microseconds);
}

static int vfs_time(struct sqlite3_vfs *vfs, double *time) {
    return own_vfs(vfs)->xCurrentTime(own_vfs(vfs), time);
}

static int vfs_last_error(struct sqlite3_vfs *vfs, int count, char *message) {
    return own_vfs(vfs)->xGetLastError(own_vfs(vfs), count, message);
}

static int vfs_time64(struct sqlite3_vfs *vfs, sqlite3_int64 *time) {
    return own_vfs(vfs)->xCurrentTimeInt64(own_vfs(vfs), time);
}

static struct sqlite3_vfs together_vfs = {
    .iVersion = 2,
    .zName = "sluice-journal",
    .xOpen = vfs_open,
    .xDelete = vfs_delete,
    .xAccess = vfs_access,
    .xFullPathname = vfs_full_path,
    .xDlOpen = vfs_load,
    .xDlError = vfs_load_error,
    .xDlSym = vfs_symbol,
    .xDlClose = vfs_unload,
    .xRandomness = vfs_random,
    .xSleep = vfs_sleep,
    .xCurrentTime = vfs_time,
    .xGetLastError = vfs_last_error,
    .xCurrentTimeInt64 = vfs_time64,
};

/// SQLite's own VFS; NULL if it has none, or one too old to be asked for all of the above.
static struct sqlite3_vfs *default_vfs;

static void find_default(void) {
    struct sqlite3_vfs *found = sqlite3_vfs_find(NULL);
    if (found == NULL || found->iVersion < 2) return;
    default_vfs = found;
    together_vfs.pAppData = found;
    together_vfs.mxPathname = found->mxPathname;
    together_vfs.szOsFile = (int)real_offset() + found->szOsFile;
}

int journal_vfs_use(int together) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, find_default);
    if (default_vfs == NULL) return SQLITE_NOTFOUND;
    return sqlite3_vfs_register(together ? &together_vfs : default_vfs, 1);
}
