#include "bench.h"

#include "clock.h"
#include "digest.h"
#include "must.h"

#include <stdlib.h>
#include <string.h>

enum { DRAIN_MS = 5000, TICK_MS = 5, EVENT_ROOM = BENCH_PAYLOAD_BYTES + 512 };

struct bench;

struct slot {
    struct bench *bench;
    uint64_t sent_ns;
};

struct bench {
    zloop_t *loop;
    struct client *client;
    struct bench_meter meter;
    struct slot slots[BENCH_WINDOW_MAX];
    int in_flight, window;
    uint64_t run, sent, failed;
    uint64_t end_ns; /* answers are waited for until then */
    struct buf payload;
    bool begun;
};

/* A msgpack map of exactly BENCH_PAYLOAD_BYTES that does not compress. */
static void make_payload(struct buf *payload)
{
    enum { HEAD_BYTES = 1 + 5 + 3 }; /* the map, its key, the head of a long text */
    char text[BENCH_PAYLOAD_BYTES - HEAD_BYTES];
    uint64_t x = 88172645463325252U;
    for (size_t i = 0; i < sizeof text; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        text[i] = (char)('0' + x % 64);
    }
    value_put_map(payload, 1);
    value_put_text(payload, "text");
    value_put_string(payload, text, sizeof text);
    MUST(payload->len == BENCH_PAYLOAD_BYTES);
}

static void on_published(void *self, enum fault fault, uint64_t seq, bool duplicate);

static void send_one(struct slot *slot)
{
    struct bench *bench = slot->bench;
    struct event event = {.time_ms = clock_wall_ms(),
                          .version = EVENT_VERSION,
                          .data = bench->payload.bytes,
                          .data_len = bench->payload.len};
    struct buf packed = {0};
    EVENT_SET(event.type, "admin.noted");
    snprintf(event.id, sizeof event.id, "tools:bench-%016llx-%llu", (unsigned long long)bench->run,
             (unsigned long long)bench->sent++);
    event_pack(&event, &packed);
    slot->sent_ns = bench_now_ns();
    MUST(client_publish(bench->client, packed.bytes, packed.len, on_published, slot) == OK);
    bench->in_flight++;
    buf_fini(&packed);
}

static void on_published(void *self, enum fault fault, uint64_t seq, bool duplicate)
{
    struct slot *slot = self;
    struct bench *bench = slot->bench;
    uint64_t now = bench_now_ns();
    (void)seq;
    bench->in_flight--;
    if (fault == OK && !duplicate) {
        bench_meter_ack(&bench->meter, slot->sent_ns, now);
    } else {
        bench->failed++;
    }
    if (now < bench->meter.until_ns) {
        send_one(slot);
    }
}

static int on_tick(zloop_t *loop, int timer, void *self)
{
    struct bench *bench = self;
    (void)loop;
    (void)timer;
    if (!bench->begun && client_is_up(bench->client)) {
        bench->begun = true;
        uint64_t measured_ns = bench->meter.until_ns - bench->meter.from_ns;
        free(bench->meter.tenths_us);
        bench_meter_start(&bench->meter, (double)measured_ns / 1e9);
        bench->end_ns = bench->meter.until_ns + (uint64_t)DRAIN_MS * 1000000U;
        for (int i = 0; i < bench->window; i++) {
            bench->slots[i].bench = bench;
            send_one(&bench->slots[i]);
        }
    }
    bool over = bench_now_ns() >= bench->meter.until_ns;
    bool drained = bench->begun && bench->in_flight == 0;
    return (over && drained) || bench_now_ns() >= bench->end_ns ? -1 : 0;
}

enum fault bench_publish(const char *home, int in_flight, double seconds,
                         struct bench_result *result)
{
    struct bench *bench = must_calloc(1, sizeof *bench);
    bench->loop = zloop_new();
    bench->window = in_flight;
    bench->run = random_u64();
    MUST(bench->loop && in_flight <= BENCH_WINDOW_MAX);
    zloop_set_nonstop(bench->loop, true);
    make_payload(&bench->payload);
    struct client_options options = {.home = home, .name = "tools", .loop = bench->loop};
    enum fault fault = client_new(&options, &bench->client);
    bench_meter_start(&bench->meter, seconds);
    bench->end_ns = bench_now_ns() + (uint64_t)DRAIN_MS * 1000000U;
    if (fault == OK) {
        zloop_timer(bench->loop, TICK_MS, 0, on_tick, bench);
        zloop_start(bench->loop);
        fault = bench->begun ? OK : FAULT_UNAVAILABLE;
    }
    bench->failed += (uint64_t)bench->in_flight;
    *result = bench_meter_end(&bench->meter);
    result->failed = bench->failed;
    client_destroy(&bench->client);
    zloop_destroy(&bench->loop);
    buf_fini(&bench->payload);
    free(bench);
    return fault;
}
