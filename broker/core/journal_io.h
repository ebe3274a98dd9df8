/* journal_io.h - what the journal asks of the disk, so that tests can stand in between.
 *
 * Use        journal_io->write(...). A test sets journal_io before journal_open() and puts
 *            &journal_io_disk back afterwards. Reading is not part of it.
 * Returns    0 or an errno value.
 * Threads    Called from the journal's thread and from its helper. */
#ifndef USHER_JOURNAL_IO_H
#define USHER_JOURNAL_IO_H

#include <stddef.h>
#include <stdint.h>

struct journal_io {
    int (*create)(int folder_fd, const char *name, int *fd); /* new and empty, read and write */
    int (*write)(int fd, const void *bytes, size_t len, uint64_t offset); /* all of it */
    int (*reserve)(int fd, uint64_t len); /* blocks that read as zeros; ENOTSUP: not here */
    int (*sync)(int fd);                  /* fdatasync */
    int (*rename)(int folder_fd, const char *from, const char *to);
    int (*unlink)(int folder_fd, const char *name);
    int (*sync_folder)(int folder_fd);
    uint64_t (*free_bytes)(int folder_fd);
};

extern const struct journal_io journal_io_disk;
extern const struct journal_io *journal_io;

#endif
