/* verb_dkim.c - the keys that sign mail, and what the DNS needs to say about them. Keys that are there
 * are kept: the DNS may name them already. */
#include "verbs.h"

#include "dkim_key.h"
#include "home.h"
#include "must.h"
#include "settings.h"
#include "values.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PEM_BYTES_MAX = 16 * 1024 };

struct asked {
    const struct cli *cli;
    char *domain;
    bool configured; /* usher.cfg names the domain already */
    json_t *records;
    json_t *made;
};

static char *peek(const struct cli *cli, const char *path, const char *fallback)
{
    char *text = NULL;
    if (settings_peek(cli->home, "usher.cfg", path, fallback, &text) != OK) {
        free(text);
        return must_strdup(fallback);
    }
    return text;
}

/* The one named, that of usher.cfg, or the sender's. */
static int find_domain(struct asked *asked)
{
    const struct cli *cli = asked->cli;
    char *configured = peek(cli, "mailer/dkim/domain", "");
    char *from = peek(cli, "mailer/from", "");
    char *at = strrchr(from, '@');
    if (at) {
        at[strcspn(at, ">")] = '\0';
    }
    const char *wanted = cli_word(cli, 0);
    wanted = wanted ? wanted : *configured ? configured : at ? at + 1 : "";
    asked->domain = must_strdup(wanted);
    asked->configured = *configured && strcmp(configured, asked->domain) == 0;
    free(configured);
    free(from);
    if (!dkim_name_good(asked->domain)) {
        return cli_fail(cli, CLI_USAGE, "expected a domain such as example.com");
    }
    return CLI_FINE;
}

/* --- keys --------------------------------------------------------------------------------------- */

static int make(struct asked *asked, enum dkim_kind kind, const char *path)
{
    struct buf pem = {0};
    struct dkim_key *key = dkim_key_make(kind);
    char *folder = home_path(asked->cli->home, "secrets");
    dkim_key_pem(key, &pem);
    enum fault fault = home_folder(folder);
    if (fault == OK) {
        fault = home_write_file(path, pem.bytes, pem.len, 0600);
    }
    dkim_key_destroy(&key);
    free(folder);
    memset(pem.bytes, 0, pem.len);
    buf_fini(&pem);
    if (fault != OK) {
        return cli_fail(asked->cli, CLI_NO, "cannot make %s: %s", path, fault_words(fault));
    }
    json_array_append_new(asked->made, json_string(path));
    return CLI_FINE;
}

/* The key's text: from its file, which is made if there is none, or from where usher.cfg says. */
static int load(struct asked *asked, enum dkim_kind kind, char **pem)
{
    const struct cli *cli = asked->cli;
    char *setting = must_sprintf("mailer/dkim/%s/key", dkim_kind_name(kind));
    char *usual = must_sprintf("file:secrets/dkim-%s", dkim_kind_name(kind));
    char *path = NULL;
    size_t len = 0;
    int code = CLI_FINE;
    enum fault fault = settings_secret_path(cli->home, "usher.cfg", setting, usual, &path);
    if (fault == FAULT_NOT_FOUND) { /* env:NAME */
        *pem = peek(cli, setting, "");
        fault = OK;
    } else if (fault == OK) {
        code = access(path, F_OK) == 0 ? CLI_FINE : make(asked, kind, path);
        fault = code == CLI_FINE ? home_read_file(path, PEM_BYTES_MAX, pem, &len) : OK;
    }
    if (fault != OK) {
        code =
            cli_fail(cli, CLI_CONFIG, "%s: cannot read the key: %s", setting, fault_words(fault));
    }
    free(setting);
    free(usual);
    free(path);
    return code;
}

/* --- records ------------------------------------------------------------------------------------ */

static json_t *strings_of(const char *record)
{
    json_t *strings = json_array();
    for (size_t len = strlen(record); len > 0;) {
        size_t part = len < DKIM_TEXT_BYTES_MAX ? len : DKIM_TEXT_BYTES_MAX;
        json_array_append_new(strings, json_stringn(record, part));
        record += part;
        len -= part;
    }
    return strings;
}

