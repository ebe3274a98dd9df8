/* area_names.c - the sender's domain: SPF, DKIM, DMARC, and whether they fit the sender. */
#include "doctor_core.h"

#include "dkim_key.h"
#include "must.h"
#include "records.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What the mail is sent as, and by whom. */
struct sender {
    const char *domain;  /* of mailer/from */
    const char *server;  /* host of the mail server; "" when a service's API sends */
    const char *include; /* of senders_table.h, "" when the server is not in it */
    bool own_envelope;   /* the service sends with an envelope of its own */
};

struct key_question {
    struct dkim_key *key;
    const char *domain, *selector, *name;
};

static void silent(struct doctor *doctor, enum check check, const char *name)
{
    doctor_say(doctor, check, HEALTH_UNKNOWN, "no name server answers for %s", name);
}

/* --- SPF -------------------------------------------------------------------------------------- */

static bool is_address(const char *host)
{
    unsigned char room[16];
    return inet_pton(AF_INET, host, room) == 1 || inet_pton(AF_INET6, host, room) == 1;
}

static bool is_here(const char *host)
{
    return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
           strcmp(host, "::1") == 0;
}

/* The host that mail leaves from: a server on this machine sends from this machine's address. */
static const char *leaves_from(struct doctor *doctor, const struct sender *sender)
{
    const char *url = config_text(doctor->config, ZPL_TOP, "webhook/url", "");
    const char *host = is_here(sender->server) ? doctor_host(doctor, url) : sender->server;
    return is_here(host) ? "" : host;
}

/* What the record has to name. */
static const char *mechanism_of(struct doctor *doctor, const struct sender *sender)
{
    const char *host = leaves_from(doctor, sender);
    if (*sender->include) {
        return doctor_keep(doctor, "include:%s", sender->include);
    }
    if (!*host) {
        return "ip4:(this server's public address)";
    }
    return doctor_keep(doctor, "%s:%s",
                       !is_address(host)   ? "a"
                       : strchr(host, ':') ? "ip6"
                                           : "ip4",
                       host);
}

static void todo_spf(struct doctor *doctor, enum check check, const struct sender *sender,
                     const char *record)
{
    struct buf value = {0};
    spf_add(record, mechanism_of(doctor, sender), &value);
    doctor_record(doctor, check, sender->domain, buf_text(&value));
    doctor_todo(doctor, check, "Put this into the DNS%s: %s. IN TXT \"%s\"",
                record ? ", in place of what is there" : "", sender->domain, buf_text(&value));
    buf_fini(&value);
}

static void judge_spf(struct doctor *doctor, const struct sender *sender, const char *record)
{
    const char *host = leaves_from(doctor, sender);
    struct spf_server server = {is_address(host) ? host : "", host, sender->include};
    switch (spf_judge(record, &server)) {
    case SPF_NAMES:
        doctor_fine(doctor, CHECK_SPF_MISMATCH);
        break;
    case SPF_UNDECIDED:
        doctor_say(doctor, CHECK_SPF_MISMATCH, HEALTH_UNKNOWN,
                   "whether \"%s\" names %s takes more look-ups", doctor_clean(doctor, record),
                   sender->server);
        break;
    case SPF_REFUSES:
        if (!*server.address && !*server.include && !spf_names_nobody(record)) {
            doctor_say(doctor, CHECK_SPF_MISMATCH, HEALTH_UNKNOWN,
                       "\"%s\" names addresses, and which one mail leaves from is not known here",
                       doctor_clean(doctor, record));
            break;
        }
        doctor_say(doctor, CHECK_SPF_MISMATCH, HEALTH_TROUBLE, "\"%s\"",
                   doctor_clean(doctor, record));
        todo_spf(doctor, CHECK_SPF_MISMATCH, sender, record);
        break;
    case SPF_BROKEN:
        doctor_say(doctor, CHECK_SPF_MISMATCH, HEALTH_TROUBLE, "nobody can read \"%s\"",
                   doctor_clean(doctor, record));
        todo_spf(doctor, CHECK_SPF_MISMATCH, sender, NULL);
        break;
    }
}

