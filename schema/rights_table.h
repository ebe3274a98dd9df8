/* rights_table.h - who may do what: the one place.
 *
 * X(name, kinds, reads, asks)
 *   name   the key pair's name: keys/<name>.pub. People's keys are keys/people/<who>.pub.
 *   kinds  what the event table calls the publisher: their events may be published by this name
 *   reads  topics that READ may return, separated by blanks; a trailing * matches the rest
 *   asks   1: may ASK actors through the switchboard (actors never do: nothing can wait in a circle)
 * Ids of published events start with the publisher's name and a colon; those of the webhook, and what
 * backfill publishes in its place, carry a source's name instead. */
X(webhook, "webhook", "", 0)
X(backfill, "backfill webhook effects", "payment.* dispute.* subscription.* customer.* provider.ignored", 0)
X(ledger, "ledger", "*", 0)
X(crm, "effects", "member.* job.* admin.* target.*", 0)
X(support, "effects desk", "member.* job.* admin.* target.* ticket.* payment.* dispute.*", 0)
X(mailer, "effects", "member.* job.* admin.* target.* mail.*", 0)
X(app, "effects", "member.* job.* admin.* target.*", 0)
X(alert, "alert effects", "*", 0)
X(console, "people", "*", 1)
X(tools, "people", "*", 1)
