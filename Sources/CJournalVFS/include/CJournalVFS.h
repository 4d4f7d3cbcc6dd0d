#ifndef CJOURNALVFS_H
#define CJOURNALVFS_H

/// SQLite writes each frame of a write-ahead log with two calls, 24 bytes and a page, none of them at the border of one
/// of the kernel's pages: a commit of six pages is twelve calls, which take longer than to make it durable does. This
/// VFS (https://www.sqlite.org/vfs.html) keeps what is written to a log together until SQLite syncs it, then writes it
/// with one call. All other files, and all else of logs, are SQLite's own VFS.
///
/// Only for connections with `synchronous` FULL: with less, a commit is not synced, and other connections would look
/// for frames that are not in the file yet. And for one writing connection a database: what a transaction that was
/// taken back has left here would come over another's frames.

/// Makes it the VFS of databases that are opened from now on, or SQLite's own again. An SQLite result code.
int journal_vfs_use(int together);

#endif
