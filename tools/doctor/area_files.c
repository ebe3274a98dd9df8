/* area_files.c - usher.cfg, rules.cfg, secret files and the disk they lie on. */
#include "doctor_core.h"

#include "home.h"
#include "must.h"
#include "rules.h"
#include "secret_words.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

enum { OTHERS = 077 };

/* --- what the programs themselves say of the settings ----------------------------------------- */

static void judge_mistakes(struct doctor *doctor)
{
    const char *lines = doctor->options->mistakes ? doctor->options->mistakes : "";
    doctor_fine(doctor, CHECK_CONFIG_UNKNOWN);
    doctor_fine(doctor, CHECK_CONFIG_MISTAKE);
    for (const char *at = lines; *at;) {
        size_t len = strcspn(at, "\n");
        char *line = doctor_keep(doctor, "%.*s", (int)len, at);
        bool unknown = strstr(line, "unknown se") || strstr(line, "there is no section");
        bool rules = strncmp(line, "rules.cfg", 9) == 0; /* has a check of its own */
        if (*line && !rules) {
            doctor_say(doctor, unknown ? CHECK_CONFIG_UNKNOWN : CHECK_CONFIG_MISTAKE,
                       HEALTH_TROUBLE, "%s", doctor_clean(doctor, line));
        }
        at += len + (at[len] == '\n');
    }
}

static void judge_rules(struct doctor *doctor)
{
    struct rules rules;
    struct buf why = {0};
    if (rules_load(doctor->options->home, &rules, &why) == OK) {
        doctor_fine(doctor, CHECK_CONFIG_RULES);
    } else {
        doctor_say(doctor, CHECK_CONFIG_RULES, HEALTH_TROUBLE, "%.*s",
                   (int)strcspn(buf_text(&why), "\n"), buf_text(&why));
    }
    buf_fini(&why);
}

/* --- secrets ---------------------------------------------------------------------------------- */

static void look_at_value(void *self, const char *path, const char *raw, int line)
{
    struct doctor *doctor = self;
    if (secret_is_written(path, raw)) {
        doctor_say(doctor, CHECK_CONFIG_SECRET, HEALTH_TROUBLE, "usher.cfg:%d: %s", line,
                   doctor_clean(doctor, path));
    }
}

/* A file that only its owner may read; the folder above may make up for one that others may. */
static void look_at_file(struct doctor *doctor, const char *name, bool closed)
{
    char *path = home_path(doctor->options->home, "%s", name);
    struct stat info;
    if (stat(path, &info) == 0 && S_ISREG(info.st_mode) && (info.st_mode & OTHERS)) {
        doctor_say(doctor, CHECK_CONFIG_READABLE, closed ? HEALTH_WARNING : HEALTH_TROUBLE,
                   "%s (mode %04o)%s", name, (unsigned)info.st_mode & 07777,
                   closed ? ", and only the folder above it is closed" : "");
        doctor_todo(doctor, CHECK_CONFIG_READABLE, "chmod 600 %s", path);
    }
    free(path);
}

static void look_into(struct doctor *doctor, const char *folder, const char *ending, bool closed)
{
    char *path = home_path(doctor->options->home, "%s", folder);
    DIR *listing = opendir(path);
    struct dirent *entry;
    while (listing && (entry = readdir(listing))) {
        size_t len = strlen(entry->d_name);
        size_t end = strlen(ending);
        if (entry->d_name[0] != '.' && len > end &&
            strcmp(entry->d_name + len - end, ending) == 0) {
            char *name = must_sprintf("%s/%s", folder, entry->d_name);
            look_at_file(doctor, name, closed);
            free(name);
        }
    }
    if (listing) {
        closedir(listing);
    }
    free(path);
}

static void judge_secrets(struct doctor *doctor)
{
    struct stat info;
    bool closed = stat(doctor->options->home, &info) == 0 && (info.st_mode & OTHERS) == 0;
    doctor_fine(doctor, CHECK_CONFIG_SECRET);
    doctor_fine(doctor, CHECK_CONFIG_READABLE);
    config_each(doctor->config, look_at_value, doctor);
    look_into(doctor, "secrets", "", closed);
    look_into(doctor, "keys", ".key", closed);
    look_into(doctor, "keys/people", ".key", closed);
}

/* --- the disk --------------------------------------------------------------------------------- */

static void judge_disk(struct doctor *doctor)
{
    struct statvfs stat;
    long most = strtol(config_text(doctor->config, ZPL_TOP, "alert/disk", "80"), NULL, 10);
    most = most < 1 || most > 99 ? 80 : most;
    if (statvfs(doctor->options->home, &stat) != 0 || stat.f_blocks == 0) {
        doctor_say(doctor, CHECK_DISK_FULL, HEALTH_UNKNOWN, "the disk does not say how full it is");
        return;
    }
    uint64_t used = stat.f_blocks - stat.f_bfree;
    uint64_t all = used + stat.f_bavail; /* what is kept for root is not ours */
    int percent = (int)((used * 100 + all - 1) / (all ? all : 1));
    if (percent > most) {
        doctor_say(doctor, CHECK_DISK_FULL, HEALTH_TROUBLE,
                   "%d %% are used, %llu MB are free; alert/disk says at most %ld %%", percent,
                   (unsigned long long)((uint64_t)stat.f_bavail * stat.f_frsize / 1000000), most);
    } else {
        doctor_fine(doctor, CHECK_DISK_FULL);
    }
}

void area_files(struct doctor *doctor)
{
    judge_mistakes(doctor);
    judge_rules(doctor);
    judge_secrets(doctor);
    judge_disk(doctor);
}
