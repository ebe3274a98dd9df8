#include "journal_io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

static int disk_create(int folder_fd, const char *name, int *fd)
{
    *fd = openat(folder_fd, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    return *fd < 0 ? errno : 0;
}

static int disk_write(int fd, const void *bytes, size_t len, uint64_t offset)
{
    const char *at = bytes;
    while (len) {
        ssize_t written = pwrite(fd, at, len, (off_t)offset);
        if (written < 0 && errno != EINTR) {
            return errno;
        }
        if (written == 0) {
            return ENOSPC;
        }
        if (written > 0) {
            at += written;
            len -= (size_t)written;
            offset += (uint64_t)written;
        }
    }
    return 0;
}

static int disk_reserve(int fd, uint64_t len)
{
    int code;
    do {
        code = fallocate(fd, 0, 0, (off_t)len) == 0 ? 0 : errno;
    } while (code == EINTR);
    return code == EOPNOTSUPP || code == ENOSYS ? ENOTSUP : code;
}

static int disk_sync(int fd)
{
    return fdatasync(fd) == 0 ? 0 : errno;
}

static int disk_rename(int folder_fd, const char *from, const char *to)
{
    return renameat(folder_fd, from, folder_fd, to) == 0 ? 0 : errno;
}

static int disk_unlink(int folder_fd, const char *name)
{
    return unlinkat(folder_fd, name, 0) == 0 ? 0 : errno;
}

static int disk_sync_folder(int folder_fd)
{
    return fsync(folder_fd) == 0 ? 0 : errno;
}

static uint64_t disk_free_bytes(int folder_fd)
{
    struct statvfs info;
    return fstatvfs(folder_fd, &info) == 0 ? (uint64_t)info.f_bavail * info.f_frsize : 0;
}

const struct journal_io journal_io_disk = {.create = disk_create,
                                           .write = disk_write,
                                           .reserve = disk_reserve,
                                           .sync = disk_sync,
                                           .rename = disk_rename,
                                           .unlink = disk_unlink,
                                           .sync_folder = disk_sync_folder,
                                           .free_bytes = disk_free_bytes};

const struct journal_io *journal_io = &journal_io_disk;
