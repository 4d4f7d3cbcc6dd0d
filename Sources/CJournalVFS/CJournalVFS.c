#include "CJournalVFS.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stddef.h>

#include "files.h"

static struct sqlite3_vfs *own_vfs(struct sqlite3_vfs *vfs) { return vfs->pAppData; }

size_t wrapper_size(void) {
    size_t size = log_file_size() > database_file_size() ? log_file_size() : database_file_size();
    size_t alignment = _Alignof(max_align_t);
    return (size + alignment - 1) / alignment * alignment;
}

static int vfs_open(struct sqlite3_vfs *vfs, const char *name, struct sqlite3_file *file, int flags, int *out_flags) {
    struct sqlite3_vfs *own = own_vfs(vfs);
    if (flags & SQLITE_OPEN_WAL) return log_file_open(own, name, file, flags, out_flags);
    if (flags & SQLITE_OPEN_MAIN_DB && name != NULL) return database_file_open(own, name, file, flags, out_flags);
    return own->xOpen(own, name, file, flags, out_flags);
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
    together_vfs.szOsFile = (int)wrapper_size() + found->szOsFile;
}

int journal_vfs_use(int together) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, find_default);
    if (default_vfs == NULL) return SQLITE_NOTFOUND;
    return sqlite3_vfs_register(together ? &together_vfs : default_vfs, 1);
}
