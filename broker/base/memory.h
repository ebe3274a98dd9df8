/* memory.h - what the allocator does with memory that messages leave behind.
 *
 * Use        memory_for_messages() first thing in main of a program that moves many messages.
 *            By itself glibc takes every block over 128 KiB fresh from the kernel and gives it
 *            back at once: a full PUBLISH or EVENTS costs dozens of page faults each time. Kept,
 *            durable publishing at 256 in flight is a third faster; the process holds at most a
 *            few MiB more. */
#ifndef USHER_MEMORY_H
#define USHER_MEMORY_H

void memory_for_messages(void);

#endif
