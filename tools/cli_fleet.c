/* cli_fleet.c - the way to the fleet: its home, its programs, its broker. */
#include "verbs.h"

#include "clock.h"
#include "digest.h"
#include "home.h"
#include "must.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int cli_need_home(const struct cli *cli)
{
    char *config = home_path(cli->home, "usher.cfg");
    bool there = access(config, R_OK) == 0;
    free(config);
    if (there) {
        return CLI_FINE;
    }
    cli_fail(cli, CLI_CONFIG, "there is no fleet in %s", cli->home);
    cli_next(cli, "usher init");
    return CLI_CONFIG;
}

static char *program_in(const char *folder, size_t len, const char *name)
{
    char *path = must_sprintf("%.*s/%s", (int)len, folder, name);
    if (access(path, X_OK) == 0) {
        return path;
    }
    free(path);
    return NULL;
}

char *cli_program(const char *name)
{
    char self[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    if (len > 0) {
        self[len] = '\0';
        char *path = program_in(self, (size_t)(strrchr(self, '/') - self), name);
        if (path) {
            return path;
        }
    }
    const char *folders = getenv("PATH");
    for (const char *at = folders ? folders : ""; *at;) {
        size_t part = strcspn(at, ":");
        char *path = part > 0 ? program_in(at, part, name) : NULL;
        if (path) {
            return path;
        }
        at += part + (at[part] == ':');
    }
    return NULL;
}

static int unreachable(const struct cli *cli, const char *name, enum fault fault, const char *words)
{
    if (fault == FAULT_DENIED) {
        return cli_fail(cli, CLI_UNREACHABLE, "the broker does not let \"%s\" in%s%s", name,
                        words[0] ? ": " : "", words);
    }
    cli_fail(cli, CLI_UNREACHABLE, "the broker of %s is not reachable (%s)", cli->home,
             fault_words(fault));
    cli_next(cli, "usher up");
    return CLI_UNREACHABLE;
}

int cli_connect_as(const struct cli *cli, const char *name, bool bells, struct client **out)
{
    *out = NULL;
    int code = cli_need_home(cli);
    if (code != CLI_FINE) {
        return code;
    }
    struct client_options options = {.home = cli->home, .name = name, .bells = bells};
    enum fault fault = client_new(&options, out);
    if (fault != OK) {
        cli_fail(cli, CLI_CONFIG, "no key pair \"%s\" in %s/keys that can be read (%s)", name,
                 cli->home, fault_words(fault));
        cli_next(cli, "usher init");
        return CLI_CONFIG;
    }
    uint64_t head;
    uint64_t floor;
    fault = client_hello_wait(*out, CLI_SPEAK_MS, &head, &floor);
    if (fault_again(fault)) {
        cli_say(cli, "waiting for the broker of %s ...", cli->home);
        fault = client_hello_wait(*out, CLI_HELLO_MS, &head, &floor);
    }
    if (fault != OK) {
        code = unreachable(cli, name, fault, client_words(*out));
        client_destroy(out);
    }
    return code;
}

int cli_connect(const struct cli *cli, bool bells, struct client **out)
{
    return cli_connect_as(cli, "tools", bells, out);
}

int cli_ask(const struct cli *cli, struct client *client, const char *actor, const json_t *question,
            json_t **answer)
{
    enum fault fault = client_ask_wait(client, actor, question, CLI_ASK_MS, answer);
    if (fault == OK) {
        return CLI_FINE;
    }
    *answer = NULL;
    const char *words = client_words(client);
    cli_fail(cli, CLI_UNREACHABLE, "%s does not answer: %s%s%s", actor, fault_words(fault),
             words[0] ? ": " : "", words);
    cli_next(cli, "usher status");
    return fault_again(fault) ? CLI_UNREACHABLE : CLI_NO;
}

int cli_publish(const struct cli *cli, struct client *client, const char *type, const char *subject,
                const char *cause, const char *trace, const json_t *data, char *id)
{
    uint8_t dice[12];
    char hex[2 * sizeof dice + 1];
    random_bytes(dice, sizeof dice);
    hex_encode(dice, sizeof dice, hex);
    struct event event = {.time_ms = clock_wall_ms(), .version = EVENT_VERSION};
    snprintf(event.id, sizeof event.id, "tools:%s", hex);
    EVENT_SET(event.type, type);
    EVENT_SET(event.subject, subject ? subject : "");
    EVENT_SET(event.cause, cause ? cause : "");
    EVENT_SET(event.trace, trace && *trace ? trace : event.id);
    struct buf packed = {0};
    event_pack_tree(&event, data, &packed);
    uint64_t seq;
    bool duplicate;
    enum fault fault =
        client_publish_wait(client, packed.bytes, packed.len, CLI_ASK_MS, &seq, &duplicate);
    buf_fini(&packed);
    if (id) {
        memcpy(id, event.id, sizeof event.id);
    }
    if (fault == OK) {
        return CLI_FINE;
    }
    const char *words = client_words(client);
    return cli_fail(cli, fault_again(fault) ? CLI_UNREACHABLE : CLI_NO,
                    "the broker did not take the event: %s%s%s", fault_words(fault),
                    words[0] ? ": " : "", words);
}
