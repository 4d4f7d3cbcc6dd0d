#ifndef CJOURNALVFS_H
#define CJOURNALVFS_H

/// SQLite writes each frame of a write-ahead log with two calls, 24 bytes and a page, none of them at the border of one
/// of the kernel's pages: a commit of six pages is twelve calls, which take longer than to make it durable does. This
/// VFS (https://www.sqlite.org/vfs.html) keeps what is written to a log together until SQLite syncs it, then writes it
/// with one call.
///
/// A checkpoint copies each page of the log through the kernel's cache, of which nobody reads most of them again: the
/// new pages of the cache cost more than all else that an event costs a checkpoint, and twice what it takes to write them
/// past it. So a connection may ask for that (`JOURNAL_VFS_DIRECT`): pages that lie one behind the other then go to the
/// disk together, on ext4, where what is written over has its room. All else is SQLite's own VFS.
///
/// Only for connections with `synchronous` FULL: with less, a commit is not synced, and other connections would look
/// for frames that are not in the file yet. And for one writing connection a database: what a transaction that was
/// taken back has left here would come over another's frames.

/// Makes it the VFS of databases that are opened from now on, or SQLite's own again. An SQLite result code.
int journal_vfs_use(int together);

/// For `sqlite3_file_control` of a database, each with an int. `SQLITE_NOTFOUND` under another VFS.
enum {
    /// Whether the connection's next checkpoints write past the kernel's cache; it then says whether they will: only on
    /// ext4, and only into a file without holes.
    JOURNAL_VFS_DIRECT = 0x534C55,
    /// Says whether pages that SQLite may take to be in the database are not, because a checkpoint could not write them
    /// or a sync failed: nothing is read or written any more.
    JOURNAL_VFS_BROKEN,
    /// So many times the last of what the connection's checkpoints collect fails to be written. For tests.
    JOURNAL_VFS_FAIL_COPIES,
    /// So many of the connection's syncs of the database fail. For tests.
    JOURNAL_VFS_FAIL_SYNCS,
};

#endif
