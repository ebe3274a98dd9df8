#include "bench.h"

#include "must.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NS_PER_MS = 1000000, NS_PER_TENTH_US = 100 };

uint64_t bench_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

void bench_meter_start(struct bench_meter *meter, double seconds)
{
    *meter = (struct bench_meter){.room = BENCH_SAMPLES_MAX};
    meter->tenths_us = must_malloc(meter->room * sizeof *meter->tenths_us);
    meter->from_ns = bench_now_ns() + (uint64_t)BENCH_WARMUP_MS * NS_PER_MS;
    meter->until_ns = meter->from_ns + (uint64_t)(seconds * 1e9);
}

bool bench_meter_running(const struct bench_meter *meter)
{
    return bench_now_ns() < meter->until_ns;
}

void bench_meter_ack(struct bench_meter *meter, uint64_t sent_ns, uint64_t now_ns)
{
    if (now_ns < meter->from_ns || now_ns >= meter->until_ns) {
        return;
    }
    meter->acks++;
    if (meter->count < meter->room) {
        meter->tenths_us[meter->count++] = (uint32_t)((now_ns - sent_ns) / NS_PER_TENTH_US);
    }
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

struct bench_result bench_meter_end(struct bench_meter *meter)
{
    struct bench_result result = {.samples = meter->count};
    const double tenths_us_per_ms = 10000.0;
    if (meter->count) {
        qsort(meter->tenths_us, meter->count, sizeof *meter->tenths_us, by_size);
        result.per_second =
            (double)meter->acks / ((double)(meter->until_ns - meter->from_ns) / 1e9);
        result.p50_ms = meter->tenths_us[meter->count / 2] / tenths_us_per_ms;
        result.p99_ms = meter->tenths_us[meter->count - 1 - meter->count / 100] / tenths_us_per_ms;
        result.max_ms = meter->tenths_us[meter->count - 1] / tenths_us_per_ms;
    }
    free(meter->tenths_us);
    meter->tenths_us = NULL;
    return result;
}
