/* verb_init.c - makes a home: folders, config with comments, keys, a fresh webhook secret.
 * What is there already is kept as it is. */
#include "verbs.h"

#include "digest.h"
#include "home.h"
#include "must.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PORT_WEBHOOK = 8080, PORT_CONSOLE = 8081, SECRET_BYTES = 24 };

static const char *const folders[] = {"secrets", "keys", "keys/people", "run", "data", "templates"};

/* The broker, every actor, and the tools. */
static const char *const key_names[] = {"broker", "webhook", "backfill", "ledger",
                                        "crm",    "support", "mailer",   "app",
                                        "alert",  "tools",   "console"};

static const char usher_cfg[] =
    "#   usher.cfg - what this fleet is connected to.\n"
    "#\n"
    "#   One section an actor, four blanks a level. A value is literal, \"env:NAME\" or\n"
    "#   \"file:PATH\" (below this folder; for secrets). After a change: usher up\n"
    "#   What each key means: usher-crm --help, and so for each actor.\n"
    "\n"
    "webhook\n"
    "    listen = \"127.0.0.1:%d\"        # a proxy with TLS stands in front (ops/Caddyfile)\n"
    "    payment\n"
    "        provider = stripe\n"
    "        mode = test                   # or live; events of the other mode are kept, without "
    "effect\n"
    "        secret = \"file:secrets/stripe\"    # the endpoint's signing secret; one a line while "
    "rotating\n"
    "#       key = \"file:secrets/stripe-key\"   # may read the provider's API: finds what was "
    "missed (usher backfill)\n"
    "        products = \"\"                 # empty: all; else only these price or product ids "
    "have effects\n"
    "\n"
    "crm\n"
    "    provider = local                  # or hubspot:\n"
    "#   provider = hubspot\n"
    "#   url = \"https://api.hubapi.com\"\n"
    "#   key = \"file:secrets/hubspot\"\n"
    "\n"
    "support\n"
    "    provider = local                  # or zendesk:\n"
    "#   provider = zendesk\n"
    "#   url = \"https://example.zendesk.com\"\n"
    "#   user = \"agent@example.com\"\n"
    "#   key = \"file:secrets/zendesk\"\n"
    "\n"
    "mailer\n"
    "    provider = maildir                # delivers to mail/ in this folder; or smtp, resend, "
    "postmark:\n"
    "#   provider = smtp\n"
    "#   url = \"smtp://127.0.0.1:25\"\n"
    "#   provider = resend\n"
    "#   key = \"file:secrets/resend\"\n"
    "    from = \"Community <hello@example.com>\"\n"
    "\n"
    "app\n"
    "    provider = local                  # your app asks the console; or it is told as it "
    "happens:\n"
    "#   provider = webhook\n"
    "#   url = \"https://your.app/api/usher\"\n"
    "#   secret = \"file:secrets/app\"       # put the same into the app's environment\n"
    "\n"
    "alert\n"
    "    hook                              # as many as you like\n"
    "        provider = local              # kept for `usher status`; or slack:\n"
    "#   hook\n"
    "#       provider = slack\n"
    "#       url = \"file:secrets/slack\"\n"
    "\n"
    "console\n"
    "    listen = \"127.0.0.1:%d\"         # a proxy with TLS stands in front (ops/Caddyfile)\n"
    "#   url = \"https://usher.example.com\"  # as people reach it\n";

static const char rules_cfg[] =
    "#   rules.cfg - changes to the rules that `usher rules` prints. Only what differs is said "
    "here,\n"
    "#   a section a rule, the names as in the examples. After a change: usher up\n"
    "#\n"
    "#first_access\n"
    "#    tag = member                  # the tag in the CRM; \"\" for none\n"
    "#    mail = true                   # false: no welcome mail\n"
    "#\n"
    "#payment_failed\n"
    "#    grace = 3d                    # access stays on for so long\n"
    "#    settle = 10m                  # the mail goes out if it is still so then\n"
    "#    alert = true                  # tell the founder\n"
    "#\n"
    "#refunded\n"
    "#    support = true                # a note for the support desk\n";

/* "9080,9081" */
static bool parse_ports(const char *text, int ports[2])
{
    char *end;
    for (int i = 0; i < 2; i++) {
        long port = strtol(text, &end, 10);
        if (end == text || port < 1 || port > 65535 || *end != (i == 0 ? ',' : '\0')) {
            return false;
        }
        ports[i] = (int)port;
        text = end + 1;
    }
    return ports[0] != ports[1];
}

