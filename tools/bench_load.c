/* bench_load.c - keep-alive HTTP connections in one epoll loop that post signed events. */
#include "bench.h"

#include "clock.h"
#include "digest.h"
#include "must.h"
#include "stripe_bodies.h"
#include "values.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    HEAD_ROOM = 512,
    ANSWER_ROOM = 4096,
    READY_MAX = 64,
    CONNECTIONS_MAX = 1024,
    SIGNED_PER_SECOND = 30000, /* so many are signed beforehand; more are signed on the way */
    EFFECTS_MAX = 1 << 16,
    LATE_EFFECTS_MS = 5000,
    STALLED_MS = 10000
};

static const char placeholder[] = "NNNNNNNNNN";

struct load;

struct connection {
    struct load *load;
    int fd;
    bool busy;
    uint64_t due_ns; /* latencies count from here */
    char *out;       /* head and body */
    size_t out_len, out_at;
    char in[ANSWER_ROOM];
    size_t in_len;
};

struct load {
    struct bench_posts *posts;
    struct bench_sink *sink;
    struct bench_meter meter, effects;
    struct connection *connections;
    int connection_count, idle_count;
    struct connection **idle;
    int epoll_fd;
    uint64_t interval_ns; /* 0: closed loop */
    uint64_t next_due_ns;
    uint64_t failed;
    uint32_t first_number; /* of this run */
    uint64_t *due_of;      /* by number, of those whose effect is awaited */
    size_t awaited;
};

/* --- posts ----------------------------------------------------------------------------------- */

bool bench_find_number(const char *bytes, size_t len, uint32_t *number)
{
    static const char mark[] = "bench-";
    const char *at = memmem(bytes, len, mark, sizeof mark - 1);
    if (!at || (size_t)(bytes + len - at) < sizeof mark - 1 + BENCH_NUMBER_CHARS) {
        return false;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < BENCH_NUMBER_CHARS; i++) {
        char c = at[sizeof mark - 1 + i];
        if (c < '0' || c > '9') {
            return false;
        }
        value = value * 10 + (uint64_t)(c - '0');
    }
    *number = (uint32_t)value;
    return value <= UINT32_MAX;
}

/* Every id ends in the number's place: another number is another person with other objects. */
static void open_places(char *body, const char *id)
{
    size_t len = strlen(id);
    MUST(len > BENCH_NUMBER_CHARS);
    for (char *at = body; (at = strstr(at, id)); at += len) {
        memcpy(at + len - BENCH_NUMBER_CHARS, placeholder, BENCH_NUMBER_CHARS);
    }
}

static char *event_text(void)
{
    struct stripe_case at =
        stripe_case_default("bench-NNNNNNNNNN@example.com", clock_wall_ms() / 1000);
    char id[STRIPE_ID_CHARS_MAX];
    json_t *events = json_array(), *event, *found = NULL;
    size_t i;
    at.customer = "cus_NNNNNNNNNN";
    at.nth = at.period = 0;
    stripe_story_tell(stripe_story_find("payment.succeeded"), &at, events);
    json_array_foreach(events, i, event)
    {
        if (strcmp(tree_text(event, "type"), "invoice.paid") == 0) {
            found = event;
        }
    }
    char *text = json_dumps(found, JSON_COMPACT);
    MUST(text);
    open_places(text, tree_text(found, "id"));
    static const char *const prefixes[] = {"sub_1U", "si_"};
    static const char *const period_prefixes[] = {"in_1U", "il_1U"};
    for (i = 0; i < 2; i++) {
        open_places(text, stripe_id(&at, prefixes[i], STRIPE_SUBSCRIPTION, id));
        open_places(text, stripe_id(&at, period_prefixes[i], STRIPE_PERIOD, id));
    }
    json_decref(events);
    return text;
}

void bench_posts_init(struct bench_posts *posts, const char *secret, int port)
{
    *posts = (struct bench_posts){.secret = secret, .port = port, .body = event_text()};
    posts->body_len = strlen(posts->body);
    /* Numbers of another run against the same home would be repetitions. */
    posts->next = (uint32_t)(random_u64() % 1000) * 4000000U;
    for (char *at = posts->body; (at = strstr(at, placeholder)); at += BENCH_NUMBER_CHARS) {
        posts->places =
            must_realloc(posts->places, (posts->place_count + 1) * sizeof *posts->places);
        posts->places[posts->place_count++] = (size_t)(at - posts->body);
    }
}

void bench_posts_fini(struct bench_posts *posts)
{
    free(posts->body);
    free(posts->places);
    free(posts->macs);
}

static void put_number(const struct bench_posts *posts, char *body, uint32_t number)
{
    char digits[BENCH_NUMBER_CHARS + 1];
    snprintf(digits, sizeof digits, "%010lu", (unsigned long)number);
    for (size_t i = 0; i < posts->place_count; i++) {
        memcpy(body + posts->places[i], digits, BENCH_NUMBER_CHARS);
    }
}