static void add_record(struct asked *asked, enum dkim_kind kind, const struct dkim_key *key)
{
    struct buf record = {0};
    struct buf line = {0};
    char *setting = must_sprintf("mailer/dkim/%s/selector", dkim_kind_name(kind));
    char *usual = must_sprintf("usher-%s", dkim_kind_name(kind));
    char *selector = peek(asked->cli, setting, usual);
    char *name = must_sprintf("%s._domainkey.%s", selector, asked->domain);
    dkim_record(key, &record);
    dkim_record_line(asked->domain, selector, buf_text(&record), &line);
    json_t *row = json_object();
    tree_set_text(row, "name", name);
    tree_set_text(row, "type", "TXT");
    tree_set_text(row, "value", buf_text(&record));
    tree_set(row, "strings", strings_of(buf_text(&record)));
    tree_set_text(row, "line", buf_text(&line));
    json_array_append_new(asked->records, row);
    free(setting);
    free(usual);
    free(selector);
    free(name);
    buf_fini(&record);
    buf_fini(&line);
}

static int one_kind(struct asked *asked, enum dkim_kind kind)
{
    char *pem = NULL;
    struct buf why = {0};
    struct dkim_key *key = NULL;
    int code = load(asked, kind, &pem);
    if (code == CLI_FINE && dkim_key_read(kind, pem, &key, &why) != OK) {
        code = cli_fail(asked->cli, CLI_CONFIG, "mailer/dkim/%s/key: %s", dkim_kind_name(kind),
                        buf_text(&why));
    }
    if (code == CLI_FINE) {
        add_record(asked, kind, key);
    }
    dkim_key_destroy(&key);
    buf_fini(&why);
    free(pem);
    return code;
}

/* --- saying it ---------------------------------------------------------------------------------- */

static void report(const struct asked *asked)
{
    const struct cli *cli = asked->cli;
    for (size_t i = 0; i < json_array_size(asked->made); i++) {
        cli_say(cli, "made %s", json_string_value(json_array_get(asked->made, i)));
    }
    cli_say(cli,
            "put these lines into the DNS of %s (a form wants the name before IN, and the text "
            "in quotes as one)",
            asked->domain);
    for (size_t i = 0; i < json_array_size(asked->records); i++) {
        printf("%s\n", tree_text(json_array_get(asked->records, i), "line"));
    }
    if (!asked->configured) {
        cli_say(cli,
                "once the DNS answers them, sign with them: in usher.cfg\n"
                "mailer\n"
                "    dkim\n"
                "        domain = \"%s\"\n"
                "        rsa\n"
                "            key = \"file:secrets/dkim-rsa\"\n"
                "        ed25519\n"
                "            key = \"file:secrets/dkim-ed25519\"",
                asked->domain);
        cli_next(cli, "usher up");
    }
}

int verb_dkim(struct cli *cli)
{
    struct asked asked = {.cli = cli, .records = json_array(), .made = json_array()};
    int code =
        cli->word_count > 1 ? cli_usage(cli, "expected one domain, or none") : cli_need_home(cli);
    if (code == CLI_FINE) {
        code = find_domain(&asked);
    }
    for (int kind = 0; code == CLI_FINE && kind < DKIM_KIND_COUNT; kind++) {
        code = one_kind(&asked, (enum dkim_kind)kind);
    }
    if (code == CLI_FINE && cli->json) {
        json_t *answer = json_pack("{s:s, s:O, s:O}", "domain", asked.domain, "made", asked.made,
                                   "records", asked.records);
        cli_print_json(answer);
        json_decref(answer);
    } else if (code == CLI_FINE) {
        report(&asked);
    }
    json_decref(asked.records);
    json_decref(asked.made);
    free(asked.domain);
    return code;
}
