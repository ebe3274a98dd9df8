#include "journal_format.h"

#include "journal.h"
#include "must.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
    WINDOW_BYTES = 256 * 1024,
    BATCH_SIZE_MAX = JOURNAL_BATCH_BYTES_MAX + JOURNAL_BATCH_EVENTS_MAX * 128 + BATCH_HEADER_BYTES
};

static const char segment_magic[8] = {'u', 's', 'h', 'e', 'r', 's', 'e', 'g'};
static const char batch_magic[8] = {'u', 's', 'h', 'e', 'r', 'b', 'a', 't'};

static void put_u32(uint8_t *to, uint32_t number)
{
    number = htole32(number);
    memcpy(to, &number, sizeof number);
}

static void put_u64(uint8_t *to, uint64_t number)
{
    number = htole64(number);
    memcpy(to, &number, sizeof number);
}

static uint32_t get_u32(const uint8_t *from)
{
    uint32_t number;
    memcpy(&number, from, sizeof number);
    return le32toh(number);
}

static uint64_t get_u64(const uint8_t *from)
{
    uint64_t number;
    memcpy(&number, from, sizeof number);
    return le64toh(number);
}

void source_of_file(struct source *source, int fd, uint64_t end)
{
    *source = (struct source){.fd = fd, .end = end};
}

void source_of_bytes(struct source *source, const uint8_t *bytes, size_t len)
{
    *source = (struct source){.fd = -1, .memory = bytes, .end = len};
}

void source_fini(struct source *source)
{
    buf_fini(&source->window);
    *source = (struct source){.fd = -1};
}

static enum fault fill_window(struct source *source, uint64_t offset, size_t len)
{
    size_t want = len > WINDOW_BYTES ? len : WINDOW_BYTES;
    if (want > source->end - offset) {
        want = (size_t)(source->end - offset);
    }
    buf_reset(&source->window);
    uint8_t *to = buf_room(&source->window, want);
    source->window_offset = offset;
    while (source->window.len < want) {
        ssize_t got = pread(source->fd, to + source->window.len, want - source->window.len,
                            (off_t)(offset + source->window.len));
        if (got < 0 && errno != EINTR) {
            return FAULT_IO;
        }
        if (got == 0) {
            break; /* the file is shorter than it should be */
        }
        source->window.len += got > 0 ? (size_t)got : 0;
    }
    return source->window.len >= len ? OK : FAULT_NOT_FOUND;
}

enum fault source_get(struct source *source, uint64_t offset, size_t len, const uint8_t **bytes)
{
    if (offset > source->end || len > source->end - offset) {
        return FAULT_NOT_FOUND;
    }
    if (source->memory) {
        *bytes = source->memory + offset;
        return OK;
    }
    if (offset < source->window_offset ||
        offset + len > source->window_offset + source->window.len) {
        enum fault fault = fill_window(source, offset, len);
        if (fault != OK) {
            return fault;
        }
    }
    *bytes = source->window.bytes + (offset - source->window_offset);
    return OK;
}

void segment_header_write(const struct segment_header *header, uint8_t *bytes)
{
    memset(bytes, 0, SEGMENT_DATA_OFFSET);
    memcpy(bytes, segment_magic, sizeof segment_magic);
    put_u32(bytes + 8, SEGMENT_FORMAT);
    put_u64(bytes + 16, header->number);
    put_u64(bytes + 24, header->generation);
    put_u64(bytes + 32, header->first_seq);
    put_u64(bytes + 40, header->bytes);
    memcpy(bytes + 48, header->previous, SHA256_BYTES);
    sha256(bytes, 80, bytes + 80);
    memcpy(bytes + SEGMENT_COPY_OFFSET, bytes, SEGMENT_HEADER_BYTES);
}