static void on_spf(struct doctor *doctor, void *about, enum dns_answer answer,
                   const char *const *texts, size_t count)
{
    const struct sender *sender = about;
    const char *record = NULL;
    size_t records = 0;
    for (size_t i = 0; i < count; i++) {
        if (spf_is(texts[i])) {
            record = texts[i];
            records++;
        }
    }
    if (answer == DNS_SILENT) {
        silent(doctor, CHECK_SPF_MISSING, sender->domain);
    } else if (records == 0) {
        doctor_say(doctor, CHECK_SPF_MISSING, HEALTH_TROUBLE, "%s has none", sender->domain);
        todo_spf(doctor, CHECK_SPF_MISSING, sender, NULL);
    } else if (records > 1) {
        doctor_fine(doctor, CHECK_SPF_MISSING);
        doctor_say(doctor, CHECK_SPF_MISMATCH, HEALTH_TROUBLE,
                   "%s has %zu SPF records; with more than one none holds", sender->domain,
                   records);
        doctor_todo(doctor, CHECK_SPF_MISMATCH, "Make one record of them, that names all servers.");
    } else {
        doctor_fine(doctor, CHECK_SPF_MISSING);
        judge_spf(doctor, sender, record);
    }
}

/* --- DKIM ------------------------------------------------------------------------------------- */

static void todo_key(struct doctor *doctor, enum check check, const struct key_question *question)
{
    struct buf record = {0};
    struct buf line = {0};
    dkim_record(question->key, &record);
    dkim_record_line(question->domain, question->selector, buf_text(&record), &line);
    doctor_record(doctor, check, question->name, buf_text(&record));
    doctor_todo(doctor, check, "Put this into the DNS: %.*s", (int)strcspn(buf_text(&line), "\n"),
                buf_text(&line));
    buf_fini(&record);
    buf_fini(&line);
}

static void on_key(struct doctor *doctor, void *about, enum dns_answer answer,
                   const char *const *texts, size_t count)
{
    struct key_question *question = about;
    size_t records = 0;
    bool fits = false;
    for (size_t i = 0; i < count; i++) {
        records += dkim_is(texts[i]);
        fits = fits || dkim_record_fits(question->key, texts[i]);
    }
    if (answer == DNS_SILENT) {
        silent(doctor, CHECK_DKIM_MISSING, question->name);
    } else if (records == 0) {
        doctor_say(doctor, CHECK_DKIM_MISSING, HEALTH_TROUBLE, "%s has none", question->name);
        todo_key(doctor, CHECK_DKIM_MISSING, question);
    } else {
        doctor_fine(doctor, CHECK_DKIM_MISSING);
        if (fits) {
            doctor_fine(doctor, CHECK_DKIM_MISMATCH);
        } else {
            doctor_say(doctor, CHECK_DKIM_MISMATCH, HEALTH_TROUBLE,
                       "%s does not have the key that usher signs with", question->name);
            todo_key(doctor, CHECK_DKIM_MISMATCH, question);
        }
    }
    dkim_key_destroy(&question->key);
}

static void ask_key(struct doctor *doctor, enum dkim_kind kind, const char *domain)
{
    const char *word = dkim_kind_name(kind);
    struct buf why = {0};
    struct key_question *question = doctor_room(doctor, sizeof *question);
    const char *path = doctor_keep(doctor, "mailer/dkim/%s/key", word);
    const char *pem = config_text(doctor->config, ZPL_TOP, path, "");
    question->domain = domain;
    question->selector =
        config_text(doctor->config, ZPL_TOP, doctor_keep(doctor, "mailer/dkim/%s/selector", word),
                    doctor_keep(doctor, "usher-%s", word));
    question->name = doctor_keep(doctor, "%s._domainkey.%s", question->selector, domain);
    if (*pem && dkim_key_read(kind, pem, &question->key, &why) == OK) {
        doctor_await(doctor, CHECK_DKIM_MISSING);
        doctor_texts(doctor, question->name, on_key, question);
    } /* a key that cannot be read is the mailer's own check's to say */
    buf_fini(&why);
}

/* --- DMARC ------------------------------------------------------------------------------------ */

static void on_dmarc_above(struct doctor *doctor, void *about, enum dns_answer answer,
                           const char *const *texts, size_t count);

static bool has_dmarc(const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (dmarc_is(texts[i])) {
            return true;
        }
    }
    return false;
}

static void say_dmarc_missing(struct doctor *doctor, const char *domain)
{
    const char *name = doctor_keep(doctor, "_dmarc.%s", domain);
    doctor_say(doctor, CHECK_DMARC_MISSING, HEALTH_TROUBLE, "%s has none", name);
    doctor_record(doctor, CHECK_DMARC_MISSING, name, "v=DMARC1; p=none");
    doctor_todo(doctor, CHECK_DMARC_MISSING,
                "Put this into the DNS: %s. IN TXT \"v=DMARC1; p=none\"\n"
                "(p=none only watches; p=quarantine once SPF and DKIM have been fine for a while)",
                name);
}

