/* bench.h - what the cases of `usher bench` share. Not for anything else.
 *
 *   bench_meter.c    counts and latencies in a window, percentiles
 *   bench_fleet.c    a fleet of its own in a fresh home, started and ended
 *   bench_publish.c  durable publish, so many in flight
 *   bench_load.c     HTTP connections that post signed events
 *   bench_sink.c     a CRM that takes everything
 *   verb_bench.c     the table
 *
 * Measured alike with other brokers' clients: 1,024-byte payloads, 500 ms of warm-up, a window of
 * whole seconds in which acknowledgements are counted, latencies from the send to the answer. */
#ifndef USHER_BENCH_H
#define USHER_BENCH_H

#include "buf.h"
#include "scratch.h"
#include "verbs.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    BENCH_WARMUP_MS = 500,
    BENCH_PAYLOAD_BYTES = 1024,
    BENCH_WINDOW_MAX = 1024,
    BENCH_SAMPLES_MAX = 1 << 22,
    BENCH_START_MS = 20000
};

/* --- meter ----------------------------------------------------------------------------------- */

struct bench_meter {
    uint64_t from_ns, until_ns;
    uint64_t acks;
    uint32_t *tenths_us;
    size_t count, room;
};

struct bench_result {
    double per_second;
    double p50_ms, p99_ms, max_ms;
    uint64_t samples;
    uint64_t failed; /* refused, or without an answer */
};

uint64_t bench_now_ns(void);
void bench_meter_start(struct bench_meter *meter, double seconds);
bool bench_meter_running(const struct bench_meter *meter);
/* An answer that came at `now_ns` for what was sent at `sent_ns`. */
void bench_meter_ack(struct bench_meter *meter, uint64_t sent_ns, uint64_t now_ns);
/* Frees the samples. */
struct bench_result bench_meter_end(struct bench_meter *meter);

/* --- fleet ----------------------------------------------------------------------------------- */

struct bench_fleet {
    struct scratch scratch;
    int webhook_port, sink_port;
    char *secret;     /* of the payment webhook */
    int64_t ready_ms; /* how long it took until all were ready */
};

/* A fresh home below `folder` with its settings; CLI_FINE, or it has said what is wrong. */
int bench_fleet_make(const struct cli *cli, const char *folder, int sink_port,
                     struct bench_fleet *fleet);
/* Starts the programs ("broker", ...) and waits until all are ready. */
int bench_fleet_start(const struct cli *cli, struct bench_fleet *fleet, const char *const *names);
void bench_fleet_end(struct bench_fleet *fleet);
/* RssAnon in bytes, 0 if it is not known. */
uint64_t bench_memory(pid_t pid);

/* --- publish --------------------------------------------------------------------------------- */

enum fault bench_publish(const char *home, int in_flight, double seconds,
                         struct bench_result *result) NODISCARD;

/* --- posts ----------------------------------------------------------------------------------- */

struct bench_sink;

/* One kind of event, to be posted again and again about other people. */
struct bench_posts {
    const char *secret;
    int port;
    uint32_t next; /* number of the next person */
    char *body;    /* with places for the number */
    size_t body_len;
    size_t *places;
    size_t place_count;
    uint8_t (*macs)[32]; /* signatures made beforehand */
    uint32_t signed_from, signed_count;
    int64_t signed_at_s;
};

void bench_posts_init(struct bench_posts *posts, const char *secret, int port);
void bench_posts_fini(struct bench_posts *posts);

/* `rate` 0: as fast as the answers come; else so many a second, and latencies count from the
 * moment at which each was due. `sink` (may be NULL) is served meanwhile, and *effects are the
 * latencies from a post's due time to the start of the call that it led to. */
enum fault bench_load(struct bench_posts *posts, int connections, int rate, double seconds,
                      struct bench_sink *sink, struct bench_result *answers,
                      struct bench_result *effects) NODISCARD;

/* --- sink ------------------------------------------------------------------------------------ */

/* When a call that names person `number` began. */
typedef void bench_called(void *self, uint32_t number, uint64_t now_ns);

struct bench_sink *bench_sink_new(void);
void bench_sink_destroy(struct bench_sink **sink);
int bench_sink_port(const struct bench_sink *sink);
int bench_sink_fd(const struct bench_sink *sink); /* readable: call bench_sink_serve() */
void bench_sink_serve(struct bench_sink *sink, bench_called *called, void *self);

/* The place of a number in "bench-0000000042@example.com"; false if there is none. */
bool bench_find_number(const char *bytes, size_t len, uint32_t *number);
enum { BENCH_NUMBER_CHARS = 10 };

#endif
