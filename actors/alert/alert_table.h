/* alert_table.h - everything that is watched: the one place. RUNBOOK.md has a section for each row.
 *
 * X(RULE, "name", kind, hold_ms, "what is wrong", "what to do", "page")
 *   kind     ITEMS     holds for an object while there is something that is older than hold_ms
 *            COUNTED   more than WATCH_REFUSED_MAX in WATCH_REFUSED_MS; over when none are left
 *            MEASURED  p95 above WATCH_LATENCY_MS_MAX
 *            RATED     more than WATCH_BOUNCE_PERCENT_MAX of at least WATCH_BOUNCE_MAILS_MIN
 *            QUIET     nothing was heard for longer than the settings allow; off without one
 *            SEEN      the actor looks itself: holds when seen so for hold_ms
 *   to do    a command of ours, or a sentence
 *   page     of the console, where it is seen and mended
 * An alert is (rule, object): raised once, cleared once. */
X(ALERT_WEBHOOK_FAILURES, "webhook_failures", COUNTED, 0, "Webhooks are refused",
  "compare the secret in the provider's dashboard with secrets/stripe", "settings")
X(ALERT_SYNC_LATENCY, "sync_latency", MEASURED, 0, "The CRM follows slowly",
  "usher jobs --actor crm --state waiting", "problems")
X(ALERT_CRM_BEHIND, "crm_behind", ITEMS, 10 * 60 * 1000, "Members are not in the CRM as they are",
  "usher jobs --actor crm --state waiting", "problems")
X(ALERT_DEAD_LETTER, "dead_letter", ITEMS, 0, "Jobs wait for a person", "usher jobs --state dead", "problems")
X(ALERT_KEY_REFUSED, "key_refused", ITEMS, 0, "A service refuses our key",
  "put a new key into the file that usher.cfg names; it is taken up by itself", "problems")
X(ALERT_ORPHAN, "orphan", ITEMS, 0, "Money moved for a payment that nobody knows",
  "look the object up at the payment provider and send its events again", "events")
X(ALERT_IDENTITY, "identity_conflict", ITEMS, 0, "One app user on two people's records",
  "usher member ID; then correct the customer at the payment provider", "members")
X(ALERT_TICKET_BARE, "ticket_without_context", ITEMS, 10 * 60 * 1000, "Tickets wait for the member's context",
  "usher jobs --actor support --state waiting", "problems")
X(ALERT_BOUNCES, "bounce_rate", RATED, 0, "Mails bounce",
  "usher doctor; then look at who is written to: providers close accounts for this", "members")
X(ALERT_NO_WEBHOOKS, "no_webhooks", QUIET, 0, "The payment provider has gone quiet",
  "usher doctor; then look at the deliveries in the provider's dashboard", "events")
X(ALERT_ACTOR_MISSING, "actor_missing", SEEN, 30 * 1000, "A process is not there", "usher status", "fleet")
X(ALERT_ACTOR_LAGGING, "actor_lagging", SEEN, 0, "A process is behind", "usher status", "fleet")
X(ALERT_DISK, "disk", SEEN, 0, "The disk is filling up",
  "make room, or move the home to a larger disk", "fleet")