static enum fault read_copy(struct source *source, uint64_t offset, struct segment_header *header)
{
    const uint8_t *bytes;
    enum fault fault = source_get(source, offset, SEGMENT_HEADER_BYTES, &bytes);
    if (fault != OK) {
        return fault == FAULT_IO ? FAULT_IO : FAULT_CORRUPT;
    }
    uint8_t check[SHA256_BYTES];
    sha256(bytes, 80, check);
    if (memcmp(bytes, segment_magic, sizeof segment_magic) != 0 ||
        memcmp(bytes + 80, check, sizeof check) != 0) {
        return FAULT_CORRUPT;
    }
    if (get_u32(bytes + 8) != SEGMENT_FORMAT) {
        return FAULT_VERSION;
    }
    header->number = get_u64(bytes + 16);
    header->generation = get_u64(bytes + 24);
    header->first_seq = get_u64(bytes + 32);
    header->bytes = get_u64(bytes + 40);
    memcpy(header->previous, bytes + 48, SHA256_BYTES);
    return OK;
}

/* Both copies are gone: the first batch says the same. */
static enum fault read_from_batch(struct source *source, uint64_t number,
                                  struct segment_header *header)
{
    const uint8_t *bytes;
    struct batch_header batch;
    enum fault fault = source_get(source, SEGMENT_DATA_OFFSET, BATCH_HEADER_BYTES, &bytes);
    if (fault != OK) {
        return fault == FAULT_IO ? FAULT_IO : FAULT_CORRUPT;
    }
    if (!batch_read(bytes, get_u64(bytes + 8), &batch)) {
        return FAULT_CORRUPT;
    }
    *header = (struct segment_header){.number = number,
                                      .generation = get_u64(bytes + 8),
                                      .first_seq = batch.first_seq,
                                      .bytes = source->end};
    memcpy(header->previous, batch.previous, SHA256_BYTES);
    return OK;
}

enum fault segment_header_read(struct source *source, uint64_t number,
                               struct segment_header *header)
{
    enum fault fault = read_copy(source, 0, header);
    if (fault == FAULT_CORRUPT) {
        fault = read_copy(source, SEGMENT_COPY_OFFSET, header);
    }
    if (fault == FAULT_CORRUPT) {
        fault = read_from_batch(source, number, header);
    }
    return fault == OK && header->number != number ? FAULT_CORRUPT : fault;
}

/* An erased record keeps the digest of its content in the content's place: hence at least so much. */
static size_t content_room(size_t len)
{
    return len < SHA256_BYTES ? SHA256_BYTES : len;
}

size_t record_size(size_t id_len, size_t len)
{
    size_t size = RECORD_HEADER_BYTES + id_len + content_room(len);
    return (size + RECORD_ALIGN - 1) / RECORD_ALIGN * RECORD_ALIGN;
}

/* Everything but the flags: erasing changes the flag and the content, not the digest. */
static void record_digest(uint64_t generation, const uint8_t *header, const uint8_t *id,
                          size_t id_len, const uint8_t *content_digest, uint8_t *digest)
{
    uint8_t front[32] = {0};
    put_u64(front, generation);
    memcpy(front + 8, header, 16);
    front[8 + 5] = 0; /* flags */
    struct slice parts[] = {{front, 24}, {id, id_len}, {content_digest, SHA256_BYTES}};
    sha256_parts(parts, 3, digest);
}

const uint8_t *record_write(uint8_t *to, uint64_t generation, const struct record *record)
{
    MUST(record->id_len <= RECORD_ID_BYTES_MAX && record->len <= JOURNAL_EVENT_BYTES_MAX);
    size_t size = record_size(record->id_len, record->len);
    size_t used = RECORD_HEADER_BYTES + record->id_len + record->len;
    put_u32(to, (uint32_t)record->len);
    to[4] = record->topic;
    to[5] = record->flags;
    to[6] = (uint8_t)record->id_len;
    to[7] = 0;
    put_u64(to + 8, record->seq);
    memcpy(to + RECORD_HEADER_BYTES, record->id, record->id_len);
    if (record->len) {
        memcpy(to + RECORD_HEADER_BYTES + record->id_len, record->content, record->len);
    }
    memset(to + used, 0, size - used);
    uint8_t content_digest[SHA256_BYTES];
    sha256(record->content, record->len, content_digest);
    record_digest(generation, to, record->id, record->id_len, content_digest, to + 16);
    return to + 16;
}

