/* http.c - any HTTP endpoint as the CRM: Zapier, Make, n8n, or one of your own. What is sent and
 * what its answers mean comes from a file in targets/ (see http_target.h); without one, the
 * member's state is POSTed as JSON. Signed as Standard Webhooks where crm/secret is set; the id
 * names job and version, so that it is the same over all attempts.
 *
 * The file is read for each call, so that an edit counts at once; with a mistake in it jobs wait.
 * It cannot be looked at, so that nothing is repaired there. */
#include "crm.h"

#include "clock.h"
#include "http_target.h"
#include "standard_webhooks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ID_BYTES = 64 };

static const struct setting own_settings[] = {
    {"crm/url", SETTING_SECRET, "", 0, 0, NULL,
     "Where contacts are told, such as the address of a Zapier, Make or n8n hook."},
    {"crm/target", SETTING_TEXT, "", 0, 200, NULL,
     "A file that says how, such as targets/zapier.cfg; empty: a POST of JSON."},
    {"crm/key", SETTING_SECRET, "", 0, 0, NULL, "What {{key}} stands for in the file's headers."},
    {"crm/secret", SETTING_SECRET, "", 0, 0, NULL,
     "What it is signed with: whsec_ and base64; one a line while rotating."},
    {NULL, SETTING_TEXT, NULL, 0, 0, NULL, NULL},
};

static const char usual_body[] =
    "{\"type\": \"contact.changed\", \"timestamp\": {{time}}, \"data\": {\"member\": {{member}},"
    " \"version\": {{version}}, \"email\": {{email}}, \"name\": {{name}}, \"state\": {{state}},"
    " \"access\": {{access}}, \"tags\": {{tags}}, \"app_user\": {{app_user}},"
    " \"contact\": {{contact}}, \"retired\": {{retired}}}}";

/* --- values ------------------------------------------------------------------------------------- */

/* One line for each placeholder that there is. */
static json_t *values_of(const struct task *task)
{
    char time[CLOCK_TEXT_BYTES];
    const json_t *document = tree_get(task->payload, "document");
    bool retire = tree_flag(task->payload, "retire");
    const json_t *tags = tree_get(document, "tags");
    json_t *values = json_object();
    tree_set(values, "member", json_string(tree_text(document, "id")));
    tree_set(values, "email", json_string(tree_text(document, "email")));
    tree_set(values, "name", json_string(tree_text(document, "name")));
    tree_set(values, "app_user", json_string(tree_text(document, "app_user")));
    tree_set(values, "state", json_string(retire ? "merged" : tree_text(document, "state")));
    tree_set_flag(values, "access", !retire && tree_flag(document, "access"));
    tree_set(values, "tags", retire || !tags ? json_array() : json_deep_copy(tags));
    tree_set(values, "contact", json_string(crm_contact(task)));
    tree_set_flag(values, "retired", retire);
    tree_set_int(values, "version", task->version);
    tree_set(values, "time", json_string(clock_rfc3339(task->created_ms, time)));
    return values;
}

/* With every byte that a value could try something with. */
static json_t *sample(void)
{
    json_t *document = json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:[s]}", "id", "mem_\"\\", "email",
                                 "\"\\\n{{name}}", "name", "\"}", "app_user", "'", "state",
                                 "active", "access", 1, "tags", "\"");
    json_t *payload = json_pack("{s:o}", "document", document);
    struct task task = {.payload = payload};
    json_t *values = values_of(&task);
    json_decref(payload);
    return values;
}

static enum fault load(const struct settings *settings, struct http_target **target,
                       struct buf *why)
{
    char *url = NULL;
    json_t *names = sample();
    enum fault fault = settings_secret(settings, "crm/url", &url);
    struct http_target_use use = {.home = settings_home(settings),
                                  .file = settings_text(settings, "crm/target"),
                                  .url = url ? url : "",
                                  .url_from = "usher.cfg: crm/url",
                                  .body = usual_body,
                                  .sample = names};
    if (fault != OK) {
        buf_printf(why, "usher.cfg: crm/url: %s\n", fault_words(fault));
    } else {
        fault = http_target_load(&use, target, why);
    }
    json_decref(names);
    free(url);
    return fault;
}

static bool check(const struct settings *settings, struct buf *why)
{
    struct http_target *target = NULL;
    struct buf signature = {0};
    char *secret = NULL;
    bool good = load(settings, &target, why) == OK;
    bool read = settings_secret(settings, "crm/secret", &secret) == OK;
    if (!read || (*secret && !sw_sign(secret, "", "", (struct slice){"", 0}, &signature))) {
        buf_add_text(why, "usher.cfg: crm/secret: expected whsec_ and base64 of 24 to 64 bytes\n");
        good = false;
    }
    http_target_destroy(&target);
    buf_fini(&signature);
    free(secret);
    return good;
}

/* --- a job -------------------------------------------------------------------------------------- */

static void message_id(const struct task *task, char id[ID_BYTES])
{
    uint8_t hash[SHA256_BYTES];
    char hex[SHA256_HEX_CHARS + 1], version[24];
    snprintf(version, sizeof version, "%lld", (long long)task->version);
    struct slice parts[] = {{task->key, strlen(task->key)}, {"\n", 1}, {version, strlen(version)}};
    sha256_parts(parts, 3, hash);
    hex_encode(hash, sizeof hash, hex);
    snprintf(id, ID_BYTES, "msg_%.32s", hex);
}

static enum fault request(const struct task *task, int step, struct call *call)
{
    (void)step;
    char id[ID_BYTES];
    struct http_target *target = NULL;
    struct buf why = {0};
    char *key = NULL;
    enum fault fault = load(task->settings, &target, &why);
    buf_fini(&why);
    if (fault != OK || settings_secret(task->settings, "crm/key", &key) != OK) {
        http_target_destroy(&target);
        return FAULT_UNAVAILABLE; /* somebody is about to put it right */
    }
    key[strcspn(key, "\r\n")] = '\0';
    json_t *values = values_of(task);
    message_id(task, id);
    struct http_message message = {
        .id = id, .secrets = task->secret, .key = key, .now_ms = clock_wall_ms(), .values = values};
    fault = http_target_call(target, &message, call);
    json_decref(values);
    http_target_destroy(&target);
    free(key);
    return fault;
}

static void outcome(const struct task *task, int step, const struct answer *answer,
                    struct verdict *verdict)
{
    (void)step;
    struct http_target *target = NULL;
    struct buf why = {0}, id = {0};
    if (load(task->settings, &target, &why) != OK) { /* edited meanwhile, and wrongly */
        verdict_set(verdict, VERDICT_AGAIN, "%.*s", (int)strcspn(buf_text(&why), "\n"),
                    buf_text(&why));
        verdict->ambiguous = true;
    } else {
        http_target_verdict(target, answer, verdict, &id);
    }
    if (verdict->kind == VERDICT_DONE) {
        /* An endpoint that names no id of its own knows the contact by its member. */
        const char *named = id.len > 0 ? buf_text(&id) : crm_contact(task);
        tree_set_text(verdict->learned, "contact", *named ? named : task->member);
        crm_learn_done(task, verdict);
    }
    http_target_destroy(&target);
    buf_fini(&why);
    buf_fini(&id);
}

const struct adapter crm_http = {.name = "http",
                                 .settings = own_settings,
                                 .secret = "crm/secret",
                                 .every_line = true,
                                 .calls_per_10s = 100,
                                 .steps_max = 1,
                                 .check = check,
                                 .request = request,
                                 .outcome = outcome};