static void sign(const struct bench_posts *posts, const char *body, uint8_t mac[SHA256_BYTES])
{
    char time[32];
    int len = snprintf(time, sizeof time, "%lld.", (long long)posts->signed_at_s);
    struct slice parts[] = {{time, (size_t)len}, {body, posts->body_len}};
    hmac_sha256((struct slice){posts->secret, strlen(posts->secret)}, parts, 2, mac);
}

static void sign_beforehand(struct bench_posts *posts, uint32_t count)
{
    free(posts->macs);
    posts->macs = must_malloc(count * sizeof *posts->macs);
    posts->signed_from = posts->next;
    posts->signed_count = count;
    posts->signed_at_s = clock_wall_ms() / 1000;
    for (uint32_t i = 0; i < count; i++) {
        put_number(posts, posts->body, posts->next + i);
        sign(posts, posts->body, posts->macs[i]);
    }
}

/* Head and body of the next post; returns its number. */
static uint32_t fill(struct bench_posts *posts, struct connection *connection)
{
    uint32_t number = posts->next++;
    uint8_t mac[SHA256_BYTES];
    char hex[SHA256_HEX_CHARS + 1], head[HEAD_ROOM];
    put_number(posts, posts->body, number);
    if (number - posts->signed_from < posts->signed_count) {
        memcpy(mac, posts->macs[number - posts->signed_from], sizeof mac);
    } else {
        sign(posts, posts->body, mac);
    }
    hex_encode(mac, sizeof mac, hex);
    int len = snprintf(head, sizeof head,
                       "POST /api/webhooks/payment HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
                       "Content-Type: application/json; charset=utf-8\r\n"
                       "Stripe-Signature: t=%lld,v1=%s\r\nContent-Length: %zu\r\n\r\n",
                       posts->port, (long long)posts->signed_at_s, hex, posts->body_len);
    memcpy(connection->out, head, (size_t)len);
    memcpy(connection->out + len, posts->body, posts->body_len);
    connection->out_len = (size_t)len + posts->body_len;
    connection->out_at = 0;
    return number;
}

/* --- connections ----------------------------------------------------------------------------- */

