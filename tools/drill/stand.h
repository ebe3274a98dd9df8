/* stand.h - targets that stand in for the real ones: each on a port of loopback, on the drill's
 * loop.
 *
 * Use        stand_find() a kind by actor and provider; stand_open() one; from then on it behaves
 *            as the provider does, as far as usher can see, and writes down what reached it. It
 *            can be told to be down, to take another key, to bounce an address.
 * Extending  A kind is one file, stand_<provider>.c, with a const struct stand_kind, and a row of
 *            stand_table.h.
 * Promise    A witness outside of the fleet: nothing is taken from usher's own word. A call without
 *            the drill's key is refused, so that no other key can have been used.
 * Ownership  stand_open's is the caller's. What a call shows lives until answer() returns.
 * Threads    One: all of it happens in the loop. */
#ifndef USHER_STAND_H
#define USHER_STAND_H

#include "buf.h"
#include "fault.h"

#include <czmq.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct stand;
struct smtp_server;
struct web;
struct web_request;

/* What a setting of the target's section is for the drill. In `form`, "{url}" stands for the
 * stand-in's base, "{key}" for a secret of the drill's; a form with neither takes effect only where
 * the founder's own config has that setting; NULL: it is left out. */
struct stand_setting {
    const char *name;
    const char *form;
};
enum { STAND_SETTINGS_MAX = 6 };

/* A call to an HTTP target. */
struct stand_call {
    const char *method;
    const char *path;
    const json_t *body; /* NULL: none, or not JSON */
    const char *text;   /* as it came */
    struct web_request *request;
};

struct stand_answer {
    int status;
    json_t *body;           /* taken; or */
    const char *text;       /* a plain one */
    const char *headers[3]; /* name, value, NULL */
};

struct stand_kind {
    const char *actor;
    const char *provider;
    struct stand_setting settings[STAND_SETTINGS_MAX];
    const char *key_header; /* in which our key comes; NULL: it is not asked for */
    const char *key_scheme; /* "Bearer", "Basic" (the password); "": the header is the key */
    const char *login_path; /* asked for without it; NULL: none */
    /* NULL: it speaks SMTP. */
    void (*answer)(struct stand *stand, const struct stand_call *call, struct stand_answer *answer);
};

struct stand {
    const struct stand_kind *kind;
    char *slot;         /* "crm", or "slack-2" for the second hook */
    json_t *settings;   /* of its section, by name, as the founder has them */
    char *secret_path;  /* the file in the scratch home that holds the key; NULL: none */
    char *key;          /* the one that is taken */
    char *bounces;      /* mail to this address is refused for good; NULL: none */
    json_t *memory;     /* what the kind keeps: an object */
    json_t *seen;       /* what reached it, as stand_saw() has it, in order */
    int64_t calls;      /* all of them */
    int64_t wrong_keys; /* of them, refused for their key */
    bool down;
    int port;
    zloop_t *loop;
    struct web *web;
    struct smtp_server *smtp;
};

/* NULL if there is none: then that provider cannot be drilled. */
const struct stand_kind *stand_find(const char *actor, const char *provider);

/* Providers that are part of usher and call nobody. */
bool stand_is_embedded(const char *provider);

/* Listens on a free port. `settings` is taken. */
enum fault stand_open(zloop_t *loop, const struct stand_kind *kind, const char *slot,
                      json_t *settings, struct stand **out) NODISCARD;
void stand_close(struct stand **stand);

/* "http://127.0.0.1:4711" or "smtp://..."; the caller's. */
char *stand_url(const struct stand *stand);

/* Down: connections are refused. Up again on the same port. */
enum fault stand_down(struct stand *stand, bool down) NODISCARD;

/* Can it refuse our key? Only if usher shows it one. */
bool stand_has_key(const struct stand *stand);

/* --- for the kinds -------------------------------------------------------------------------- */

/* Writes down an effect: `who` (an address, or a member's id) and what was done, an object, taken,
 * stamped with clock_mono_ms() as "at". */
void stand_saw(struct stand *stand, const char *who, json_t *what);

/* The founder's setting of that name, or `fallback`. */
const char *stand_setting(const struct stand *stand, const char *name, const char *fallback);

/* An id that was not there before: a number from 101 on, as text. Lives until the next call. */
const char *stand_new_id(struct stand *stand);

/* The object `name` of what it keeps, made if it is not there. */
json_t *stand_keeps(struct stand *stand, const char *name);

/* Is the path that one? With `rest`, behind it (and a slash) stands more: *rest begins there. */
bool stand_is_path(const struct stand_call *call, const char *path, const char **rest);

/* Up to the next slash. */
void stand_segment(const char *path, char *segment, size_t room);

/* "Ada <ada@example.com>" as "ada@example.com". */
void stand_address(const char *mailbox, char *address, size_t room);

/* Does mail to this address bounce? */
bool stand_bounces(const struct stand *stand, const char *address);

void stand_say(struct stand_answer *answer, int status, json_t *body);

/* One of the values of an object whose field is `value`, with its key; NULL if there is none. */
json_t *stand_pick(json_t *object, const char *field, const char *value, const char **key);

#endif
