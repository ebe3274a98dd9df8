#include "smtp_server.h"

#include "digest.h"
#include "must.h"
#include "values.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_BYTES = 16384, BACKLOG = 16, ADDRESS_BYTES = 320 };

/* What the next line is. */
enum awaits { COMMAND, PLAIN, LOGIN_NAME, LOGIN_PASSWORD, MAIL };

struct caller {
    struct smtp_server *server;
    zmq_pollitem_t item;
    enum awaits awaits;
    bool known; /* logged in */
    char to[ADDRESS_BYTES];
    struct buf in;   /* not yet taken apart */
    struct buf mail; /* so far */
};

struct smtp_server {
    struct stand *stand;
    zmq_pollitem_t item;
    struct caller *callers[SMTP_CALLERS_MAX];
};

static void farewell(struct caller *caller)
{
    struct smtp_server *server = caller->server;
    zloop_poller_end(server->stand->loop, &caller->item);
    close(caller->item.fd);
    for (size_t i = 0; i < SMTP_CALLERS_MAX; i++) {
        if (server->callers[i] == caller) {
            server->callers[i] = NULL;
        }
    }
    buf_fini(&caller->in);
    buf_fini(&caller->mail);
    free(caller);
}

static void reply(struct caller *caller, const char *text)
{
    (void)!send(caller->item.fd, text, strlen(text), MSG_NOSIGNAL);
}

/* --- login ---------------------------------------------------------------------------------- */

static bool wants_login(const struct caller *caller)
{
    return stand_has_key(caller->server->stand);
}

static void judge(struct caller *caller, const char *password)
{
    struct stand *stand = caller->server->stand;
    caller->awaits = COMMAND;
    caller->known = strcmp(password, stand->key) == 0;
    stand->wrong_keys += !caller->known;
    reply(caller, caller->known ? "235 2.7.0 good\r\n" : "535 5.7.8 login refused\r\n");
}

/* base64; of PLAIN what is behind the last NUL. */
static void take_password(struct caller *caller, const char *line, bool plain)
{
    uint8_t bytes[SMTP_LINE_BYTES_MAX + 1];
    size_t len = SMTP_LINE_BYTES_MAX;
    if (!base64_decode(line, bytes, &len)) {
        len = 0;
    }
    bytes[len] = '\0';
    const char *from = (char *)bytes;
    for (size_t i = 0; plain && i < len; i++) {
        from = bytes[i] == '\0' ? (char *)bytes + i + 1 : from;
    }
    judge(caller, from);
}

static void on_auth(struct caller *caller, const char *words)
{
    if (strncasecmp(words, "PLAIN ", 6) == 0) {
        take_password(caller, words + 6, true);
    } else if (strcasecmp(words, "PLAIN") == 0) {
        caller->awaits = PLAIN;
        reply(caller, "334 \r\n");
    } else if (strncasecmp(words, "LOGIN", 5) == 0) {
        caller->awaits = words[5] == ' ' ? LOGIN_PASSWORD : LOGIN_NAME;
        reply(caller, words[5] == ' ' ? "334 UGFzc3dvcmQ6\r\n" : "334 VXNlcm5hbWU6\r\n");
    } else {
        reply(caller, "504 5.5.4 not known\r\n");
    }
}

/* --- mail ----------------------------------------------------------------------------------- */

static void on_rcpt(struct caller *caller, const char *line)
{
    struct stand *stand = caller->server->stand;
    stand_address(line, caller->to, sizeof caller->to);
    bool bounces = stand_bounces(stand, caller->to);
    if (wants_login(caller) && !caller->known) {
        reply(caller, "530 5.7.0 log in first\r\n");
    } else {
        reply(caller, bounces ? "550 5.1.1 no such mailbox\r\n" : "250 2.1.5 good\r\n");
    }
}

/* Lines that were broken to be sent are whole again (RFC 2045, 6.7), so that words can be found. */
static void join_lines(struct buf *mail)
{
    size_t len = 0;
    for (size_t i = 0; i < mail->len;) {
        bool broken = i + 2 < mail->len && memcmp(mail->bytes + i, "=\r\n", 3) == 0;
        if (!broken) {
            mail->bytes[len++] = mail->bytes[i];
        }
        i += broken ? 3 : 1;
    }
    mail->len = len;
}

static void on_mail_end(struct caller *caller)
{
    struct stand *stand = caller->server->stand;
    join_lines(&caller->mail);
    const char *text = buf_text(&caller->mail);
    const char *at = strcasestr(text, "\r\nMessage-ID:");
    const char *open = at ? strchr(at, '<') : NULL;
    size_t len = open ? strcspn(open + 1, ">\r\n") : 0;
    json_t *what = json_object();
    tree_set(what, "id", json_stringn(open ? open + 1 : "", len));
    tree_set_text(what, "text", text);
    stand_saw(stand, caller->to, what);
    stand->calls++;
    buf_reset(&caller->mail);
    caller->awaits = COMMAND;
    reply(caller, "250 2.0.0 taken\r\n");
}