static int dial(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        if (fd >= 0) {
            close(fd);
        }
        return -1;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

static bool connect_one(struct load *load, struct connection *connection)
{
    connection->load = load;
    connection->busy = false;
    connection->in_len = 0;
    connection->fd = dial(load->posts->port);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    return connection->fd >= 0 &&
           epoll_ctl(load->epoll_fd, EPOLL_CTL_ADD, connection->fd, &event) == 0;
}

static void push(struct connection *connection)
{
    while (connection->out_at < connection->out_len) {
        ssize_t sent = send(connection->fd, connection->out + connection->out_at,
                            connection->out_len - connection->out_at, MSG_NOSIGNAL);
        if (sent <= 0) {
            return; /* the answer, or the end, will say */
        }
        connection->out_at += (size_t)sent;
    }
}

static void post(struct connection *connection, uint64_t due_ns)
{
    struct load *load = connection->load;
    uint32_t number = fill(load->posts, connection);
    connection->busy = true;
    connection->due_ns = due_ns;
    if (load->due_of && number - load->first_number < EFFECTS_MAX) {
        load->due_of[number - load->first_number] = due_ns;
        load->awaited++;
    }
    push(connection);
}

/* Posts what is due on connections that are idle. What finds none waits, and its latency grows. */
static void post_due(struct load *load)
{
    uint64_t now = bench_now_ns();
    while (load->interval_ns && load->idle_count && load->next_due_ns <= now &&
           load->next_due_ns < load->meter.until_ns) {
        post(load->idle[--load->idle_count], load->next_due_ns);
        load->next_due_ns += load->interval_ns;
    }
}

static void answered(struct connection *connection, bool good)
{
    struct load *load = connection->load;
    uint64_t now = bench_now_ns();
    connection->busy = false;
    if (good) {
        bench_meter_ack(&load->meter, connection->due_ns, now);
    } else {
        load->failed++;
    }
    if (load->interval_ns) {
        load->idle[load->idle_count++] = connection;
    } else if (now < load->meter.until_ns) {
        post(connection, now);
    }
}

/* Length of the whole answer once its head is there; 0 before. */
static size_t answer_len(struct connection *connection)
{
    connection->in[connection->in_len] = '\0';
    char *end = strstr(connection->in, "\r\n\r\n");
    char *length = end ? strcasestr(connection->in, "\r\nContent-Length:") : NULL;
    if (!end) {
        return 0;
    }
    size_t body = length && length < end ? strtoul(length + 17, NULL, 10) : 0;
    return (size_t)(end - connection->in) + 4 + body;
}

static void lost(struct connection *connection)
{
    struct load *load = connection->load;
    bool was_busy = connection->busy;
    close(connection->fd);
    if (was_busy) {
        load->failed++;
    }
    if (!connect_one(load, connection)) {
        load->meter.until_ns = bench_now_ns(); /* nobody there any more */
    } else if (was_busy && load->interval_ns) {
        load->idle[load->idle_count++] = connection;
    } else if (was_busy && bench_meter_running(&load->meter)) {
        post(connection, bench_now_ns());
    }
}

static void take(struct connection *connection)
{
    ssize_t got = recv(connection->fd, connection->in + connection->in_len,
                       sizeof connection->in - 1 - connection->in_len, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (got <= 0) {
        lost(connection);
        return;
    }
    connection->in_len += (size_t)got;
    size_t len = answer_len(connection);
    if (len && connection->in_len >= len) {
        bool good = strncmp(connection->in, "HTTP/1.1 200", 12) == 0;
        connection->in_len = 0;
        answered(connection, good);
    }
}

/* --- the loop -------------------------------------------------------------------------------- */

static void on_called(void *self, uint32_t number, uint64_t now_ns)
{
    struct load *load = self;
    uint32_t index = number - load->first_number;
    if (!load->due_of || index >= EFFECTS_MAX || !load->due_of[index]) {
        return;
    }
    /* A latency is wanted for each post of the window, however late its effect is. */
    uint64_t due = load->due_of[index];
    load->due_of[index] = 0;
    load->awaited--;
    if (due >= load->effects.from_ns && due < load->effects.until_ns) {
        struct bench_meter *meter = &load->effects;
        meter->acks++;
        meter->tenths_us[meter->count++] = (uint32_t)((now_ns - due) / 100);
    }
}

static void turn(struct load *load)
{
    struct epoll_event ready[READY_MAX];
    uint64_t now = bench_now_ns(), wait_ns = 20000000U;
    if (load->interval_ns && load->idle_count) {
        uint64_t due = load->next_due_ns > now ? load->next_due_ns - now : 0;
        wait_ns = due < wait_ns ? due : wait_ns;
    }
    struct timespec wait = {0, (long)wait_ns};
    int count = epoll_pwait2(load->epoll_fd, ready, READY_MAX, &wait, NULL);
    for (int i = 0; i < count; i++) {
        if (ready[i].data.ptr) {
            take(ready[i].data.ptr);
        } else {
            bench_sink_serve(load->sink, on_called, load);
        }
    }
    post_due(load);
}

static bool is_busy(const struct load *load)
{
    for (int i = 0; i < load->connection_count; i++) {
        if (load->connections[i].busy) {
            return true;
        }
    }
    return false;
}

static enum fault open_load(struct load *load)
{
    load->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    load->connections = must_calloc((size_t)load->connection_count, sizeof *load->connections);
    load->idle = must_calloc((size_t)load->connection_count, sizeof(struct connection *));
    for (int i = 0; i < load->connection_count; i++) {
        struct connection *connection = &load->connections[i];
        connection->out = must_malloc(HEAD_ROOM + load->posts->body_len);
        if (!connect_one(load, connection)) {
            return FAULT_UNAVAILABLE;
        }
    }
    if (load->sink) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
        MUST(epoll_ctl(load->epoll_fd, EPOLL_CTL_ADD, bench_sink_fd(load->sink), &event) == 0);
        load->due_of = must_calloc(EFFECTS_MAX, sizeof *load->due_of);
    }
    return OK;
}

static void run(struct load *load, double seconds)
{
    bench_meter_start(&load->meter, seconds);
    bench_meter_start(&load->effects, seconds);
    load->next_due_ns = bench_now_ns();
    for (int i = 0; i < load->connection_count; i++) {
        if (load->interval_ns) {
            load->idle[load->idle_count++] = &load->connections[i];
        } else {
            post(&load->connections[i], bench_now_ns());
        }
    }
    while (bench_meter_running(&load->meter)) {
        turn(load);
    }
    int64_t until = clock_mono_ms() + (load->sink ? LATE_EFFECTS_MS : STALLED_MS);
    while ((is_busy(load) || load->awaited) && clock_mono_ms() < until) {
        turn(load);
    }
}

enum fault bench_load(struct bench_posts *posts, int connections, int rate, double seconds,
                      struct bench_sink *sink, struct bench_result *answers,
                      struct bench_result *effects)
{
    struct load load = {.posts = posts, .sink = sink, .connection_count = connections};
    MUST(connections <= CONNECTIONS_MAX);
    load.interval_ns = rate ? 1000000000U / (uint64_t)rate : 0;
    double wanted = (rate ? rate : SIGNED_PER_SECOND) * (seconds + BENCH_WARMUP_MS / 1000.0);
    sign_beforehand(posts, (uint32_t)wanted + 1000);
    load.first_number = posts->next;
    enum fault fault = open_load(&load);
    if (fault == OK) {
        run(&load, seconds);
    }
    *answers = bench_meter_end(&load.meter);
    answers->failed = load.failed;
    struct bench_result late = bench_meter_end(&load.effects);
    late.failed = load.awaited;
    if (effects) {
        *effects = late;
    }
    for (int i = 0; i < load.connection_count; i++) {
        if (load.connections[i].fd > 0) {
            close(load.connections[i].fd);
        }
        free(load.connections[i].out);
    }
    close(load.epoll_fd);
    free(load.connections);
    free(load.idle);
    free(load.due_of);
    return fault;
}