struct made {
    const struct cli *cli;
    json_t *files; /* what this run made */
    int code;
};

static void note(struct made *made, const char *path, enum fault fault)
{
    if (fault != OK) {
        made->code = cli_fail(made->cli, CLI_NO, "cannot make %s/%s: %s", made->cli->home, path,
                              fault_words(fault));
    } else {
        json_array_append_new(made->files, json_string(path));
    }
}

static bool there(const struct made *made, const char *path)
{
    char *whole = home_path(made->cli->home, "%s", path);
    bool is = access(whole, F_OK) == 0;
    free(whole);
    return is;
}

static void make_file(struct made *made, const char *path, const char *text, size_t len)
{
    if (made->code != CLI_FINE || there(made, path)) {
        return;
    }
    char *whole = home_path(made->cli->home, "%s", path);
    note(made, path, home_write_file(whole, text, len, 0600));
    free(whole);
}

static void make_folders(struct made *made)
{
    enum fault fault = home_folder(made->cli->home);
    if (fault != OK) {
        note(made, "", fault);
        return;
    }
    if (chmod(made->cli->home, 0700) != 0) {
        note(made, "", FAULT_DENIED);
    }
    for (size_t i = 0; i < sizeof folders / sizeof folders[0] && made->code == CLI_FINE; i++) {
        if (!there(made, folders[i])) {
            char *whole = home_path(made->cli->home, "%s", folders[i]);
            note(made, folders[i], home_folder(whole));
            free(whole);
        }
    }
}

/* As Stripe's: "whsec_" and letters that need no quoting. */
static void make_secret(struct made *made)
{
    uint8_t dice[SECRET_BYTES];
    char text[sizeof "whsec_\n" + 2 * SECRET_BYTES] = "whsec_";
    random_bytes(dice, sizeof dice);
    hex_encode(dice, sizeof dice, text + strlen(text));
    strcat(text, "\n");
    make_file(made, "secrets/stripe", text, strlen(text));
}

/* As Standard Webhooks has them. */
static void make_app_secret(struct made *made)
{
    uint8_t dice[SECRET_BYTES];
    char text[sizeof "whsec_\n" + 2 * SECRET_BYTES] = "whsec_";
    random_bytes(dice, sizeof dice);
    base64_encode(dice, sizeof dice, text + strlen(text));
    strcat(text, "\n");
    make_file(made, "secrets/app", text, strlen(text));
}

static void make_keys(struct made *made)
{
    for (size_t i = 0; i < sizeof key_names / sizeof key_names[0]; i++) {
        char path[64];
        snprintf(path, sizeof path, "keys/%s.key", key_names[i]);
        if (made->code == CLI_FINE && !there(made, path)) {
            note(made, path, home_make_cert(made->cli->home, key_names[i]));
        }
    }
}

static void report(const struct made *made)
{
    const struct cli *cli = made->cli;
    if (cli->json) {
        json_t *answer = json_pack("{s:s,s:O}", "home", cli->home, "made", made->files);
        cli_print_json(answer);
        json_decref(answer);
    } else if (json_array_size(made->files) == 0) {
        printf("%s has everything; nothing was changed\n", cli->home);
    } else {
        size_t i;
        json_t *path;
        json_array_foreach(made->files, i, path)
        {
            printf("made %s/%s\n", cli->home, json_string_value(path));
        }
    }
    cli_next(cli, "usher up");
}

int verb_init(struct cli *cli)
{
    int ports[2] = {PORT_WEBHOOK, PORT_CONSOLE};
    const char *said = cli_option(cli, "--ports");
    if (cli->word_count > 0) {
        return cli_usage(cli, "\"%s\" is not expected here", cli_clean(cli_word(cli, 0)));
    }
    if (said && !parse_ports(said, ports)) {
        return cli_usage(cli, "--ports: expected two ports such as 9080,9081, not \"%s\"",
                         cli_clean(said));
    }
    struct made made = {cli, json_array(), CLI_FINE};
    struct buf config = {0};
    buf_printf(&config, usher_cfg, ports[0], ports[1]);
    make_folders(&made);
    make_keys(&made);
    make_secret(&made);
    make_app_secret(&made);
    make_file(&made, "rules.cfg", rules_cfg, strlen(rules_cfg));
    make_file(&made, "usher.cfg", buf_text(&config), config.len); /* last: a home is whole */
    if (made.code == CLI_FINE) {
        report(&made);
    }
    buf_fini(&config);
    json_decref(made.files);
    return made.code;
}
