/* bodies.h - translations held to what stands beside each body, written by hand.
 *
 * Beside NAME.json lies NAME.facts.json: the translation, with "why" for the reader and, where they
 * are not the usual ones, "rules". An "id" that is not named there is not compared. */
#ifndef USHER_BODIES_H
#define USHER_BODIES_H

#include "test.h"

#include "json_tape.h"
#include "provider.h"
#include "values.h"

#include <dirent.h>

#define POST_ID "msg_1" /* of every post, for providers that have it in a header */

static inline size_t post_headers(const struct post *post, const char *name, const char **values,
                                  size_t room)
{
    (void)post;
    bool known = strcmp(name, "webhook-id") == 0 && room > 0;
    if (known) {
        values[0] = POST_ID;
    }
    return known;
}

static inline char *read_file(const char *path, size_t *len)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        return NULL;
    }
    enum { ROOM = 1 << 20 };
    char *text = malloc(ROOM);
    assert_non_null(text);
    *len = fread(text, 1, ROOM - 1, file);
    text[*len] = '\0';
    fclose(file);
    return text;
}

static inline json_t *as_tree(const struct translation *translation)
{
    json_t *tree = json_object();
    tree_set_text(tree, "id", translation->id);
    tree_set_text(tree, "type", translation->type);
    tree_set_text(tree, "provider_type", translation->provider_type);
    tree_set_text(tree, "ignored", translation->ignored);
    json_t *facts = json_array();
    for (size_t i = 0; i < translation->fact_count; i++) {
        json_array_append_new(facts, fact_tree(&translation->facts[i]));
    }
    tree_set(tree, "facts", facts);
    return tree;
}

static inline enum fault translate_body(const struct provider *provider, const void *own,
                                        const char *body, size_t len, const json_t *rules,
                                        struct tape *tape, struct translation *out)
{
    const struct provider_rules given = {.live = strcmp(tree_text(rules, "mode"), "live") == 0,
                                         .products = tree_text(rules, "products"),
                                         .app_user_keys = "user_id app_user userId",
                                         .own = own};
    const struct post post = {.body = {body, len}, .headers = post_headers};
    enum fault fault = tape_parse(tape, body, len);
    return fault != OK ? fault : provider->translate(&post, tape, &given, out);
}

static inline void compare(const struct provider *provider, const void *own, const char *body_path,
                           const char *facts_path)
{
    json_error_t error;
    json_t *expected = json_load_file(facts_path, 0, &error);
    if (!expected) {
        fail_msg("%s:%d: %s", facts_path, error.line, error.text);
    }
    size_t len;
    char *body = read_file(body_path, &len);
    assert_non_null(body);
    struct tape tape = {0};
    struct translation translation;
    assert_int_equal(
        translate_body(provider, own, body, len, tree_get(expected, "rules"), &tape, &translation),
        OK);
    json_t *found = as_tree(&translation);
    json_object_del(expected, "why");
    json_object_del(expected, "rules");
    if (!tree_get(expected, "id")) {
        json_object_del(found, "id");
    }
    if (!json_equal(found, expected)) {
        char *is = json_dumps(found, JSON_INDENT(2) | JSON_SORT_KEYS);
        char *should = json_dumps(expected, JSON_INDENT(2) | JSON_SORT_KEYS);
        fail_msg("%s\n--- is\n%s\n--- should be\n%s", body_path, is, should);
    }
    json_decref(found);
    json_decref(expected);
    tape_fini(&tape);
    free(body);
}

/* Compares BODIES/NAME.json with each FACTS/NAME.facts.json; how many there were. */
static inline size_t compare_all(const struct provider *provider, const void *own,
                                 const char *facts, const char *bodies)
{
    static const char ending[] = ".facts.json";
    size_t count = 0;
    DIR *folder = opendir(facts);
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder));) {
        char *end = strstr(entry->d_name, ending);
        if (end) {
            char body_path[4096], facts_path[4096];
            snprintf(facts_path, sizeof facts_path, "%s/%s", facts, entry->d_name);
            snprintf(body_path, sizeof body_path, "%s/%.*s.json", bodies,
                     (int)(end - entry->d_name), entry->d_name);
            compare(provider, own, body_path, facts_path);
            count++;
        }
    }
    closedir(folder);
    return count;
}

/* How many bodies a folder has. */
static inline size_t count_bodies(const char *folder_path)
{
    size_t count = 0;
    DIR *folder = opendir(folder_path);
    if (!folder) {
        return 0;
    }
    for (struct dirent *entry; (entry = readdir(folder));) {
        count += strstr(entry->d_name, ".json") && !strstr(entry->d_name, ".facts.json");
    }
    closedir(folder);
    return count;
}

#endif
