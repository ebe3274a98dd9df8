/* store_bus.h - what a damaged store does to the process that reads it.
 *
 * LMDB has no checksums and follows what stands in its pages. A damaged page may lead it past the
 * end of the file, and so does a file that was cut, or a disk that cannot read: the kernel then says
 * SIGBUS. That is no bug of ours, and to be started again does not help: the process says which
 * store it is and stays down.
 *
 * Use        store_bus_watch() with the folder of each store that is opened; the last one is named.
 * Promise    On SIGBUS the process logs and exits with EXIT_NEVER; with EXIT_AGAIN on a full disk
 *            (a page of a mapped file that has no room yet).
 * Threads    Any: the fault is told to the thread that made it. */
#ifndef USHER_STORE_BUS_H
#define USHER_STORE_BUS_H

void store_bus_watch(const char *folder);

#endif