enum fault record_at(struct source *source, uint64_t offset, uint64_t end, struct record *record)
{
    const uint8_t *bytes;
    enum fault fault = source_get(source, offset, RECORD_HEADER_BYTES, &bytes);
    if (fault != OK) {
        return fault == FAULT_IO ? FAULT_IO : FAULT_CORRUPT;
    }
    size_t len = get_u32(bytes), id_len = bytes[6];
    size_t size = record_size(id_len, len);
    if (len > JOURNAL_EVENT_BYTES_MAX || bytes[5] > RECORD_ERASED || bytes[7] != 0 ||
        offset > end || size > end - offset) {
        return FAULT_CORRUPT;
    }
    fault = source_get(source, offset, size, &bytes);
    if (fault != OK) {
        return fault == FAULT_IO ? FAULT_IO : FAULT_CORRUPT;
    }
    *record = (struct record){.seq = get_u64(bytes + 8),
                              .topic = bytes[4],
                              .flags = bytes[5],
                              .id = bytes + RECORD_HEADER_BYTES,
                              .id_len = id_len,
                              .content = bytes + RECORD_HEADER_BYTES + id_len,
                              .len = len,
                              .digest = bytes + 16,
                              .size = size};
    return OK;
}

bool record_good(uint64_t generation, const struct record *record)
{
    uint8_t content_digest[SHA256_BYTES], digest[SHA256_BYTES];
    if (record->flags & RECORD_ERASED) {
        memcpy(content_digest, record->content, sizeof content_digest);
    } else {
        sha256(record->content, record->len, content_digest);
    }
    record_digest(generation, record->digest - 16, record->id, record->id_len, content_digest,
                  digest);
    return memcmp(digest, record->digest, sizeof digest) == 0;
}

void batch_chain(const uint8_t previous[SHA256_BYTES], uint64_t first_seq, const uint8_t *digests,
                 uint32_t count, uint8_t chain[SHA256_BYTES])
{
    uint8_t numbers[12];
    put_u64(numbers, first_seq);
    put_u32(numbers + 8, count);
    struct slice parts[] = {{previous, SHA256_BYTES},
                            {numbers, sizeof numbers},
                            {digests, (size_t)count * SHA256_BYTES}};
    sha256_parts(parts, 3, chain);
}

void batch_write(uint8_t *to, uint64_t generation, const struct batch_header *header)
{
    memcpy(to, batch_magic, sizeof batch_magic);
    put_u64(to + 8, generation);
    put_u64(to + 16, header->first_seq);
    put_u32(to + 24, header->count);
    put_u32(to + 28, header->bytes);
    memcpy(to + 32, header->previous, SHA256_BYTES);
    memcpy(to + 64, header->chain, SHA256_BYTES);
    sha256(to, 96, to + 96);
}

bool batch_read(const uint8_t *bytes, uint64_t generation, struct batch_header *header)
{
    if (memcmp(bytes, batch_magic, sizeof batch_magic) != 0 || get_u64(bytes + 8) != generation) {
        return false;
    }
    uint8_t check[SHA256_BYTES];
    sha256(bytes, 96, check);
    if (memcmp(bytes + 96, check, sizeof check) != 0) {
        return false;
    }
    header->first_seq = get_u64(bytes + 16);
    header->count = get_u32(bytes + 24);
    header->bytes = get_u32(bytes + 28);
    memcpy(header->previous, bytes + 32, SHA256_BYTES);
    memcpy(header->chain, bytes + 64, SHA256_BYTES);
    return header->first_seq && header->count && header->count <= JOURNAL_BATCH_EVENTS_MAX &&
           header->bytes % RECORD_ALIGN == 0 && header->bytes <= BATCH_SIZE_MAX &&
           header->bytes >= BATCH_HEADER_BYTES + header->count * record_size(0, 0);
}

void walk_start(struct walk *walk, struct source *source, uint64_t generation, uint64_t seq,
                uint64_t offset)
{
    *walk = (struct walk){
        .source = source, .generation = generation, .seq = seq, .offset = offset, .end = offset};
}

