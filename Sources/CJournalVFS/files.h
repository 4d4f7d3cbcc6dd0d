#ifndef FILES_H
#define FILES_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

/// How each of our files begins. SQLite's own lies behind it.
struct wrapped_file {
    struct sqlite3_file base;
    struct sqlite3_file *real;
};

/// Where in the memory of one of our files SQLite's own lies.
size_t wrapper_size(void);

int log_file_open(struct sqlite3_vfs *own, const char *name, struct sqlite3_file *file, int flags, int *out_flags);
size_t log_file_size(void);
int database_file_open(struct sqlite3_vfs *own, const char *name, struct sqlite3_file *file, int flags, int *out_flags);
size_t database_file_size(void);

// MARK: What the connections of this process share of a database

struct shared_file;

/// Of the database at a path; NULL if it cannot be told.
struct shared_file *shared_file_find(const char *path);
void shared_file_release(struct shared_file *shared);

/// A descriptor that writes past the kernel's cache; -1 where an overwrite could fail for room: anywhere but on ext4.
///
/// It is closed with the last connection, for to close any descriptor of a file takes away the locks that the process
/// has on it.
int shared_file_direct(struct shared_file *shared);
/// The file system does not, after all.
void shared_file_refuse_direct(struct shared_file *shared);
/// Whether every block of the file is there, so that to write over one takes no room.
bool shared_file_has_no_holes(struct shared_file *shared);

/// Pages that SQLite takes to be in the database are not, or may not be: nothing may be read from it or written in this
/// life, and its write-ahead log, which has them, must stay.
bool shared_file_is_broken(struct shared_file *shared);
void shared_file_break(struct shared_file *shared);

// MARK: Methods that only pass on

int forward_lock(struct sqlite3_file *file, int level);
int forward_unlock(struct sqlite3_file *file, int level);
int forward_check_lock(struct sqlite3_file *file, int *locked);
int forward_control(struct sqlite3_file *file, int operation, void *argument);
int forward_sector(struct sqlite3_file *file);
int forward_device(struct sqlite3_file *file);

#endif
