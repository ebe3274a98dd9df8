/* segment.c - any bytes as a segment file: walked, searched and checked without a wrong step. */
#include "journal_format.h"
#include "must.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void count_record(void *self, uint64_t offset, const struct record *record)
{
    (void)offset;
    const uint8_t *last = record->content + record->len;
    *(size_t *)self += record->len ? last[-1] != 0 : 1;
    MUST(record->id_len <= RECORD_ID_BYTES_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct source source;
    struct segment_header header;
    source_of_bytes(&source, bytes, len);
    if (segment_header_read(&source, 1, &header) != OK) {
        return 0;
    }
    struct walk walk;
    uint64_t seq = header.first_seq, bad;
    size_t seen = 0;
    walk_start(&walk, &source, header.generation, seq, SEGMENT_DATA_OFFSET);
    for (enum walk_step step; (step = walk_next(&walk)) != WALK_END;) {
        MUST(step != WALK_FAULT && walk.seq >= seq && walk.end <= len);
        seq = walk.seq;
        if (step == WALK_BATCH && batch_check(&walk, &bad, count_record, &seen) != OK) {
            MUST(bad >= walk.batch.first_seq && bad < walk.seq);
        }
        if (step == WALK_DAMAGE) {
            MUST(walk.first <= walk.last);
        }
    }
    return 0;
}
