/* disk.h - a disk that remembers the order of things, and what a power cut may leave of them.
 *
 * Use        disk_record() before the workload, disk_ack() for each promise given; then
 *            disk_replay_start() and, per step, disk_image() for images of a crash at that point.
 * Model      What was synced is there. Of what was written and not synced any 512-byte sector may be
 *            there or not. Names change in order: of those not synced, the first few are there.
 * Threads    Recording: any. Replay: one. */
#ifndef USHER_CRASH_DISK_H
#define USHER_CRASH_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SECTOR_BYTES = 512 };

void disk_record(void);
void disk_record_end(void);
/* Everything up to `head` is promised. */
void disk_ack(uint64_t head);

void disk_replay_start(void);
/* Applies the next operation; false at the end. */
bool disk_replay_step(void);
/* What was promised before this point. */
uint64_t disk_acked(void);
/* Something is written and not synced: images differ. */
bool disk_dirty(void);
/* Writes one possible image into the folder, which is emptied first. */
void disk_image(const char *folder, uint64_t seed);
void disk_forget(void);

#endif
