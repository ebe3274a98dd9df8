/* request.c - any bytes as messages to the server, from somebody with a key.
 *
 * Input: messages one after the other: one byte chooses who and the number of frames, two bytes
 * (big-endian) the length of the header, two that of the body, then both. The journal refuses all
 * appends (it wants more free room than any disk has), so that nothing is written. */
#include "journal.h"
#include "logs.h"
#include "must.h"
#include "server.h"
#include "wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define KEY "0123456789012345678901234567890123456789"

static const char *const users[] = {KEY " crm",   KEY " ledger",     KEY " webhook",
                                    KEY " tools", KEY " people/ada", ""};

static enum fault take_answer(void *self, struct slice route, const struct buf *header,
                              struct slice body)
{
    struct wire_header parsed;
    (void)self;
    (void)route;
    (void)body;
    MUST(wire_parse(header->bytes, header->len, &parsed) == OK);
    return OK;
}

static void take_bell(void *self, const char *type, uint64_t seq)
{
    (void)self;
    (void)type;
    (void)seq;
}

static bool allow(void *self, const char *user)
{
    (void)self;
    return *user != '\0';
}

static struct journal *open_journal(void)
{
    static struct journal *journal;
    char folder[] = "/tmp/usher-fuzz-XXXXXX";
    struct buf why = {0};
    struct journal_options options = {.segment_bytes = 1 << 20, .disk_free_min = 1};
    if (!journal) {
        logs_open("fuzz", "error");
        MUST(mkdtemp(folder) && journal_open(folder, &options, &journal, &why) == OK);
        journal_close(&journal);
        options.disk_free_min = UINT64_C(1) << 62;
        MUST(journal_open(folder, &options, &journal, &why) == OK);
        char command[64];
        snprintf(command, sizeof command, "rm -rf %s", folder);
        MUST(system(command) == 0); /* it lives on in the open files */
        buf_fini(&why);
    }
    return journal;
}

static void say_hello(struct server *server, size_t user)
{
    struct buf header = {0};
    uint8_t route = (uint8_t)user;
    wire_header_begin(&header, WIRE_HELLO, 1, 2);
    const char *space = strchr(users[user], ' ');
    value_put_text(&header, space ? space + 1 : "");
    value_put_int(&header, WIRE_VERSION);
    MUST(server_take(server,
                     &(struct server_message){.route = {&route, 1},
                                              .user = users[user],
                                              .header = {header.bytes, header.len},
                                              .frames = 1},
                     0) == OK);
    buf_fini(&header);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const struct server_options options = {
        .journal = open_journal(), .send = take_answer, .ring = take_bell, .allowed = allow};
    struct server *server = server_new(&options, 0);
    for (size_t i = 0; i < sizeof users / sizeof *users; i++) {
        say_hello(server, i);
    }
    int64_t now_ms = 0;
    while (len >= 5) {
        uint8_t route = bytes[0] % (sizeof users / sizeof *users);
        size_t header_len = (size_t)bytes[1] << 8 | bytes[2];
        size_t body_len = (size_t)bytes[3] << 8 | bytes[4];
        size_t frames = 1 + (bytes[0] >> 4) % 3;
        bytes += 5;
        len -= 5;
        header_len = header_len < len ? header_len : len;
        body_len = body_len < len - header_len ? body_len : len - header_len;
        struct server_message message = {.route = {&route, 1},
                                         .user = users[route],
                                         .header = {bytes, header_len},
                                         .frames = frames};
        if (frames > 1) {
            message.body = (struct slice){bytes + header_len, body_len};
        }
        MUST(server_take(server, &message, now_ms) == OK);
        bytes += header_len + body_len;
        len -= header_len + body_len;
        now_ms += 100;
        server_tick(server, now_ms);
    }
    MUST(server_commit(server, now_ms) == OK);
    server_destroy(&server);
    return 0;
}
