#include "peers.h"

#include "must.h"

#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 2048 }; /* a power of two, twice PEERS_MAX */

struct peers {
    struct peer *buckets[BUCKETS];
    struct peer *all[PEERS_MAX];
    size_t count;
    struct consumer *consumers[CONSUMERS_MAX];
    size_t consumer_count;
    uint64_t number;
};

struct peers *peers_new(void)
{
    return must_calloc(1, sizeof(struct peers));
}

void peers_destroy(struct peers **peers_ref)
{
    struct peers *peers = *peers_ref;
    if (!peers) {
        return;
    }
    for (size_t i = 0; i < peers->count; i++) {
        free(peers->all[i]);
    }
    for (size_t i = 0; i < peers->consumer_count; i++) {
        buf_fini(&peers->consumers[i]->state);
        free(peers->consumers[i]);
    }
    free(peers);
    *peers_ref = NULL;
}

/* FNV-1a. A client may choose its routing id, and so may make chains long; PEERS_MAX bounds them. */
static size_t bucket_of(const uint8_t *route, size_t len)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ route[i]) * 16777619u;
    }
    return hash & (BUCKETS - 1);
}

struct peer *peers_find(const struct peers *peers, const uint8_t *route, size_t len)
{
    struct peer *peer = peers->buckets[bucket_of(route, len)];
    while (peer && (peer->route_len != len || memcmp(peer->route, route, len) != 0)) {
        peer = peer->chain;
    }
    return peer;
}

struct peer *peers_numbered(const struct peers *peers, uint64_t number)
{
    for (size_t i = 0; i < peers->count; i++) {
        if (peers->all[i]->number == number) {
            return peers->all[i];
        }
    }
    return NULL;
}

struct peer *peers_nth(const struct peers *peers, size_t n)
{
    return n < peers->count ? peers->all[n] : NULL;
}

size_t peers_count(const struct peers *peers)
{
    return peers->count;
}

const char *peer_user_name(const char *user)
{
    const char *space = strchr(user, ' ');
    return space ? space + 1 : "";
}

static struct consumer *find_consumer(struct peers *peers, const char *name)
{
    for (size_t i = 0; i < peers->consumer_count; i++) {
        if (strcmp(peers->consumers[i]->name, name) == 0) {
            return peers->consumers[i];
        }
    }
    if (peers->consumer_count == CONSUMERS_MAX || strlen(name) > PEER_NAME_BYTES_MAX) {
        return NULL;
    }
    struct consumer *consumer = must_calloc(1, sizeof *consumer);
    memcpy(consumer->name, name, strlen(name) + 1);
    peers->consumers[peers->consumer_count++] = consumer;
    return consumer;
}

/* Of all connections, or of those of one name. */
static struct peer *longest_silent(const struct peers *peers, const struct consumer *of)
{
    struct peer *found = NULL;
    for (size_t i = 0; i < peers->count; i++) {
        struct peer *peer = peers->all[i];
        if ((!of || peer->consumer == of) && (!found || peer->seen_ms < found->seen_ms)) {
            found = peer;
        }
    }
    return found;
}

/* A place for one more of that name. A name that has its share makes room among its own, so that one
 * key cannot shut the others out. */
static enum fault make_room(struct peers *peers, const struct consumer *consumer, int64_t now_ms,
                            peers_gone *gone, void *self)
{
    bool share = consumer->connections >= PEER_CONNECTIONS_MAX;
    if (!share && peers->count < PEERS_MAX) {
        return OK;
    }
    struct peer *old = longest_silent(peers, share ? consumer : NULL);
    /* A name's own places go round: a script that calls the tools often leaves many connections
     * behind that nobody said were over. Others' places are only taken when they look gone. */
    if (!share && now_ms - old->seen_ms < PEER_SILENT_MS) {
        return FAULT_BUSY;
    }
    gone(self, old);
    peers_drop(peers, old);
    return OK;
}

enum fault peers_add(struct peers *peers, const uint8_t *route, size_t len, const char *user,
                     const struct rights *rights, int64_t now_ms, int64_t wall_ms, peers_gone *gone,
                     void *self, struct peer **out)
{
    if (len > PEER_ROUTE_BYTES_MAX || strlen(user) > PEER_USER_BYTES_MAX) {
        return FAULT_MALFORMED;
    }
    struct peer *old = peers_find(peers, route, len);
    if (old) {
        gone(self, old);
        peers_drop(peers, old);
    }
    struct consumer *consumer = find_consumer(peers, peer_user_name(user));
    if (!consumer || make_room(peers, consumer, now_ms, gone, self) != OK) {
        return FAULT_BUSY;
    }
    struct peer *peer = must_calloc(1, sizeof *peer);
    peer->number = ++peers->number;
    memcpy(peer->route, route, len);
    peer->route_len = len;
    memcpy(peer->user, user, strlen(user) + 1);
    peer->consumer = consumer;
    peer->seen_ms = now_ms;
    size_t bucket = bucket_of(route, len);
    peer->chain = peers->buckets[bucket];
    peers->buckets[bucket] = peer;
    peers->all[peers->count++] = peer;
    consumer->rights = rights;
    consumer->since_ms = wall_ms;
    consumer->seen_ms = now_ms;
    consumer->connections++;
    consumer->newest = peer->number;
    *out = peer;
    return OK;
}

void peers_drop(struct peers *peers, struct peer *peer)
{
    struct peer **link = &peers->buckets[bucket_of(peer->route, peer->route_len)];
    while (*link != peer) {
        MUST(*link);
        link = &(*link)->chain;
    }
    *link = peer->chain;
    size_t at = 0;
    while (peers->all[at] != peer) {
        at++;
    }
    peers->all[at] = peers->all[--peers->count];
    struct consumer *consumer = peer->consumer;
    consumer->connections--;
    uint64_t gone = peer->number;
    free(peer);
    if (consumer->newest == gone) { /* an older connection of that name, if there is one */
        consumer->newest = 0;
        for (size_t i = 0; i < peers->count; i++) {
            if (peers->all[i]->consumer == consumer && peers->all[i]->number > consumer->newest) {
                consumer->newest = peers->all[i]->number;
            }
        }
    }
}

void peers_forget(struct peers *peers, int64_t now_ms, peers_gone *gone, void *self)
{
    for (size_t i = peers->count; i-- > 0;) {
        struct peer *peer = peers->all[i];
        if (now_ms - peer->seen_ms >= PEER_FORGET_MS) {
            gone(self, peer);
            peers_drop(peers, peer);
        }
    }
}

struct peer *peers_named(const struct peers *peers, const char *name, int64_t now_ms)
{
    struct peer *found = NULL;
    for (size_t i = 0; i < peers->count; i++) {
        struct peer *peer = peers->all[i];
        if (now_ms - peer->seen_ms < PEER_SILENT_MS && strcmp(peer->consumer->name, name) == 0 &&
            (!found || peer->number > found->number)) {
            found = peer;
        }
    }
    return found;
}

struct consumer *peers_consumer(const struct peers *peers, size_t n)
{
    return n < peers->consumer_count ? peers->consumers[n] : NULL;
}

bool consumer_connected(const struct consumer *consumer, int64_t now_ms)
{
    return consumer->connections && now_ms - consumer->seen_ms < PEER_SILENT_MS;
}
