/* verb_verify.c - is what is on disk what was written? The journal's chain, and every store. */
#include "verbs.h"

#include "home.h"
#include "journal.h"
#include "must.h"
#include "store_image.h"
#include "values.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- the journal ----------------------------------------------------------------------------- */

/* {"sound":...}; NULL if there is none yet. */
static json_t *check_journal(const struct cli *cli)
{
    char *folder = home_path(cli->home, "data/broker"), hex[SHA256_HEX_CHARS + 1];
    struct journal_stat stat = {0};
    struct buf report = {0};
    json_t *journal = NULL;
    if (access(folder, R_OK) == 0) {
        enum fault fault = journal_verify(folder, &stat, &report);
        hex_encode(stat.chain, sizeof stat.chain, hex);
        journal =
            json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:s, s:[]}", "sound", fault == OK, "events",
                      (json_int_t)(stat.head + 1 - stat.floor), "floor", (json_int_t)stat.floor,
                      "head", (json_int_t)stat.head, "segments", (json_int_t)stat.segments,
                      "damaged", (json_int_t)stat.damaged, "chain", hex, "findings");
        MUST(journal);
        json_t *findings = tree_get(journal, "findings");
        char *lines = must_strdup(buf_text(&report)), *rest = lines;
        for (char *line; (line = strsep(&rest, "\n"));) {
            if (*line) {
                json_array_append_new(findings, json_string(line));
            }
        }
        free(lines);
        if (fault != OK && !json_array_size(findings)) {
            json_array_append_new(findings, json_string(fault_words(fault)));
        }
    }
    buf_fini(&report);
    free(folder);
    return journal;
}

static void print_journal(const struct cli *cli, const json_t *journal)
{
    bool sound = tree_flag(journal, "sound");
    printf("journal  %s%s%s, %lld events (%lld to %lld) in %lld segments\n",
           cli_paint(cli, sound ? PAINT_GREEN : PAINT_RED),
           sound ? "sound, the chain is whole" : "DAMAGED", cli_paint(cli, PAINT_NONE),
           (long long)tree_int(journal, "events"), (long long)tree_int(journal, "floor"),
           (long long)tree_int(journal, "head"), (long long)tree_int(journal, "segments"));
    size_t i;
    json_t *finding;
    json_array_foreach(tree_get(journal, "findings"), i, finding)
    {
        printf("  %s\n", cli_clean(json_string_value(finding)));
    }
}

/* --- stores ---------------------------------------------------------------------------------- */

static json_t *check_store(const char *name, const char *folder)
{
    struct store_image image;
    char hex[SHA256_HEX_CHARS + 1];
    enum fault fault = store_image_take(folder, &image);
    hex_encode(image.digest, sizeof image.digest, hex);
    json_t *store =
        json_pack("{s:s, s:b, s:I, s:I, s:I, s:s, s:o}", "name", name, "sound", fault == OK,
                  "tables", (json_int_t)image.tables, "pairs", (json_int_t)image.pairs, "cursor",
                  (json_int_t)image.cursor, "digest", hex, "error",
                  fault == OK ? json_null() : json_string(fault_words(fault)));
    MUST(store);
    store_image_fini(&image);
    return store;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Looks for stores in `folder` and one level below it. */
static void check_stores(const char *folder, const char *prefix, int depth, json_t *list)
{
    DIR *dir = opendir(folder);
    char **names = NULL;
    size_t count = 0;
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        if (entry->d_name[0] != '.' && !strstr(entry->d_name, ".old-")) {
            names = must_realloc(names, (count + 1) * sizeof *names);
            names[count++] = must_strdup(entry->d_name);
        }
    }
    if (dir) {
        closedir(dir);
    }
    if (count) {
        qsort(names, count, sizeof *names, by_name);
    }
    for (size_t i = 0; i < count; i++) {
        char *path = must_sprintf("%s/%s", folder, names[i]);
        char *data = must_sprintf("%s/data.mdb", path);
        char *name = must_sprintf("%s%s", prefix, names[i]);
        if (access(data, F_OK) == 0) {
            json_array_append_new(list, check_store(name, path));
        } else if (depth > 0) {
            char *below = must_sprintf("%s/", name);
            check_stores(path, below, depth - 1, list);
            free(below);
        }
        free(name);
        free(data);
        free(path);
        free(names[i]);
    }
    free(names);
}

static void print_stores(const struct cli *cli, const json_t *stores)
{
    size_t i;
    json_t *store;
    json_array_foreach(stores, i, store)
    {
        bool sound = tree_flag(store, "sound");
        printf("%-8s %s%s%s, %lld pairs in %lld tables", cli_clean(tree_text(store, "name")),
               cli_paint(cli, sound ? PAINT_GREEN : PAINT_RED), sound ? "sound" : "DAMAGED",
               cli_paint(cli, PAINT_NONE), (long long)tree_int(store, "pairs"),
               (long long)tree_int(store, "tables"));
        if (tree_int(store, "cursor")) {
            printf(", up to event %lld", (long long)tree_int(store, "cursor"));
        }
        printf("%s%s\n", sound ? "" : ": ", cli_clean(tree_text(store, "error")));
    }
}

static bool all_sound(const json_t *journal, const json_t *stores)
{
    bool sound = !journal || tree_flag(journal, "sound");
    size_t i;
    json_t *store;
    json_array_foreach(stores, i, store)
    {
        sound &= tree_flag(store, "sound");
    }
    return sound;
}

int verb_verify(struct cli *cli)
{
    if (cli->word_count) {
        return cli_usage(cli, "expected no words");
    }
    int code = cli_need_home(cli);
    if (code != CLI_FINE) {
        return code;
    }
    cli_say(cli, "reading every record of %s ...", cli->home);
    char *data = home_path(cli->home, "data");
    json_t *journal = check_journal(cli), *stores = json_array();
    check_stores(data, "", 1, stores);
    bool sound = all_sound(journal, stores);
    if (cli->json) {
        json_t *whole = json_pack("{s:b, s:o, s:O}", "sound", sound, "journal",
                                  journal ? json_incref(journal) : json_null(), "stores", stores);
        cli_print_json(whole);
        json_decref(whole);
    } else {
        if (journal) {
            print_journal(cli, journal);
        }
        print_stores(cli, stores);
    }
    if (!sound) {
        fflush(stdout);
        cli_next(cli, "usher help rebuild   (a store is made again from the journal; damage in the "
                      "journal: see ops/RUNBOOK.md)");
    }
    json_decref(journal);
    json_decref(stores);
    free(data);
    return sound ? CLI_FINE : CLI_NO;
}
