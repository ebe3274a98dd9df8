#include "dns.h"

#include "must.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <stdlib.h>
#include <string.h>

enum { TICK_MS = 50 };

struct dns {
    zloop_t *loop;
    ares_channel channel;
    int timer;
};

struct lookup {
    dns_heard *heard;
    void *self;
};

static int on_ready(zloop_t *loop, zmq_pollitem_t *item, void *self)
{
    (void)loop;
    struct dns *dns = self;
    bool in = item->revents & (ZMQ_POLLIN | ZMQ_POLLERR);
    bool out = item->revents & ZMQ_POLLOUT;
    ares_process_fd(dns->channel, in ? item->fd : ARES_SOCKET_BAD,
                    out ? item->fd : ARES_SOCKET_BAD);
    return 0;
}

static void on_socket(void *self, ares_socket_t fd, int in, int out)
{
    struct dns *dns = self;
    zmq_pollitem_t item = {.fd = fd};
    item.events = (short)((in ? ZMQ_POLLIN : 0) | (out ? ZMQ_POLLOUT : 0));
    zloop_poller_end(dns->loop, &item);
    if (item.events) {
        MUST(zloop_poller(dns->loop, &item, on_ready, dns) == 0);
        zloop_poller_set_tolerant(dns->loop, &item);
    }
}

/* c-ares notices its time-outs only when it is called. */
static int on_tick(zloop_t *loop, int timer, void *self)
{
    (void)loop;
    (void)timer;
    ares_process_fd(((struct dns *)self)->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    return 0;
}

struct dns *dns_new(zloop_t *loop, const char *server)
{
    static bool global = false;
    if (!global) {
        MUST(ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS);
        global = true;
    }
    struct dns *dns = must_calloc(1, sizeof *dns);
    struct ares_options options = {.timeout = DNS_TRY_MS,
                                   .tries = DNS_TRIES,
                                   .sock_state_cb = on_socket,
                                   .sock_state_cb_data = dns};
    dns->loop = loop;
    MUST(ares_init_options(&dns->channel, &options,
                           ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB) ==
         ARES_SUCCESS);
    if (server && (!*server || ares_set_servers_ports_csv(dns->channel, server) != ARES_SUCCESS)) {
        ares_destroy(dns->channel);
        free(dns);
        return NULL;
    }
    dns->timer = zloop_timer(loop, TICK_MS, 0, on_tick, dns);
    return dns;
}

void dns_destroy(struct dns **out)
{
    struct dns *dns = *out;
    if (dns) {
        zloop_timer_end(dns->loop, dns->timer);
        ares_destroy(dns->channel);
        free(dns);
        *out = NULL;
    }
}

/* --- answers ---------------------------------------------------------------------------------- */

struct texts {
    char *text[DNS_TEXTS_MAX];
    size_t count;
    size_t len; /* of the last */
    bool bad;   /* the last is left out */
    bool full;
};

static void drop_bad(struct texts *texts)
{
    if (texts->bad) {
        free(texts->text[--texts->count]);
        texts->bad = false;
    }
}

/* One more string: of a new record, or joined to the last. */
static void add_string(struct texts *texts, const struct ares_txt_ext *string)
{
    if (string->record_start) {
        drop_bad(texts);
        texts->full = texts->count == DNS_TEXTS_MAX;
        if (!texts->full) {
            texts->text[texts->count++] = must_calloc(1, DNS_TEXT_BYTES_MAX + 1);
            texts->len = 0;
        }
    }
    if (texts->full || texts->count == 0) {
        return;
    }
    if (string->length > DNS_TEXT_BYTES_MAX - texts->len ||
        memchr(string->txt, 0, string->length)) {
        texts->bad = true;
        return;
    }
    memcpy(texts->text[texts->count - 1] + texts->len, string->txt, string->length);
    texts->len += string->length;
}

enum dns_answer dns_read(const unsigned char *bytes, int len, dns_heard *heard, void *self)
{
    struct ares_txt_ext *strings = NULL;
    struct texts texts = {0};
    int status = ares_parse_txt_reply_ext(bytes, len, &strings);
    enum dns_answer answer = status == ARES_SUCCESS   ? DNS_FOUND
                             : status == ARES_ENODATA ? DNS_NOTHING
                                                      : DNS_SILENT;
    for (struct ares_txt_ext *each = strings; each; each = each->next) {
        add_string(&texts, each);
    }
    drop_bad(&texts);
    answer = answer == DNS_FOUND && texts.count == 0 ? DNS_NOTHING : answer;
    heard(self, answer, (const char *const *)texts.text, texts.count);
    for (size_t i = 0; i < texts.count; i++) {
        free(texts.text[i]);
    }
    ares_free_data(strings);
    return answer;
}

static void on_answer(void *self, int status, int timeouts, unsigned char *bytes, int len)
{
    (void)timeouts;
    struct lookup *lookup = self;
    if (status == ARES_SUCCESS) {
        (void)dns_read(bytes, len, lookup->heard, lookup->self);
    } else {
        bool nothing = status == ARES_ENOTFOUND || status == ARES_ENODATA;
        lookup->heard(lookup->self, nothing ? DNS_NOTHING : DNS_SILENT, NULL, 0);
    }
    free(lookup);
}

void dns_texts(struct dns *dns, const char *name, dns_heard *heard, void *self)
{
    struct lookup *lookup = must_calloc(1, sizeof *lookup);
    lookup->heard = heard;
    lookup->self = self;
    ares_query(dns->channel, name, ns_c_in, ns_t_txt, on_answer, lookup);
}
