#include "memory.h"

#include <malloc.h>

enum { KEPT_BYTES = 4 << 20 };

void memory_for_messages(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, KEPT_BYTES);
    (void)mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
}