static void on_dmarc(struct doctor *doctor, void *about, enum dns_answer answer,
                     const char *const *texts, size_t count)
{
    const struct sender *sender = about;
    const char *above = organisation_of(sender->domain);
    if (answer == DNS_SILENT) {
        silent(doctor, CHECK_DMARC_MISSING, sender->domain);
    } else if (has_dmarc(texts, count)) {
        doctor_fine(doctor, CHECK_DMARC_MISSING);
    } else if (strcmp(above, sender->domain) != 0) { /* the organisation's holds below it, too */
        doctor_texts(doctor, doctor_keep(doctor, "_dmarc.%s", above), on_dmarc_above, about);
    } else {
        say_dmarc_missing(doctor, sender->domain);
    }
}

static void on_dmarc_above(struct doctor *doctor, void *about, enum dns_answer answer,
                           const char *const *texts, size_t count)
{
    const struct sender *sender = about;
    const char *above = organisation_of(sender->domain);
    if (answer == DNS_SILENT) {
        silent(doctor, CHECK_DMARC_MISSING, above);
    } else if (has_dmarc(texts, count)) {
        doctor_fine(doctor, CHECK_DMARC_MISSING);
    } else {
        say_dmarc_missing(doctor, above);
    }
}

/* --- the sender ------------------------------------------------------------------------------- */

static bool is_example(const char *domain)
{
    static const char *const examples[] = {"example.com", "example.org", "example.net",
                                           "localhost"};
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        if (strcmp(domain, examples[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void judge_from(struct doctor *doctor, const char *domain, const char *signs)
{
    if (is_example(domain)) {
        doctor_say(doctor, CHECK_MAIL_FROM, HEALTH_TROUBLE,
                   "mailer/from is still the example's: ...@%s", domain);
        doctor_todo(doctor, CHECK_MAIL_FROM,
                    "Set mailer/from to an address of your own domain, then: usher up");
    } else if (*signs && !domains_aligned(domain, signs, false)) {
        doctor_say(doctor, CHECK_MAIL_FROM, HEALTH_TROUBLE,
                   "mail comes from ...@%s and is signed by %s", domain, signs);
        doctor_todo(doctor, CHECK_MAIL_FROM, "Set mailer/dkim/domain to %s, then: usher dkim",
                    domain);
    } else {
        doctor_fine(doctor, CHECK_MAIL_FROM);
    }
}

static void know_server(struct sender *sender)
{
    static const struct {
        const char *end, *include;
    } known[] = {
#define X(end, include) {end, include},
#include "senders_table.h"
#undef X
    };
    size_t len = strlen(sender->server);
    sender->include = "";
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        size_t end = strlen(known[i].end);
        if (len >= end && strcmp(sender->server + len - end, known[i].end) == 0) {
            sender->include = known[i].include;
            sender->own_envelope = !*known[i].include;
        }
    }
}

void area_names(struct doctor *doctor)
{
    struct config_view *config = doctor->config;
    const char *provider = config_text(config, ZPL_TOP, "mailer/provider", "maildir");
    const char *signs = config_text(config, ZPL_TOP, "mailer/dkim/domain", "");
    const char *url = config_text(config, ZPL_TOP, "mailer/url", "smtp://127.0.0.1:25");
    struct sender *sender = doctor_room(doctor, sizeof *sender);
    struct buf domain = {0};
    bool smtp = strcmp(provider, "smtp") == 0;
    if (strcmp(provider, "maildir") == 0) {
        return; /* nothing leaves */
    }
    if (!domain_of_sender(config_text(config, ZPL_TOP, "mailer/from", "hello@localhost"),
                          &domain)) {
        return; /* the mailer's own check says so */
    }
    sender->domain = doctor_keep(doctor, "%s", buf_text(&domain));
    buf_fini(&domain);
    sender->server = smtp ? doctor_host(doctor, url) : "";
    know_server(sender);
    judge_from(doctor, sender->domain, signs);
    if (is_example(sender->domain)) {
        return;
    }
    if (smtp && !sender->own_envelope) {
        doctor_await(doctor, CHECK_SPF_MISSING);
        doctor_texts(doctor, sender->domain, on_spf, sender);
    }
    for (int kind = 0; smtp && *signs && kind < DKIM_KIND_COUNT; kind++) {
        ask_key(doctor, (enum dkim_kind)kind, signs);
    }
    doctor_await(doctor, CHECK_DMARC_MISSING);
    doctor_texts(doctor, doctor_keep(doctor, "_dmarc.%s", sender->domain), on_dmarc, sender);
}
