/* maildir.c - mails into a folder, for founders without a mail server, demos and tests. The file's
 * name comes from the Message-ID: written again after a crash, it is the same file. */
#include "mailer.h"

#include "home.h"

#include <string.h>

static const struct setting own_settings[] = {
    {"mailer/folder", SETTING_TEXT, "mail", 1, 300, NULL,
     "The maildir, below the home unless it begins with a slash."},
    {NULL, SETTING_TEXT, NULL, 0, 0, NULL, NULL},
};

static char *below(const struct settings *settings, const char *name)
{
    const char *folder = settings_text(settings, "mailer/folder");
    if (*folder == '/') {
        return home_path(folder, "%s", name);
    }
    return home_path(settings_home(settings), "%s/%s", folder, name);
}

static enum fault make_folders(const struct settings *settings)
{
    static const char *const names[] = {"tmp", "new", "cur"};
    enum fault fault = OK;
    for (size_t i = 0; fault == OK && i < 3; i++) {
        char *path = below(settings, names[i]);
        fault = home_folder(path);
        free(path);
    }
    return fault;
}

static void maildir_perform(const struct task *task, struct store_txn *txn, struct verdict *verdict)
{
    (void)txn;
    char name[300], draft[300];
    const char *id = tree_text(task->payload, "id");
    const char *message = tree_text(task->payload, "message");
    snprintf(name, sizeof name, "new/%lld.%.*s.usher", (long long)(task->created_ms / 1000),
             (int)strcspn(id, "@"), id);
    snprintf(draft, sizeof draft, "tmp/%s", name + strlen("new/"));
    char *from = below(task->settings, draft), *path = below(task->settings, name);
    enum fault fault = make_folders(task->settings);
    if (fault == OK) { /* readers of new/ see whole mails only */
        fault = home_write_file(from, message, strlen(message), 0600);
    }
    if (fault == OK) {
        fault = home_move_file(from, path);
    }
    free(from);
    free(path);
    if (fault == OK) {
        verdict_set(verdict, VERDICT_DONE, "%s", "");
    } else {
        verdict_set(verdict, VERDICT_AGAIN, "cannot write the mail: %s", fault_words(fault));
    }
}

const struct adapter mailer_maildir = {
    .name = "maildir", .settings = own_settings, .perform = maildir_perform};
