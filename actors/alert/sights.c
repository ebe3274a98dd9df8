#include "sights.h"

#include "must.h"
#include "rights.h"

#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

void sights_init(struct sights *sights, const char *home, int64_t lag_ms_max,
                 int64_t disk_percent_max)
{
    *sights = (struct sights){.home = home,
                              .lag_ms_max = lag_ms_max,
                              .disk_percent_max = disk_percent_max,
                              .disk_percent = -1};
    const struct rights *row;
    for (size_t i = 0; (row = rights_nth(i)); i++) {
        if (!row->asks && !rights_has_kind(row, "alert")) {
            MUST(sights->actor_count < SIGHTS_ACTORS_MAX);
            sights->actors[sights->actor_count++].name = row->name;
        }
    }
}

void sights_heard(struct sights *sights, const char *name, bool connected, int64_t oldest_ms,
                  int64_t now_ms)
{
    bool fresh = sights->heard_ms == 0 || now_ms - sights->heard_ms > SIGHTS_STALE_MS;
    sights->heard_ms = now_ms;
    for (size_t i = 0; i < sights->actor_count; i++) {
        struct sights_actor *actor = &sights->actors[i];
        bool it = strcmp(actor->name, name) == 0;
        if (fresh || (it && connected)) { /* what happened while we heard nothing is not known */
            actor->there_ms = now_ms;
        }
        if (it) {
            actor->oldest_ms = connected ? oldest_ms : 0; /* missing is another alert */
        }
    }
}

static int used_percent(const char *home)
{
    struct statvfs stat;
    if (statvfs(home, &stat) != 0 || stat.f_blocks == 0) {
        return -1;
    }
    uint64_t used = stat.f_blocks - stat.f_bfree;
    uint64_t all = used + stat.f_bavail; /* what is kept for root is not ours */
    return (int)((used * 100 + all - 1) / all);
}

static void look_at_disk(struct sights *sights, struct watch_sight *out, char *text)
{
    int percent = used_percent(sights->home);
    int64_t max = sights->disk_percent_max;
    sights->disk_percent = percent;
    if (percent > max) {
        sights->disk_full = true;
    } else if (percent >= 0 && percent <= max - SIGHTS_DISK_SLACK) {
        sights->disk_full = false;
    }
    bool between = percent <= max && percent > max - SIGHTS_DISK_SLACK && !sights->disk_full;
    snprintf(text, SIGHTS_TEXT_BYTES, "%d %% are used", percent);
    *out = (struct watch_sight){ALERT_DISK, "home", percent >= 0 && !between,
                                sights->disk_full ? 0 : -1, text};
}

size_t sights_look(struct sights *sights, int64_t now_ms, struct watch_sight *out)
{
    size_t count = 0;
    bool known = sights->heard_ms > 0 && now_ms - sights->heard_ms <= SIGHTS_STALE_MS;
    for (size_t i = 0; i < sights->actor_count; i++) {
        const struct sights_actor *actor = &sights->actors[i];
        bool lags = actor->oldest_ms > sights->lag_ms_max;
        int64_t gone_ms = now_ms - actor->there_ms;
        char *text = sights->texts[count];
        snprintf(text, SIGHTS_TEXT_BYTES, "%s has not been connected for %lld s", actor->name,
                 (long long)gone_ms / 1000);
        out[count++] = (struct watch_sight){ALERT_ACTOR_MISSING, actor->name, known,
                                            gone_ms > SIGHTS_STALE_MS ? gone_ms : -1, text};
        text = sights->texts[count];
        snprintf(text, SIGHTS_TEXT_BYTES, "%s is %lld s behind", actor->name,
                 (long long)actor->oldest_ms / 1000);
        out[count++] =
            (struct watch_sight){ALERT_ACTOR_LAGGING, actor->name, known, lags ? 0 : -1, text};
    }
    look_at_disk(sights, &out[count], sights->texts[count]);
    return count + 1;
}
