/* drill_witness.c - what reached the targets: from the stand-ins' own logs, and from the stores and
 * folders of the providers that are part of usher. */
#include "drill_core.h"

#include "home.h"
#include "must.h"
#include "values.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAIL_BYTES_MAX = 4 << 20, ASK_ROWS = 500 };

struct stand *drill_stand(const struct drill *drill, const char *actor)
{
    for (size_t i = 0; i < drill->home.stand_count; i++) {
        if (strcmp(drill->home.stands[i]->slot, actor) == 0) {
            return drill->home.stands[i];
        }
    }
    return NULL;
}

/* What it saw of `who`. */
static json_t *seen_of(const struct stand *stand, const char *who)
{
    json_t *list = json_array(), *row;
    size_t i;
    json_array_foreach(stand->seen, i, row)
    {
        if (strcasecmp(tree_text(row, "who"), who) == 0) {
            MUST(json_array_append(list, row) == 0);
        }
    }
    return list;
}

static json_t *answered(struct drill *drill, const char *actor, json_t *question, const char *name)
{
    json_t *answer = drill_ask(drill, actor, question);
    json_t *list = tree_get(answer, name) ? json_incref(tree_get(answer, name)) : json_array();
    json_decref(answer);
    return list;
}

/* --- contacts ------------------------------------------------------------------------------- */

/* The last word on each id. */
static json_t *newest_by_id(const json_t *rows)
{
    json_t *by_id = json_object(), *list = json_array(), *row;
    const char *id;
    size_t i;
    json_array_foreach(rows, i, row)
    {
        tree_set(by_id, tree_text(row, "id"), json_incref(row));
    }
    json_object_foreach(by_id, id, row)
    {
        MUST(json_array_append(list, row) == 0);
    }
    json_decref(by_id);
    return list;
}

json_t *drill_contacts(struct drill *drill, const struct drill_person *person)
{
    struct stand *stand = drill_stand(drill, "crm");
    if (!stand) {
        return answered(drill, "crm",
                        json_pack("{s:s, s:s}", "ask", "contacts", "email", person->email),
                        "contacts");
    }
    json_t *rows = seen_of(stand, person->email), *contacts = newest_by_id(rows);
    json_decref(rows);
    return contacts;
}

/* --- notes ---------------------------------------------------------------------------------- */

json_t *drill_notes(struct drill *drill, const struct drill_person *person)
{
    struct stand *stand = drill_stand(drill, "support");
    return stand ? seen_of(stand, person->email)
                 : answered(drill, "support",
                            json_pack("{s:s, s:s, s:i}", "ask", "notes", "member", person->member,
                                      "limit", ASK_ROWS),
                            "notes");
}

/* --- mails ---------------------------------------------------------------------------------- */

/* The value of a header that has angle brackets, without them; "" if there is none. */
static void bracketed(const char *text, const char *header, char *value, size_t room)
{
    const char *at = strcasestr(text, header), *open = at ? strchr(at, '<') : NULL;
    size_t len = open ? strcspn(open + 1, ">") : 0;
    snprintf(value, room, "%.*s", (int)len, open ? open + 1 : "");
}

static json_t *mail_of(const char *folder, const char *name)
{
    char *path = must_sprintf("%s/%s", folder, name), *text = NULL;
    char to[400], id[400];
    size_t len;
    json_t *mail = NULL;
    if (*name != '.' && home_read_file(path, MAIL_BYTES_MAX, &text, &len) == OK) {
        bracketed(text, "\r\nTo:", to, sizeof to);
        bracketed(text, "\r\nMessage-ID:", id, sizeof id);
        mail = json_pack("{s:s, s:s}", "who", to, "id", id);
    }
    free(text);
    free(path);
    return mail;
}

/* The folder that an embedded mailer delivers to; `who` NULL: all of them. */
static json_t *mails_in_folder(struct drill *drill, const char *who)
{
    json_t *list = json_array();
    char *folder = home_path(drill->scratch.home, "mail/new");
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        json_t *mail = mail_of(folder, entry->d_name);
        if (mail && (!who || strcasecmp(tree_text(mail, "who"), who) == 0)) {
            MUST(json_array_append(list, mail) == 0);
        }
        json_decref(mail);
    }
    if (dir) {
        closedir(dir);
    }
    free(folder);
    return list;
}

json_t *drill_mails(struct drill *drill, const struct drill_person *person)
{
    struct stand *stand = drill_stand(drill, "mailer");
    return stand ? seen_of(stand, person->email) : mails_in_folder(drill, person->email);
}

/* --- alerts --------------------------------------------------------------------------------- */

static json_t *holding(const json_t *rows, const char *word)
{
    json_t *list = json_array(), *row;
    size_t i;
    json_array_foreach(rows, i, row)
    {
        if (strstr(tree_text(row, "text"), word)) {
            MUST(json_array_append(list, row) == 0);
        }
    }
    return list;
}

json_t *drill_told(struct drill *drill, size_t hook, const char *word)
{
    size_t hooks = 0;
    for (size_t i = 0; i < drill->home.stand_count; i++) {
        const struct stand *stand = drill->home.stands[i];
        if (strcmp(stand->kind->actor, "alert") == 0 && hooks++ == hook) {
            return holding(stand->seen, word);
        }
    }
    if (hook != hooks || !drill->home.keeps_notices) {
        return NULL;
    }
    json_t *notices = answered(drill, "alert", json_pack("{s:s}", "ask", "alerts"), "notices");
    json_t *list = holding(notices, word);
    json_decref(notices);
    return list;
}

/* --- app ------------------------------------------------------------------------------------ */

json_t *drill_app_told(struct drill *drill, const struct drill_person *person)
{
    struct stand *stand = drill_stand(drill, "app");
    json_t *rows = stand ? seen_of(stand, person->member) : NULL;
    size_t count = json_array_size(rows);
    json_t *last = count ? json_incref(json_array_get(rows, count - 1)) : NULL;
    json_decref(rows);
    return last;
}

/* --- all ------------------------------------------------------------------------------------ */

json_t *drill_everything(struct drill *drill)
{
    json_t *all = json_object();
    for (size_t i = 0; i < drill->home.stand_count; i++) {
        struct stand *stand = drill->home.stands[i];
        json_object_set(all, stand->slot, stand->seen);
    }
    json_t *whole = json_deep_copy(all); /* the stand-ins go on */
    json_decref(all);
    if (!drill_stand(drill, "crm")) {
        tree_set(whole, "crm",
                 answered(drill, "crm",
                          json_pack("{s:s, s:i}", "ask", "contacts", "limit", ASK_ROWS),
                          "contacts"));
    }
    if (!drill_stand(drill, "support")) {
        tree_set(whole, "support",
                 answered(drill, "support",
                          json_pack("{s:s, s:i}", "ask", "notes", "limit", ASK_ROWS), "notes"));
    }
    if (!drill_stand(drill, "mailer")) {
        json_t *mails = mails_in_folder(drill, NULL);
        tree_set_int(whole, "mailer", (int64_t)json_array_size(mails)); /* in no order */
        json_decref(mails);
    }
    tree_set(whole, "notices",
             answered(drill, "alert", json_pack("{s:s}", "ask", "alerts"), "notices"));
    return whole;
}
