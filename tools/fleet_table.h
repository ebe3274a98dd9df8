/* fleet_table.h - the processes of a fleet, in the order in which they are started and shown.
 *
 * X(name, sections, files, needed)
 *   sections  of usher.cfg: a change there restarts it (log, store and broker concern all)
 *   files     other files and folders of the home that it reads at start
 *   needed    1: `usher up` refuses to start without its program */
X(broker, "", "", 1)
X(webhook, "webhook", "", 1)
X(ledger, "ledger webhook", "rules.cfg", 1)
X(backfill, "backfill webhook", "", 1)
X(crm, "crm", "", 1)
X(support, "support", "", 1)
X(mailer, "mailer", "templates", 1)
X(app, "app", "", 1)
X(alert, "alert console", "", 1)
X(console, "console webhook", "", 1)
