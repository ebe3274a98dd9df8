#include "templates.h"

#include "home.h"
#include "logs.h"
#include "must.h"

#include <ctype.h>
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

enum { NAME_BYTES_MAX = 63 };

struct entry {
    char name[NAME_BYTES_MAX + 1];
    struct template template;
    struct timespec text_time; /* of the files it was read from; zero: embedded */
    struct timespec html_time;
};

struct templates {
    char *home;
    struct entry entries[TEMPLATES_MAX];
    size_t count;
};

static bool name_good(const char *name, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)name[i]) && !strchr("_-", name[i])) {
            return false;
        }
    }
    return len > 0 && len <= NAME_BYTES_MAX;
}

static char *path_of(const struct templates *templates, const char *name, const char *ending)
{
    return home_path(templates->home, "templates/%s.%s", name, ending);
}

static struct timespec changed(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 ? info.st_mtim : (struct timespec){0};
}

/* NULL without a fault if there is no such file. */
static enum fault read_text(const char *path, char **text, size_t *len)
{
    *text = NULL;
    *len = 0;
    enum fault fault = home_read_file(path, TEMPLATE_BYTES_MAX, text, len);
    return fault == FAULT_NOT_FOUND ? OK : fault;
}

static enum fault read_entry(const struct templates *templates, const char *name,
                             struct template *out, struct buf *why)
{
    char *paths[2] = {path_of(templates, name, "txt"), path_of(templates, name, "html")};
    char *texts[2] = {NULL, NULL};
    size_t lens[2] = {0, 0};
    enum fault fault = OK;
    const char *html = NULL;
    for (int i = 0; fault == OK && i < 2; i++) {
        fault = read_text(paths[i], &texts[i], &lens[i]);
        if (fault != OK) {
            buf_printf(why, "templates/%s.%s:1: %s\n", name, i == 0 ? "txt" : "html",
                       fault_words(fault));
            fault = FAULT_CONFIG;
        }
    }
    const char *text = texts[0];
    if (fault == OK && !texts[0] && texts[1]) {
        buf_printf(why, "templates/%s.html:1: expected %s.txt beside it\n", name, name);
        fault = FAULT_CONFIG;
    } else if (fault == OK && !texts[0]) {
        text = template_embedded(name, &html);
        fault =
            text ? template_parse(name, text, strlen(text), html, html ? strlen(html) : 0, out, why)
                 : FAULT_NOT_FOUND;
    } else if (fault == OK) {
        fault = template_parse(name, text, lens[0], texts[1], lens[1], out, why);
    }
    for (int i = 0; i < 2; i++) {
        free(paths[i]);
        free(texts[i]);
    }
    return fault;
}

static struct entry *entry_of(struct templates *templates, const char *name)
{
    for (size_t i = 0; i < templates->count; i++) {
        if (strcmp(templates->entries[i].name, name) == 0) {
            return &templates->entries[i];
        }
    }
    return NULL;
}

static void note_times(const struct templates *templates, struct entry *entry)
{
    char *text = path_of(templates, entry->name, "txt");
    char *html = path_of(templates, entry->name, "html");
    entry->text_time = changed(text);
    entry->html_time = changed(html);
    free(text);
    free(html);
}

static enum fault add(struct templates *templates, const char *name, struct buf *why)
{
    if (entry_of(templates, name)) {
        return OK;
    }
    if (templates->count == TEMPLATES_MAX) {
        buf_printf(why, "templates/%s.txt:1: more than %d templates\n", name, TEMPLATES_MAX);
        return FAULT_CONFIG;
    }
    struct entry *entry = &templates->entries[templates->count];
    *entry = (struct entry){0};
    memcpy(entry->name, name, strlen(name));
    note_times(templates, entry);
    enum fault fault = read_entry(templates, name, &entry->template, why);
    if (fault == OK) {
        templates->count++;
    }
    return fault;
}

/* Every file of the folder, so that a mistake shows at --check and not with the first mail. */
static enum fault add_folder(struct templates *templates, struct buf *why)
{
    char *path = home_path(templates->home, "templates");
    DIR *folder = opendir(path);
    enum fault fault = OK;
    free(path);
    if (!folder) {
        return OK; /* none: the embedded words */
    }
    for (struct dirent *file = readdir(folder); file; file = readdir(folder)) {
        const char *dot = strrchr(file->d_name, '.');
        char name[NAME_BYTES_MAX + 1];
        size_t len = dot ? (size_t)(dot - file->d_name) : 0;
        bool ours = dot && (strcmp(dot, ".txt") == 0 || strcmp(dot, ".html") == 0);
        if (!ours || !name_good(file->d_name, len)) {
            continue;
        }
        memcpy(name, file->d_name, len);
        name[len] = '\0';
        enum fault one = add(templates, name, why);
        fault = fault == OK ? one : fault;
    }
    closedir(folder);
    return fault;
}

enum fault templates_open(const char *home, struct templates **out, struct buf *why)
{
    struct templates *templates = must_calloc(1, sizeof *templates);
    templates->home = must_strdup(home);
    enum fault fault = add_folder(templates, why);
    for (size_t i = 0; fault == OK && template_embedded_name(i); i++) {
        fault = add(templates, template_embedded_name(i), why);
    }
    if (fault != OK) {
        templates_close(&templates);
    }
    *out = templates;
    return fault;
}

void templates_close(struct templates **out)
{
    struct templates *templates = *out;
    if (!templates) {
        return;
    }
    *out = NULL;
    for (size_t i = 0; i < templates->count; i++) {
        template_fini(&templates->entries[i].template);
    }
    free(templates->home);
    free(templates);
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static void refresh(struct templates *templates, struct entry *entry)
{
    struct entry now = *entry;
    struct template fresh = {0};
    struct buf why = {0};
    note_times(templates, &now);
    if (same_time(now.text_time, entry->text_time) && same_time(now.html_time, entry->html_time)) {
        return;
    }
    entry->text_time = now.text_time;
    entry->html_time = now.html_time;
    if (read_entry(templates, entry->name, &fresh, &why) == OK) {
        template_fini(&entry->template);
        entry->template = fresh;
    } else {
        logs_write(LOGS_ERROR, "a template has a mistake; the words before it stay", "what",
                   buf_text(&why), NULL);
    }
    buf_fini(&why);
}

const struct template *templates_find(struct templates *templates, const char *name)
{
    struct entry *entry = entry_of(templates, name);
    if (entry) {
        refresh(templates, entry);
        return &entry->template;
    }
    struct buf why = {0};
    bool made = name_good(name, strlen(name)) && add(templates, name, &why) == OK;
    buf_fini(&why);
    return made ? &templates->entries[templates->count - 1].template : NULL;
}

const char *templates_optional(const struct templates *templates)
{
    for (size_t i = 0; i < templates->count; i++) {
        if (!templates->entries[i].template.transactional) {
            return templates->entries[i].name;
        }
    }
    return NULL;
}