/* A batch that can stand at `offset`, as far as its header says. */
static enum fault batch_at(struct walk *walk, uint64_t offset)
{
    const uint8_t *bytes;
    enum fault fault = source_get(walk->source, offset, BATCH_HEADER_BYTES, &bytes);
    if (fault != OK) {
        return fault;
    }
    return batch_read(bytes, walk->generation, &walk->batch) &&
                   walk->batch.first_seq >= walk->seq &&
                   walk->batch.bytes <= walk->source->end - offset
               ? OK
               : FAULT_CORRUPT;
}

/* Where the magic stands next, at `*offset` or behind it. */
static enum fault search_magic(struct source *source, uint64_t *offset)
{
    while (*offset < source->end) {
        uint64_t rest = source->end - *offset;
        size_t len = rest < WINDOW_BYTES ? (size_t)rest : WINDOW_BYTES;
        const uint8_t *bytes;
        enum fault fault = source_get(source, *offset, len, &bytes);
        if (fault != OK) {
            return fault;
        }
        for (size_t i = 0; i + sizeof batch_magic <= len; i += RECORD_ALIGN) {
            if (memcmp(bytes + i, batch_magic, sizeof batch_magic) == 0) {
                *offset += i;
                return OK;
            }
        }
        *offset += len < RECORD_ALIGN ? RECORD_ALIGN : len / RECORD_ALIGN * RECORD_ALIGN;
    }
    return FAULT_NOT_FOUND;
}

/* The next batch behind a bad stretch; NOT_FOUND: there is none. */
static enum fault search_batch(struct walk *walk, uint64_t *offset)
{
    enum fault fault;
    do {
        *offset += RECORD_ALIGN;
        fault = search_magic(walk->source, offset);
        if (fault == OK) {
            fault = batch_at(walk, *offset);
        }
    } while (fault == FAULT_CORRUPT);
    return fault;
}

enum walk_step walk_next(struct walk *walk)
{
    uint64_t offset = walk->offset = walk->end;
    enum fault fault = batch_at(walk, offset);
    if (fault == FAULT_CORRUPT) {
        fault = search_batch(walk, &offset);
    }
    if (fault != OK) {
        return fault == FAULT_IO ? WALK_FAULT : WALK_END;
    }
    if (offset != walk->offset || walk->batch.first_seq != walk->seq) {
        walk->first = walk->seq;
        walk->last = walk->batch.first_seq - 1;
        walk->seq = walk->batch.first_seq;
        walk->end = offset;
        if (walk->last >= walk->first) {
            return WALK_DAMAGE;
        }
        walk->offset = offset; /* rubbish between two batches that follow each other */
    }
    walk->end = offset + walk->batch.bytes;
    walk->seq = walk->batch.first_seq + walk->batch.count;
    return WALK_BATCH;
}

enum fault batch_check(const struct walk *walk, uint64_t *bad, batch_each *each, void *self)
{
    static _Thread_local uint8_t digests[JOURNAL_BATCH_EVENTS_MAX * SHA256_BYTES];
    uint64_t at = walk->offset + BATCH_HEADER_BYTES;
    enum fault fault = OK;
    *bad = walk->batch.first_seq;
    for (uint32_t i = 0; i < walk->batch.count; i++, (*bad)++) {
        struct record record;
        fault = record_at(walk->source, at, walk->end, &record);
        if (fault == OK && (record.seq != *bad || !record_good(walk->generation, &record))) {
            fault = FAULT_CORRUPT;
        }
        if (fault != OK) {
            return fault;
        }
        memcpy(digests + (size_t)i * SHA256_BYTES, record.digest, SHA256_BYTES);
        if (each) {
            each(self, at, &record);
        }
        at += record.size;
    }
    uint8_t chain[SHA256_BYTES];
    batch_chain(walk->batch.previous, walk->batch.first_seq, digests, walk->batch.count, chain);
    if (at != walk->end || memcmp(chain, walk->batch.chain, sizeof chain) != 0) {
        *bad = walk->batch.first_seq;
        return FAULT_CORRUPT;
    }
    return OK;
}