static void on_command(struct caller *caller, const char *line)
{
    if (strncasecmp(line, "EHLO", 4) == 0) {
        reply(caller, wants_login(caller) ? "250-drill\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME\r\n"
                                          : "250-drill\r\n250 8BITMIME\r\n");
    } else if (strncasecmp(line, "AUTH ", 5) == 0) {
        on_auth(caller, line + 5);
    } else if (strncasecmp(line, "RCPT ", 5) == 0) {
        on_rcpt(caller, line);
    } else if (strncasecmp(line, "DATA", 4) == 0) {
        caller->awaits = MAIL;
        reply(caller, "354 go on\r\n");
    } else if (strncasecmp(line, "QUIT", 4) == 0) {
        reply(caller, "221 2.0.0 bye\r\n");
    } else {
        reply(caller, "250 2.0.0 good\r\n"); /* HELO, MAIL, RSET, NOOP, VRFY */
    }
}

static void on_line(struct caller *caller, const char *line)
{
    switch (caller->awaits) {
    case COMMAND:
        on_command(caller, line);
        break;
    case PLAIN:
        take_password(caller, line, true);
        break;
    case LOGIN_NAME:
        caller->awaits = LOGIN_PASSWORD;
        reply(caller, "334 UGFzc3dvcmQ6\r\n");
        break;
    case LOGIN_PASSWORD:
        take_password(caller, line, false);
        break;
    case MAIL:
        if (strcmp(line, ".") == 0) {
            on_mail_end(caller);
        } else if (caller->mail.len < SMTP_MAIL_BYTES_MAX) {
            buf_printf(&caller->mail, "%s\r\n", line + (*line == '.')); /* RFC 5321, 4.5.2 */
        }
    }
}

/* False when a line is longer than any of ours. */
static bool take_lines(struct caller *caller)
{
    size_t done = 0;
    char line[SMTP_LINE_BYTES_MAX + 1];
    for (uint8_t *end; (end = memchr(caller->in.bytes + done, '\n', caller->in.len - done));) {
        size_t len = (size_t)(end - caller->in.bytes) - done;
        if (len > SMTP_LINE_BYTES_MAX) {
            return false;
        }
        memcpy(line, caller->in.bytes + done, len);
        line[len > 0 && line[len - 1] == '\r' ? len - 1 : len] = '\0';
        done += len + 1;
        on_line(caller, line);
    }
    memmove(caller->in.bytes, caller->in.bytes + done, caller->in.len - done);
    caller->in.len -= done;
    return caller->in.len <= SMTP_LINE_BYTES_MAX;
}

/* --- connections ---------------------------------------------------------------------------- */

static int on_readable(zloop_t *loop, zmq_pollitem_t *item, void *self)
{
    (void)loop;
    (void)item;
    struct caller *caller = self;
    char bytes[READ_BYTES];
    ssize_t got = recv(caller->item.fd, bytes, sizeof bytes, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return 0;
    }
    if (got > 0) {
        buf_add(&caller->in, bytes, (size_t)got);
    }
    if (got <= 0 || !take_lines(caller)) {
        farewell(caller);
    }
    return 0;
}

static int on_caller(zloop_t *loop, zmq_pollitem_t *item, void *self)
{
    struct smtp_server *server = self;
    int fd = accept4(item->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    size_t i = 0;
    while (i < SMTP_CALLERS_MAX && server->callers[i]) {
        i++;
    }
    if (fd < 0 || i == SMTP_CALLERS_MAX) {
        if (fd >= 0) {
            close(fd);
        }
        return 0;
    }
    struct caller *caller = must_calloc(1, sizeof *caller);
    caller->server = server;
    caller->item = (zmq_pollitem_t){.fd = fd, .events = ZMQ_POLLIN};
    server->callers[i] = caller;
    MUST(zloop_poller(loop, &caller->item, on_readable, caller) == 0);
    reply(caller, "220 drill ESMTP\r\n");
    return 0;
}

enum fault smtp_server_open(struct stand *stand, struct smtp_server **out)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)stand->port)};
    socklen_t len = sizeof address;
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        if (fd >= 0) {
            close(fd);
        }
        return FAULT_BUSY;
    }
    struct smtp_server *server = must_calloc(1, sizeof *server);
    server->stand = stand;
    server->item = (zmq_pollitem_t){.fd = fd, .events = ZMQ_POLLIN};
    stand->port = ntohs(address.sin_port);
    MUST(zloop_poller(stand->loop, &server->item, on_caller, server) == 0);
    *out = server;
    return OK;
}

void smtp_server_close(struct smtp_server **server)
{
    struct smtp_server *self = *server;
    *server = NULL;
    for (size_t i = 0; i < SMTP_CALLERS_MAX; i++) {
        if (self->callers[i]) {
            farewell(self->callers[i]);
        }
    }
    zloop_poller_end(self->stand->loop, &self->item);
    close(self->item.fd);
    free(self);
}
